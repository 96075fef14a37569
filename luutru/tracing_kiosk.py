"""A kiosk's part of a statement's trace: kept, taken by the broker, answered.

- *stay declaration* is the first span, from the promise on the screen to the receipt; below it *to the broker* and *to the receipt*.
- Told when the receipt comes: until then nobody knows whether the way ended. A statement kept before a restart has the kept time of its receipt and no
  *to the broker*: when it was taken is not on the disk.
- Times are the kiosk's wall clock, which may be wrong; ``luutru.clock`` says how far it is believed.
- What waits is held in memory, the newest ten thousand of those that are told.

Example: ``outbox.listen(KioskTrace(outbox, tracing, clock).changed)``
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from luutru.tracing import Tracing, nanoseconds
from residence.clock import Clock, parse_instant
from residence.wire.trace_ids import TraceIds, trace_of

if TYPE_CHECKING:
    from edge_agent.outbox import Outbox, Settlement

MOST_WAITING: Final = 10_000


class _Way(NamedTuple):
    kept_ns: int
    sent_ns: int | None = None


class KioskTrace:
    """Hears of every change of an outbox and tells the ways that have ended."""

    def __init__(self, outbox: Outbox, tracing: Tracing, clock: Clock) -> None:
        self._outbox = outbox
        self._tracing = tracing
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, _Way] = {}

    def changed(self, declaration_id: str) -> None:
        """Note where a statement is now; never raises for what a statement says."""
        ids = trace_of(declaration_id)
        settlement = self._outbox.settlement(declaration_id) if self._tracing.is_told(ids) else None
        if settlement is None:
            return
        now_ns = nanoseconds(self._clock.now())
        with self._lock:
            if settlement.state == "kept":
                self._waiting[declaration_id] = _Way(now_ns)
                if len(self._waiting) > MOST_WAITING:
                    del self._waiting[next(iter(self._waiting))]
            elif settlement.state == "sent":
                self._waiting[declaration_id] = self._waiting.get(declaration_id, _Way(now_ns))._replace(sent_ns=now_ns)
            else:
                self._tell(ids, self._waiting.pop(declaration_id, None), settlement, now_ns)

    def _tell(self, ids: TraceIds, way: _Way | None, settlement: Settlement, now_ns: int) -> None:
        receipt = settlement.receipt
        said = {"state": settlement.state, "clock": self._outbox.time_state()}
        if way is None:
            kept = receipt.kept_at if receipt is not None else None
            way = _Way(nanoseconds(parse_instant(kept)) if kept else now_ns)
        self._tracing.tell_first("stay declaration", ids, began_ns=way.kept_ns, ended_ns=now_ns, **said)
        if way.sent_ns is not None:
            self._tracing.tell("to the broker", ids, began_ns=way.kept_ns, ended_ns=way.sent_ns)
            self._tracing.tell("to the receipt", ids, began_ns=way.sent_ns, ended_ns=now_ns)
