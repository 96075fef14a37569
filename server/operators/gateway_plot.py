"""The last hour of each gateway as lines: reports put together into two-minute steps, and where each step lies in a drawing.

- A step's rate is all that was committed over all its time; of the slowest hundredth and the oldest wait it keeps the worst, so that no
  bad moment is averaged away.
- A step without a report is a gap in the line, not a nought.
- Drawings are 360 units wide and carry their own scale; the same figures stand in a table.

>>> nice_top(0), nice_top(3), nice_top(1234)
(1.0, 5.0, 2000.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import floor, log10
from typing import Final

import msgspec

from registry.gateway_reports import KEPT_FOR, PlottedReport

STEP: Final = timedelta(minutes=2)
LEFT, RIGHT, TOP, BOTTOM = 58, 352, 10, 104  # the plotting field within 360 x 130
NICE: Final = (1, 2, 5, 10)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in two minutes; None where no report speaks of it."""

    at: datetime
    rate: float | None = None
    p99_ms: float | None = None
    oldest_seconds: float | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One drawn measure. ``runs``: SVG ``points``, one for each stretch without a gap; ``dots``: every point."""

    top: float
    runs: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


class WorkerHour(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's hour."""

    worker: str
    steps: tuple[Step, ...]
    rate: Line
    p99: Line
    oldest: Line


def hours_of(reports: Sequence[PlottedReport], *, now: datetime) -> dict[str, WorkerHour]:
    """Return each worker's last hour."""
    by_worker: dict[str, list[PlottedReport]] = {}
    for each in reports:
        by_worker.setdefault(each.worker, []).append(each)
    return {worker: _hour(worker, theirs, now) for worker, theirs in sorted(by_worker.items())}


def _hour(worker: str, reports: Sequence[PlottedReport], now: datetime) -> WorkerHour:
    begin = now - KEPT_FOR
    steps: dict[int, list[PlottedReport]] = {}
    for each in reports:
        steps.setdefault(min((each.at - begin) // STEP, KEPT_FOR // STEP - 1), []).append(each)
    found = tuple(_step(begin + STEP * number, steps.get(number, [])) for number in range(KEPT_FOR // STEP))
    return WorkerHour(
        worker=worker,
        steps=found,
        rate=draw([each.rate for each in found]),
        p99=draw([each.p99_ms for each in found]),
        oldest=draw([each.oldest_seconds for each in found]),
    )


def _step(at: datetime, reports: Sequence[PlottedReport]) -> Step:
    if not reports:
        return Step(at=at)
    seconds = sum(each.seconds for each in reports)
    slowest = [each.batch.p99_ms for each in reports if each.batch]
    return Step(
        at=at,
        rate=sum(each.committed for each in reports) / seconds if seconds else 0.0,
        p99_ms=max(slowest) if slowest else None,
        oldest_seconds=max(each.oldest_unacked_seconds for each in reports),
    )


def draw(values: Sequence[float | None]) -> Line:
    """Lay values out from left to right, on a scale from nought to a round number."""
    top = nice_top(max((each for each in values if each is not None), default=0.0))
    width = (RIGHT - LEFT) / max(1, len(values) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((round(LEFT + number * width, 1), round(BOTTOM - value / top * (BOTTOM - TOP), 1)))
    lines = tuple(" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1)
    return Line(top=top, runs=lines, dots=tuple(dot for run in runs for dot in run))


def nice_top(value: float) -> float:
    """Return the round number a scale ends at."""
    if value <= 0:
        return 1.0
    size: float = 10.0 ** floor(log10(value))
    return next(size * each for each in NICE if size * each >= value)
