"""Card-like frames in every category and level, read by every reader: each reader alone with the frames of a batch.

- A batch is made first, then one reader after the other reads the whole of it: as on a kiosk, where nothing but the one reader
  runs between two frames. What runs between them (another reader, the making of a frame) would empty the processor's caches.
- Read = one returned byte string equals the payload exactly.
- Every reader is called twice on the first frame before anything is counted: the first calls pay for loading.
- ``codefree`` frames without a code beyond those of the set are read too; they count as code-free, not in the times.
- Our own misses are kept, cut down, for the picture sheet, and only when one is wanted; the frame is then examined once more,
  outside the measured time.

Example: ``measure_stills(readers, plan, step=lambda: None)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.cascade import QUICK, examine
from edge_agent.scanning.diagnosis import Reason, why_not_read
from edge_agent.scanning.locating import locate
from edge_agent.scanning.views import Grey
from luutru.benchmarks.card_set import CATEGORIES, LEVELS, Still, make_still
from luutru.benchmarks.scanner_readers import OURS, Reader, timed
from luutru.benchmarks.scanner_tally import Tally

CODE_FREE: Final = "none"
BATCH: Final = 60  # frames; they lie in memory together, about one megabyte each
_AROUND: Final = 1.5  # how much of the code's extent a miss shows


class StillPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which frames are made."""

    seed: int
    per_level: int
    codefree: int = 0  # frames without a code, at least
    levels: tuple[int, ...] = tuple(range(LEVELS))
    keep_missed: bool = False

    @property
    def frames(self) -> list[tuple[str, int, int, bool]]:
        """Return category, level, number and whether it belongs to the set, of every frame."""
        usual = [
            (category, level, number, True)
            for category in CATEGORIES
            for level in self.levels
            for number in range(self.per_level)
        ]
        count = self.per_level * len(self.levels)
        extra = ((self.levels[at % len(self.levels)], at // len(self.levels)) for at in range(count, self.codefree))
        return usual + [(CODE_FREE, level, number, False) for level, number in extra]


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that ours did not read: where it comes from, what is around the code, and the first thing to mend."""

    category: str
    level: int
    number: int
    picture: Grey
    reason: Reason


def measure_stills(
    readers: Sequence[Reader], plan: StillPlan, *, step: Callable[[], None]
) -> tuple[dict[str, Tally], list[Missed]]:
    """Read every frame of the plan with every reader; ``step`` is called once for each frame."""
    tallies = {reader.name: Tally() for reader in readers}
    missed: list[Missed] = []
    for batch in _batches(plan):
        if not any(tally.codes or tally.codefree for tally in tallies.values()):
            warm_up([reader.read for reader in readers], batch[0][1].grey)
        for reader in readers:
            for number, still, in_set in batch:
                right = _note(tallies[reader.name], reader, still, timing=in_set)
                if plan.keep_missed and reader.name == OURS and still.payload and not right:
                    missed.append(_missed(still, number))
        for _ in batch:
            step()
    return tallies, missed


def warm_up(reads: Sequence[Callable[[Grey], list[bytes]]], grey: Grey) -> None:
    """Call each twice."""
    for read in reads:
        read(grey)
        read(grey)


def _batches(plan: StillPlan) -> Iterator[list[tuple[int, Still, bool]]]:
    for start in range(0, len(plan.frames), BATCH):
        yield [
            (number, make_still(plan.seed, category, level=level, number=number), in_set)
            for category, level, number, in_set in plan.frames[start : start + BATCH]
        ]


def _note(tally: Tally, reader: Reader, still: Still, *, timing: bool) -> bool:
    outcome = timed(reader.read, still.grey)
    right = [bool(still.payload) and each == still.payload.encode() for each in outcome.found]
    is_720p = still.grey.shape[0] == 720
    tally.note(still.category, outcome, right=right, codefree=not still.payload, timing=timing, is_720p=is_720p)
    return any(right)


def _missed(still: Still, number: int) -> Missed:
    view = examine(still.grey, stages=QUICK)[1]
    reason = Reason(code=view.refusals[0]) if view.refusals else why_not_read(still.grey, locate(view))
    picture = _around(still.grey, still.corners)
    return Missed(category=still.category, level=still.level, number=number, picture=picture, reason=reason)


def _around(grey: Grey, corners: NDArray[np.float64]) -> Grey:
    """Return the square around the code, as far as it is in the frame."""
    centre, reach = corners.mean(axis=0), np.ptp(corners, axis=0).max() * _AROUND / 2
    left, top = (max(0, round(float(each))) for each in centre - reach)
    right, bottom = (round(float(each)) for each in centre + reach)
    return grey[top:bottom, left:right].copy()
