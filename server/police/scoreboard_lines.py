"""The own commune's scoreboard as drawings: the last sixty days of each measure with its interval, and the first and latest count in figures.

- Drawn in hundredths, on a scale that ends where the figures do, else nobody would see a change near the top. The numbers stand at each line of
  it, and the page says that scales differ.
- A day that was not counted is a gap in line and band, not a nought; a day between two such is a dot.
- The interval is the band behind the line (``residence/cleaning/shares.py``).

>>> scale(93.1, 96.4)
(93.0, 94.0, 95.0, 96.0, 97.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil, floor
from typing import Final

import msgspec

from residence.cleaning.scoreboard import MEASURES, Cell, Measure
from residence.cleaning.shares import Share, share_of

DAYS: Final = 60
LEFT, RIGHT, TOP, BOTTOM = 34, 352, 12, 132  # the plotting field within 360 x 156
STEPS: Final = (1, 2, 5, 10, 25)
MOST_STEPS: Final = 4
Point = tuple[float, Share]


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """One measure drawn. ``ticks``: height and number; ``bands`` and ``runs``: SVG ``points``; ``dots``: days that stand alone, and the last."""

    ticks: tuple[tuple[float, float], ...]
    bands: tuple[str, ...]
    runs: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


class MeasureLine(msgspec.Struct, frozen=True, kw_only=True):
    """One measure: the drawing, and the first and latest count in it with their days."""

    measure: Measure
    drawing: Drawing
    first_on: str
    first: Share
    latest_on: str
    latest: Share


def first_day(today: date) -> date:
    """Return the first day that is drawn."""
    return today - timedelta(days=DAYS - 1)


def lines_of(cells: Sequence[Cell], *, today: date) -> list[MeasureLine]:
    """Return a line for each measure that was counted of somebody."""
    days = [(first_day(today) + timedelta(days=number)).isoformat() for number in range(DAYS)]
    found = []
    for measure in MEASURES:
        shares = {
            each.day: share_of(each.part, each.whole)
            for each in cells
            if each.measure == measure and each.whole and days[0] <= each.day <= days[-1]
        }
        if shares:
            first, last = min(shares), max(shares)
            found.append(
                MeasureLine(
                    measure=measure,
                    drawing=draw([shares.get(day) for day in days]),
                    first_on=first,
                    first=shares[first],
                    latest_on=last,
                    latest=shares[last],
                )
            )
    return found


def draw(shares: Sequence[Share | None]) -> Drawing:
    """Lay days out from left to right; there is at least one share."""
    counted = [each for each in shares if each is not None]
    ticks = scale(100 * min(each.low for each in counted), 100 * max(each.high for each in counted))
    runs = _runs(shares)

    def height(share: float) -> float:
        return round(BOTTOM - (100 * share - ticks[0]) / (ticks[-1] - ticks[0]) * (BOTTOM - TOP), 1)

    lines = [[(x, height(each.share or 0)) for x, each in run] for run in runs]
    bands = [
        [(x, height(each.high)) for x, each in run] + [(x, height(each.low)) for x, each in reversed(run)] for run in _long(runs)
    ]
    return Drawing(
        ticks=tuple((height(each / 100), each) for each in ticks),
        bands=tuple(_points(each) for each in bands),
        runs=tuple(_points(each) for each in lines if len(each) > 1),
        dots=tuple(each[-1] for number, each in enumerate(lines) if len(each) == 1 or number == len(lines) - 1),
    )


def scale(lowest: float, highest: float) -> tuple[float, ...]:
    """Return the lines of a scale from at most ``lowest`` to at least ``highest``, both in hundredths, in round steps."""

    def ends(step: int) -> tuple[int, int]:
        low = min(floor(lowest / step), 100 // step - 1)
        return low, max(ceil(highest / step), low + 1)

    step = next(each for each in STEPS if ends(each)[1] - ends(each)[0] <= MOST_STEPS)
    low, high = ends(step)
    return tuple(float(number * step) for number in range(low, high + 1))


def _runs(shares: Sequence[Share | None]) -> list[list[Point]]:
    """Return the stretches of days that follow each other, with where each day lies."""
    width = (RIGHT - LEFT) / max(1, len(shares) - 1)
    runs: list[list[Point]] = [[]]
    for number, share in enumerate(shares):
        if share is None:
            runs.append([])
        else:
            runs[-1].append((round(LEFT + number * width, 1), share))
    return [run for run in runs if run]


def _long(runs: Sequence[list[Point]]) -> list[list[Point]]:
    return [run for run in runs if len(run) > 1]


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)
