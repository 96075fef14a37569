"""The name of a statement's way in traces: what kiosk and gateway say of it falls together, and nothing is sent for it.

- Trace id and first span's id are digests of the declaration's id (W3C Trace Context: 16 and 8 bytes, not all zero). Both ends make the same ones from what
  they have anyway: no header a broker could read, nothing to keep in an outbox for weeks, and a statement that is sent again is the same trace.
- Which traces are told is decided by the id alone, as OpenTelemetry's ``TraceIdRatioBased`` does: both ends tell the same ones.
- Whoever holds a declaration's id can find its trace, and nobody can go back from a trace to the id without guessing it.

>>> trace_of("0197f3a0-7d5e-7b1c-a2f4-5c6d7e8f9a0b") == trace_of("0197f3a0-7d5e-7b1c-a2f4-5c6d7e8f9a0b")
True
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

_LOW_64 = (1 << 64) - 1


class TraceIds(NamedTuple):
    """A trace, and the span that begins it: from the kiosk's promise to the receipt."""

    trace_id: int  # 128 bits
    first_span_id: int  # 64 bits


def trace_of(declaration_id: str) -> TraceIds:
    """Return the ids of a declaration's trace."""
    digest = sha256(b"luutru trace\x00" + declaration_id.encode()).digest()
    return TraceIds(int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:24], "big") or 1)


def is_told(ids: TraceIds, share: float) -> bool:
    """Tell whether a trace is among the ``share`` (0 to 1) that is told."""
    return ids.trace_id & _LOW_64 < round(share * (_LOW_64 + 1))
