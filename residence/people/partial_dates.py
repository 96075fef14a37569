"""Dates as Vietnamese documents write them, known to the day, the month or only the year.

- Text is ``ddmmyyyy`` in ASCII digits. ``0000yyyy`` and ``yyyy`` are a year, ``00mmyyyy`` a month: people whose birthday was never
  registered are real, and no day is made up for them (identity-documents section 2.1).
- An impossible date (30 February, year 0) is no date at all. Slashes, dashes and other digits are not read.
- Years before 1880 are impossible: nobody alive was born then and no card was issued then.

>>> read_card_date("00001945")
PartialDate(value='1945', precision='year')
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from residence.people.person import PartialDate

EARLIEST_YEAR: Final = 1880
_SHAPES: Final = {
    "day": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "month": re.compile(r"[0-9]{4}-[0-9]{2}"),
    "year": re.compile(r"[0-9]{4}"),
}


def read_card_date(text: str) -> PartialDate | None:
    """Read ``ddmmyyyy``, ``00mmyyyy``, ``0000yyyy`` or ``yyyy``; None when it is not a possible date."""
    if not (text.isascii() and text.isdigit()) or len(text) not in {4, 8}:
        return None
    day, month, year = (0, 0, int(text)) if len(text) == 4 else (int(text[:2]), int(text[2:4]), int(text[4:]))  # noqa: PLR2004 - yyyy
    return partial_date(year, month, day)


def partial_date(year: int, month: int, day: int) -> PartialDate | None:
    """Build a date from numbers where 0 means "not known"; None when impossible (a day without a month included)."""
    if year < EARLIEST_YEAR or (day and not month):
        return None
    try:
        whole = date(year, month or 1, day or 1)
    except ValueError:
        return None
    if day:
        return PartialDate(value=whole.isoformat(), precision="day")
    return (
        PartialDate(value=f"{year:04}-{month:02}", precision="month")
        if month
        else PartialDate(value=f"{year:04}", precision="year")
    )


def earliest(value: PartialDate) -> date:
    """Return the first day the date can mean."""
    return date.fromisoformat((value.value + "-01-01")[:10])


def year_of(value: PartialDate) -> int:
    """Return the year, which every precision knows."""
    return int(value.value[:4])


def is_possible(value: PartialDate) -> bool:
    """Tell whether text and precision fit each other and name a real day, month or year (for values from a wire or a form)."""
    if not _SHAPES[value.precision].fullmatch(value.value):
        return False
    try:
        return earliest(value).year >= EARLIEST_YEAR
    except ValueError:
        return False
