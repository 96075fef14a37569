"""The own commune's scoreboard as lines: the last sixty days of each measure, a gap where a day was not counted, and the latest figure.

- A share is drawn in hundredths; its interval stands beside the latest figure in words (``residence/cleaning/shares.py``).

Example: ``lines_of(kept_days(connection, commune_code="demo-01"), today=date(2026, 7, 10))[0].latest.share``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from residence.cleaning.scoreboard import MEASURES, Cell, Measure
from residence.cleaning.shares import Share, share_of
from server.operators.gateway_plot import Line, draw

DAYS: Final = 60


class MeasureLine(msgspec.Struct, frozen=True, kw_only=True):
    """One measure: the drawing, and the latest count of it."""

    measure: Measure
    line: Line
    latest: Share


def first_day(today: date) -> date:
    """Return the first day that is drawn."""
    return today - timedelta(days=DAYS - 1)


def lines_of(cells: Sequence[Cell], *, today: date) -> list[MeasureLine]:
    """Return a line for each measure that was counted."""
    days = [(first_day(today) + timedelta(days=number)).isoformat() for number in range(DAYS)]
    found = []
    for measure in MEASURES:
        shares = {each.day: share_of(each.part, each.whole) for each in cells if each.measure == measure and each.day in days}
        values = [100 * (each.share or 0) if (each := shares.get(day)) else None for day in days]
        if shares:
            found.append(MeasureLine(measure=measure, line=draw(values), latest=shares[max(shares)]))
    return found
