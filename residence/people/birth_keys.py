"""Keys two records of one birth date may share: the day, the day with day and month changed over, the year alone.

- ``day`` is YYYY-MM-DD and only of dates known to the day: what is not known is equal to nothing.
- ``swapped`` has day and month changed over, where that is another real date (03/04 and 04/03).
- ``either`` is the same for a date and its swapped form; people are brought together by it.
- The first of January is the birthday of many whose day nobody knew. How often a day occurs is counted where the keys are weighed.

>>> birth_keys(PartialDate(value="1990-03-04", precision="day")).swapped
'1990-04-03'
"""

from __future__ import annotations

from typing import Final, NamedTuple

from residence.people.person import PartialDate

_MONTHS: Final = "12"


class BirthKeys(NamedTuple):
    """Every key of one date; ``day``, ``swapped`` and ``either`` are None where they are not known."""

    year: str
    day: str | None = None
    swapped: str | None = None
    either: str | None = None


def birth_keys(birth: PartialDate) -> BirthKeys:
    """Return the keys of a date of birth."""
    value = birth.value
    year = value[:4]
    if birth.precision != "day":
        return BirthKeys(year)
    month, day = value[5:7], value[8:10]
    swapped = f"{year}-{day}-{month}" if day <= _MONTHS and day != month else None
    return BirthKeys(year, value, swapped, min(value, swapped) if swapped else value)
