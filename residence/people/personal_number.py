"""The 12-digit personal number: what its digits say, and what may only be warned about.

- Shape ``PPP G YY NNNNNN``: place of birth registration (province 001-096, country 101-295), century and sex, year of birth,
  six random digits (Decree 137/2015 article 13, Circular 07/2016). Not the place of residence.
- ``G``: century = 19 + G // 2, odd = female. There is no check digit.
- Anything but 12 ASCII digits is an error. Disagreement with sex or birth, and an unknown place, are warnings: sex and birth year can
  be corrected while the number stays (Decree 70/2024 article 11), and foreigners' prefixes are not published.
- A number is never made up, also not for a newborn.

>>> parse_personal_number("001095000117").birth_year
1995
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from residence.errors import Malformed, Problem, problem
from residence.people.partial_dates import year_of
from residence.people.person import PartialDate, Sex

LENGTH: Final = 12


class PersonalNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number taken apart. ``place`` is None when the prefix is in no table."""

    number: str
    place_code: str
    place: str | None
    born_abroad: bool
    sex: Sex
    birth_year: int


@cache
def places() -> dict[str, str]:
    """Return place of birth registration by three-digit code, provinces and countries together."""
    table: dict[str, str] = {}
    for name in ("pin-province-codes.csv", "pin-country-codes.csv"):
        text = resources.files("residence.people").joinpath("data", name).read_text("utf-8")
        table.update((row["code"], row["name"]) for row in csv.DictReader(text.splitlines()))
    return table


def is_personal_number(text: str) -> bool:
    """Tell whether the text has the shape of a personal number: 12 ASCII digits."""
    return len(text) == LENGTH and text.isascii() and text.isdigit()


def parse_personal_number(text: str, pointer: str = "") -> PersonalNumber:
    """Take a number apart, or raise ``Malformed("personal-number.malformed")``."""
    if not is_personal_number(text):
        raise Malformed("personal-number.malformed", pointer)
    century_and_sex = int(text[3])
    return PersonalNumber(
        number=text,
        place_code=text[:3],
        place=places().get(text[:3]),
        born_abroad=text[0] != "0",
        sex="female" if century_and_sex % 2 else "male",
        birth_year=1900 + 100 * (century_and_sex // 2) + int(text[4:6]),
    )


def check_personal_number(text: str, *, sex: Sex | None, birth: PartialDate | None, pointer: str) -> tuple[Problem, ...]:
    """Return every problem of a number beside the sex and birth date stated with it (None = not stated)."""
    if not is_personal_number(text):
        return (problem("personal-number.malformed", pointer),)
    parsed = parse_personal_number(text)
    found: list[Problem] = []
    if parsed.place is None:
        found.append(problem("personal-number.unknown_place", pointer, prefix=parsed.place_code))
    if sex is not None and sex != parsed.sex:
        found.append(problem("personal-number.sex_disagrees", pointer))
    if birth is not None and year_of(birth) != parsed.birth_year:
        found.append(problem("personal-number.birth_year_disagrees", pointer, year=parsed.birth_year))
    return tuple(found)
