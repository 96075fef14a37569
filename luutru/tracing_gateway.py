"""A gateway's part of a statement's trace: one span for each stage of the batch it came in.

- A stage belongs to the whole batch, and its span says how many it was shared by: a statement's own share cannot be told apart.
- The stages are those of ``gateway/measures.py``; their ends are read there once a batch, and only batches with a told statement cost more than that.
- A statement sent again passes again, and its trace says so by a second set of stages.

Example: ``Worker(..., traced=GatewayTrace(tracing, clock).batch)``
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from luutru.tracing import Tracing, nanoseconds
from residence.clock import Clock
from residence.wire.receipts import read_unverified
from residence.wire.topics import Topic
from residence.wire.trace_ids import trace_of


class GatewayTrace:
    """Tells the batches of one worker."""

    def __init__(self, tracing: Tracing, clock: Clock) -> None:
        self._tracing = tracing
        self._clock = clock

    def batch(self, receipts: Sequence[tuple[Topic, bytes]], laps: Sequence[tuple[str, int]]) -> None:
        """Tell of one answered batch. ``laps``: name and monotonic end of each stage; the first is when the batch began."""
        since_epoch = nanoseconds(self._clock.now()) - self._clock.monotonic_ns()
        for _topic, signed in receipts:
            receipt = read_unverified(signed)
            ids = trace_of(receipt.declaration_id)
            if not self._tracing.is_told(ids):
                continue
            said = {"state": receipt.state, "batch_size": len(receipts)}
            for (_, began), (stage, ended) in pairwise(laps):
                self._tracing.tell(f"gateway: {stage}", ids, began_ns=began + since_epoch, ended_ns=ended + since_epoch, **said)
