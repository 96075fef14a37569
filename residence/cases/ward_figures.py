"""A ward's weeks in figures that tell of nobody: counts below a least number are not said, and no total from which they would follow.

- A count of nought says nothing of anybody and is shown. One from 1 to ``LEAST`` - 1 is hidden.
- There is no total of a group's counts anywhere, so what is hidden cannot be worked out from the others.
- A median is said only of ``LEAST`` cases or more.

>>> shown(3) is None, shown(0), shown(5)
(True, 0, 5)
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Final

import msgspec

LEAST: Final = 5
WEEKS: Final = 12


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """One week, by the day it begins on. None: too few to be said."""

    first_day: str
    on_time: int | None
    late: int | None
    corrected: int | None
    notices: int | None
    declared_after: int | None
    closed: dict[str, int | None]  # closing code -> cases
    median_hours: int | None  # from opening to closing


def shown(count: int) -> int | None:
    """Return a count as it may be said."""
    return None if 0 < count < LEAST else count


def shown_median(hours: Iterable[float]) -> int | None:
    """Return the median of enough values, in whole hours."""
    values = list(hours)
    return round(median(values)) if len(values) >= LEAST else None
