"""Watches a frame source for cards: decodes the newest frame and delivers what is newly shown.

- Newest frame only: a frame that came while another was decoded is dropped, so what is delivered is what is in view now.
- A frame may take ``budget_ns``; the slower decoder stages are skipped when it is used up.
- An empty scene is given only the quickest stage, but for two frames a second (``edge_agent/scanning/attention.py``).
- A frame without a code is searched for a passport's machine-readable zone where a ``ZoneWatch`` is given and something moves.
- A code that is no card (a poster behind the person) does not end the search for one in the same frame.
- A source that fails is closed and opened again (``supervising.py``); a video that does not loop ends the reader.
- Frames live in memory for the time of one decode. Nothing is written, logged or kept.

Example: ``FrameReader(Camera(0, clock=clock), clock=clock).start(deliver, report)``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge_agent.mrz_reading.watching import SYMBOLOGY, ZoneWatch
from edge_agent.readers.port import Capture, Deliver, Frame, FrameSource, Report
from edge_agent.readers.supervising import Supervisor
from edge_agent.scanning.attention import Attention
from edge_agent.scanning.cascade import QUICK, Stage, decode
from edge_agent.scanning.codes import Code
from edge_agent.scanning.shown import NewlyShown
from residence.clock import Clock
from residence.credentials.reading import is_complete

BUDGET_NS: Final = 80_000_000
_WAIT_FOR_FRAME: Final = 0.5


class FrameReader:
    """A ``Reader`` over any ``FrameSource``."""

    def __init__(
        self,
        source: FrameSource,
        *,
        clock: Clock,
        stages: Sequence[Stage] = QUICK,
        budget_ns: int = BUDGET_NS,
        zones: ZoneWatch | None = None,
    ) -> None:
        self.name: Final = source.name
        self._source = source
        self._clock = clock
        self._stages = stages
        self._budget_ns = budget_ns
        self._zones = zones
        self._shown = NewlyShown()
        self._attention = Attention()
        self._supervisor = Supervisor(source.name, clock=clock)

    def start(self, deliver: Deliver, report: Report) -> None:
        """Begin watching on an own daemon thread."""
        self._supervisor.start(lambda: self._session(deliver), report)

    def stop(self) -> None:
        """End watching and close the source."""
        self._supervisor.stop()

    def _session(self, deliver: Deliver) -> None:
        try:
            self._source.open()
            while not self._supervisor.stopping.is_set():
                frame = self._source.newest(_WAIT_FOR_FRAME)
                if frame is None:
                    continue
                self._supervisor.say("ok")
                for capture in self._captures(frame):
                    deliver(capture)
        finally:
            self._source.close()

    def _captures(self, frame: Frame) -> list[Capture]:
        deadline = self._clock.monotonic_ns() + self._budget_ns
        awake = self._attention.is_awake(frame.grey, now_ns=frame.taken_ns)
        codes = decode(
            frame.grey,
            stages=self._stages,
            time_left=lambda: awake and self._clock.monotonic_ns() < deadline,
            enough=_has_card,
        )
        if awake and not codes:
            return self._zone(frame)
        return [
            Capture(payload=code.payload, symbology=code.format, reader=f"{self.name}:{code.reader}", seen_at_ns=frame.taken_ns)
            for code in codes
            if self._shown.is_new(code.payload, frame.taken_ns)
        ]

    def _zone(self, frame: Frame) -> list[Capture]:
        zone = self._zones.look(frame.grey) if self._zones is not None else None
        if zone is None or not self._shown.is_new(zone.payload, frame.taken_ns):
            return []
        reader = f"{self.name}:{zone.reader}"
        return [Capture(payload=zone.payload, symbology=SYMBOLOGY, reader=reader, seen_at_ns=frame.taken_ns, kind="mrz")]


def _has_card(codes: list[Code]) -> bool:
    return any(is_complete(code.payload) for code in codes)
