"""Where a process tells of each statement's way, if it does: a collector that speaks OTLP over HTTP, named by OpenTelemetry's own variables.

- Off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``..._TRACES_ENDPOINT``) is set; then, and only then, the library is loaded (16 MiB).
- ``OTEL_TRACES_SAMPLER_ARG`` is the share that is told, 0.01 unless set: a city's evening is some hundred thousand statements.
- A span has a name, times and the attributes of ``ALLOWED``. Anything else is a mistake of ours and raises: no field of a person can be told by it.
- A collector that is away costs a line in the log and the spans of that time, never a statement: they are sent by the library's own thread from a bounded queue.

Example: ``if (tracing := tracing_of(os.environ, service="luutru-kiosk", instance="kiosk-1")): tracing.tell("kept", of=ids, ...)``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from residence.errors import Malformed, Refused
from residence.wire.trace_ids import TraceIds, is_told

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

USUAL_SHARE: Final = 0.01
ALLOWED: Final = frozenset({"luutru.state", "luutru.batch_size", "luutru.clock"})
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_SHARE: Final = "OTEL_TRACES_SAMPLER_ARG"
_SECONDS: Final = 2.0  # a collector that does not answer must not hold up the end of a process


class Tracing:
    """Tells spans. Used from one thread at a time."""

    def __init__(self, exporter: SpanExporter, *, share: float, service: str, instance: str, version: str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        class Ids(RandomIdGenerator):
            """Gives the first span of a trace the id both ends know."""

            first: TraceIds | None = None

            def generate_trace_id(self) -> int:
                return self.first.trace_id if self.first else super().generate_trace_id()

            def generate_span_id(self) -> int:
                return self.first.first_span_id if self.first else super().generate_span_id()

        self._ids = Ids()
        self.share: Final = share
        names = {"service.name": service, "service.instance.id": instance, "service.version": version}
        # Not Resource.create: that would add whatever the environment says, and the machine's name.
        self._provider = TracerProvider(
            resource=Resource(names), sampler=ALWAYS_ON, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("luutru")

    def is_told(self, ids: TraceIds) -> bool:
        """Tell whether this trace is among those that are told."""
        return is_told(ids, self.share)

    def tell_first(self, name: str, ids: TraceIds, *, began_ns: int, ended_ns: int, **attributes: str | int) -> None:
        """Tell the span that begins a trace. Times are nanoseconds since 1970."""
        from opentelemetry.context import Context

        self._ids.first = ids
        try:
            span = self._tracer.start_span(name, context=Context(), start_time=began_ns, attributes=_checked(attributes))
        finally:
            self._ids.first = None
        span.end(end_time=max(began_ns, ended_ns))

    def tell(self, name: str, ids: TraceIds, *, began_ns: int, ended_ns: int, **attributes: str | int) -> None:
        """Tell a span below the first one, whichever process tells that."""
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

        first = SpanContext(ids.trace_id, ids.first_span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
        above = set_span_in_context(NonRecordingSpan(first))
        span = self._tracer.start_span(name, context=above, start_time=began_ns, attributes=_checked(attributes))
        span.end(end_time=max(began_ns, ended_ns))

    def close(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()


def tracing_of(environment: Mapping[str, str], *, service: str, instance: str, version: str) -> Tracing | None:
    """Return where to tell, None where nobody asked; raises ``Malformed("tracing.share")`` or ``Refused("tracing.not_installed")``."""
    if not any(environment.get(each) for each in _ENDPOINTS) or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        share = float(environment.get(_SHARE) or USUAL_SHARE)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise Malformed("tracing.share", f"/{_SHARE}", "a number from 0 to 1")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise Refused("tracing.not_installed", f"/{_ENDPOINTS[1]}", "pip install luutru[tracing]") from error
    try:
        timeout = float(environment.get("OTEL_EXPORTER_OTLP_TIMEOUT") or _SECONDS)
        return Tracing(OTLPSpanExporter(timeout=timeout), share=share, service=service, instance=instance, version=version)
    except ValueError as error:  # the library reads a dozen variables of its own
        raise Malformed("tracing.settings", "", str(error)) from error


def nanoseconds(instant: datetime) -> int:
    """Return an instant as nanoseconds since 1970."""
    return int(instant.timestamp() * 1e6) * 1000


def _checked(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    named = {f"luutru.{name}": value for name, value in attributes.items()}
    if not named.keys() <= ALLOWED:
        raise ValueError(f"not to be told: {sorted(named.keys() - ALLOWED)}")
    return named
