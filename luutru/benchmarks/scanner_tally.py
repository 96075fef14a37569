"""What one reader did with a set of pictures: how many it read, what it read wrongly, how long it took.

- One tally a reader, for stills and for photos alike; groups are categories or folders.
- Whatever is returned and not right is a wrong text; anything at all from a picture without a code is one too, and read.
- Times count where ``timing`` says so: extra frames without a code must not shift the mean of the set.
- Figures without any picture behind them are None, never 0.

>>> tally = Tally()
>>> tally.note("clean", Timed([b"card"], 2.0, 2.0), right=[True])
>>> (tally.share(), tally.share("clean"), tally.share("dim"), tally.wrong)
(1.0, 1.0, None, 0)
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence

from luutru.benchmarks.scanner_readers import Timed


class Tally:
    """What one reader did; times in milliseconds."""

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.read: Counter[str] = Counter()
        self.wrong = 0
        self.codefree = 0
        self.codefree_read = 0
        self._spent: defaultdict[str, list[float]] = defaultdict(list)
        self._spent_720p: list[float] = []
        self._spent_process = 0.0

    def note(
        self,
        group: str,
        timed: Timed,
        *,
        right: Sequence[bool],
        codefree: bool = False,
        timing: bool = True,
        is_720p: bool = False,
    ) -> None:
        """Count one picture; ``right`` says of each byte string found whether it is what the code says."""
        self.wrong += right.count(False)
        if codefree:
            self.codefree += 1
            self.codefree_read += bool(right)
        else:
            self.codes[group] += 1
            self.read[group] += any(right)
        if timing:
            self._spent[group].append(timed.took_ms)
            self._spent_process += timed.process_ms
        if timing and is_720p:
            self._spent_720p.append(timed.took_ms)

    def share(self, group: str | None = None) -> float | None:
        """Return the share of codes read, of one group or of all."""
        codes, read = (self.codes.total(), self.read.total()) if group is None else (self.codes[group], self.read[group])
        return round(read / codes, 4) if codes else None

    def mean_ms(self, group: str | None = None) -> float | None:
        """Return the mean time of a picture, of one group or of all."""
        spent = self._all() if group is None else self._spent.get(group, [])
        return round(statistics.fmean(spent), 3) if spent else None

    def median_ms(self) -> float | None:
        """Return the median time of all pictures."""
        return _rounded(self._all(), 0.5)

    def speed(self) -> dict[str, float | None]:
        """Return the times that are reported of every reader."""
        return {
            "median_ms_720p": _rounded(self._spent_720p, 0.5),
            "p95_ms_720p": _rounded(self._spent_720p, 0.95),
            "mean_ms": self.mean_ms(),
            "process_to_thread_time": round(self._spent_process / sum(self._all()), 3) if self._all() else None,
        }

    def _all(self) -> list[float]:
        return [each for spent in self._spent.values() for each in spent]


def _rounded(spent: list[float], quantile: float) -> float | None:
    if len(spent) < 2:
        return round(spent[0], 3) if spent else None
    value = statistics.median(spent) if quantile == 0.5 else statistics.quantiles(spent, n=100)[round(quantile * 100) - 1]
    return round(value, 3)


def ratio(ours: float | None, other: float | None) -> float | None:
    """Return ``ours`` divided by ``other``, or None when one of them was not measured."""
    return round(ours / other, 4) if ours is not None and other else None
