"""What a worker measures of itself: how long each stage takes, how much is waiting, what came of it; reported every few seconds.

- Cheap: the clock is read once per stage and batch, never per message; what counts messages adds whole batches.
- Buckets are fixed: sixteen to each doubling, from a microsecond to an hour, so a figure is at most a sixteenth too high and never too low.
- A stage's time is what passed since the stage before it ended (``lap``); waiting for the registry to come back belongs to none.
- A report speaks of the time since the one before it. One that could not be written is not lost: the next covers its time, too.
- A kiosk's lag is between its clock, when it kept its newest statement, and ours, when that was taken: with a clock nobody confirmed it
  says as little as that clock, and the report names the clock's state.

Example: ``measures.begin(); ...; measures.lap("read"); ...; report = measures.report(now, ...)``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from registry.gateway_reports import WORST, EndsSoon, GatewayReport, KioskLag, Spread
from residence.clock import parse_instant
from residence.errors import Malformed
from residence.wire.times import Times

FINE_BITS: Final = 4  # 2 ** 4 buckets to each doubling
LONGEST_BITS: Final = 32  # microseconds: 71 minutes
AHEAD: Final = timedelta(hours=1)  # no honest delay makes a statement younger than now; so much is no matter of seconds
NOT_SENT: Final = "receipts not sent"


class Histogram:
    """How long something took, in fixed buckets."""

    def __init__(self) -> None:
        self._buckets = [0] * ((LONGEST_BITS - FINE_BITS + 1) << FINE_BITS)
        self.count = 0
        self._total_ns = 0

    def add(self, nanoseconds: int) -> None:
        """Count one duration."""
        self._buckets[bucket_of(nanoseconds // 1000)] += 1
        self.count += 1
        self._total_ns += nanoseconds

    def quantile_us(self, share: float) -> int:
        """Return how many microseconds this share of all took at most; 0 when there were none."""
        wanted, seen = max(1, -int(-share * self.count // 1)), 0
        for bucket, count in enumerate(self._buckets):
            seen += count
            if count and seen >= wanted:
                return upper_edge(bucket)
        return 0

    def spread(self) -> Spread | None:
        """Return the figures of a report, or None when nothing was counted."""
        if not self.count:
            return None
        middle, slowest = self.quantile_us(0.5), self.quantile_us(0.99)
        return Spread(count=self.count, p50_ms=middle / 1e3, p99_ms=slowest / 1e3, total_ms=round(self._total_ns / 1e6, 3))


def bucket_of(microseconds: int) -> int:
    """Return the bucket of a duration.

    >>> [bucket_of(each) for each in (0, 31, 32, 33, 34)]
    [0, 31, 32, 32, 33]
    """
    value = min(max(microseconds, 0), (1 << LONGEST_BITS) - 1)
    coarse = max(0, value.bit_length() - FINE_BITS - 1)
    return (coarse << FINE_BITS) + (value >> coarse)


def upper_edge(bucket: int) -> int:
    """Return the longest duration in a bucket, in microseconds.

    >>> upper_edge(31), upper_edge(32)
    (31, 33)
    """
    coarse = max(0, (bucket >> FINE_BITS) - 1)
    return ((bucket - (coarse << FINE_BITS) + 1) << coarse) - 1


class Measures:
    """One worker's measures. ``rss_mib``: how much memory the process holds now."""

    def __init__(
        self, *, worker: str, shards: str, monotonic_ns: Callable[[], int], rss_mib: Callable[[], int] = lambda: 0
    ) -> None:
        self._worker = worker
        self._shards = shards
        self._monotonic_ns = monotonic_ns
        self._rss_mib = rss_mib
        self._endings: tuple[EndsSoon, ...] = ()
        self._mark = self._since = monotonic_ns()
        self._batch_began = self._mark
        self.laps: list[tuple[str, int]] = [("", self._mark)]  # of the batch in hand: when it began, then the end of each stage
        self._forget()

    def _forget(self) -> None:
        self._stages: dict[str, Histogram] = {}
        self._batches = Histogram()
        self._sizes: Counter[int] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._kept: dict[str, tuple[Times, datetime]] = {}
        self._longest_ns = 0

    def begin(self) -> None:
        """Begin measuring stages: from here to the first ``lap``."""
        self._mark = self._monotonic_ns()
        self.laps = [("", self._mark)]

    def lap(self, stage: str) -> None:
        """Note that a stage has ended now."""
        now = self._monotonic_ns()
        histogram = self._stages.get(stage)
        if histogram is None:
            histogram = self._stages[stage] = Histogram()
        histogram.add(now - self._mark)
        self._mark = now
        self.laps.append((stage, now))

    def taken(self) -> None:
        """Note that a batch was taken in hand: its time runs."""
        self._batch_began = self._mark

    def answered(self, size: int, *, oldest_ns: int | None) -> None:
        """Note that a batch was committed, acknowledged and answered, and when the oldest in hand before that was taken."""
        self._batches.add(self._mark - self._batch_began)
        self._sizes[size] += 1
        if oldest_ns is not None:
            self._longest_ns = max(self._longest_ns, self._mark - oldest_ns)

    def came(self, outcomes: Mapping[str, int], kept: Mapping[str, Times], *, now: datetime) -> None:
        """Count what came of a batch, and when its kiosks kept the newest of what they sent."""
        self._outcomes.update(outcomes)
        for kiosk_id, times in kept.items():
            self._kept[kiosk_id] = (times, now)

    def report(self, now: datetime, *, connection: str, in_hand: int, oldest_ns: int | None) -> GatewayReport:
        """Return what was measured since ``start_over`` was called last."""
        instant = self._monotonic_ns()
        longest_ns = max(self._longest_ns, instant - oldest_ns if oldest_ns is not None else 0)
        lags = sorted(self._lags(), key=lambda each: each.seconds, reverse=True)
        sizes = sorted(self._sizes.elements())
        return GatewayReport(
            worker=self._worker,
            at=now,
            seconds=round((instant - self._since) / 1e9, 3),
            connection=connection,
            shards=self._shards,
            committed=sum(sizes),
            batch=self._batches.spread(),
            stages={name: spread for name, each in self._stages.items() if (spread := each.spread())},
            batch_size_p50=sizes[(len(sizes) - 1) // 2] if sizes else 0,
            batch_size_max=sizes[-1] if sizes else 0,
            in_hand=in_hand,
            oldest_unacked_seconds=round(longest_ns / 1e9, 3),
            receipts_not_sent=self._outcomes[NOT_SENT],
            outcomes={name: count for name, count in sorted(self._outcomes.items()) if name != NOT_SENT},
            lags=tuple(lags[:WORST]),
            clocks_ahead=sum(each.seconds < -AHEAD.total_seconds() for each in lags),
            rss_mib=self._rss_mib(),
            endings=self._endings,
        )

    def note_endings(self, found: tuple[EndsSoon, ...]) -> None:
        """Report from now on which certificates end soon."""
        self._endings = found

    def start_over(self) -> None:
        """Forget what was reported."""
        self._since = self._monotonic_ns()
        self._forget()

    def _lags(self) -> list[KioskLag]:
        found = []
        for kiosk_id, (times, taken) in self._kept.items():
            try:
                seconds = (taken - parse_instant(times.wall)).total_seconds()
            except Malformed:
                continue  # a clock that cannot be read has no lag
            found.append(KioskLag(kiosk_id=kiosk_id, seconds=round(seconds, 3), time_state=times.time_state))
        return found
