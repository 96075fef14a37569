"""Counting days as the law counts them: working days and calendar days after something happened, each ending with the day, in Vietnam's time.

- The day it happened on does not count. Saturdays, Sundays and the listed holidays are no working days.
- What comes back is the first moment that is too late.

Example: ``end_of(working_days_after(day, 2, holidays=()))``
"""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime, time, timedelta
from typing import Final

from residence.clock import VIETNAM

_SATURDAY: Final = 5


def working_days_after(day: date, count: int, *, holidays: Container[date]) -> date:
    """Return the last of so many working days after a day.

    >>> working_days_after(date(2026, 7, 10), 2, holidays=())
    datetime.date(2026, 7, 14)
    """
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < _SATURDAY and day not in holidays
    return day


def end_of(day: date) -> datetime:
    """Return the first moment after a day in Vietnam."""
    return datetime.combine(day + timedelta(days=1), time(0), VIETNAM)


def last_day(before: datetime) -> str:
    """Return the last day that lies wholly before a moment, YYYY-MM-DD."""
    return (before.astimezone(VIETNAM) - timedelta(microseconds=1)).date().isoformat()
