"""Code lists as dated data: the days on which a code may be said, and where that is known from.

- A list is a file: its source and its own dates, then its codes, each with dates of its own where they differ. Both ends are inclusive; an empty date
  is open, never guessed.
- A code is judged by the day the stay began, like the rules.

Example: ``Validity(valid_from="2024-07-01").holds_on("2024-06-30")`` is false
"""

from __future__ import annotations

import csv
import tomllib
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from residence.errors import Problem, problem

# what a passport has instead of ISO 3166's three letters (ICAO 9303 part 3)
PASSPORT_CODES: Final = {"D": "DEU"}


class Validity(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when: days, YYYY-MM-DD."""

    valid_from: str | None = None
    valid_to: str | None = None

    def holds_on(self, day: str) -> bool:
        """Tell whether it may be said of a stay that began on this day."""
        return (self.valid_from or "") <= day <= (self.valid_to or "9999-12-31")


class CodeRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One code as its file has it. ``also``: other words lists and forms use for it."""

    code: str
    vi: str
    en: str
    ministry: int | None = None
    needs_text: bool = False
    number: str | None = None  # pattern of a document's number
    shape_vi: str = ""
    shape_en: str = ""
    also: tuple[str, ...] = ()
    valid_from: str | None = None
    valid_to: str | None = None


class CodeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of codes."""

    source: str
    codes: tuple[CodeRow, ...]
    valid_from: str | None = None
    valid_to: str | None = None

    def validity_of(self, row: CodeRow) -> Validity:
        """Return a code's days: its own where it has them, else the list's."""
        return Validity(valid_from=row.valid_from or self.valid_from, valid_to=row.valid_to or self.valid_to)


def read_codes(package: str, name: str) -> CodeFile:
    """Read a file of codes that comes with the program."""
    return msgspec.convert(tomllib.loads(resources.files(package).joinpath(name).read_text("utf-8")), CodeFile)


@cache
def countries() -> CodeFile:
    """Return the countries by ISO 3166's three letters, those it has withdrawn with their last day."""
    text = resources.files("residence.people").joinpath("data", "countries.csv").read_text("utf-8")
    rows = tuple(
        CodeRow(code=each["code"], vi=each["vi"], en=each["en"], valid_to=each["valid_to"] or None)
        for each in csv.DictReader(text.splitlines())
    )
    return CodeFile(source="ISO 3166-1 alpha-3 and ISO 3166-3, names of Unicode CLDR (PROVENANCE.md)", codes=rows)


@cache
def country_days() -> dict[str, Validity]:
    """Return country code -> its days."""
    listed = countries()
    return {each.code: listed.validity_of(each) for each in listed.codes}


def check_days(code: str, validity: Validity | None, *, day: str, pointer: str) -> tuple[Problem, ...]:
    """Return what is wrong with a code on a day. A code no list has is for others to judge.

    >>> [each.code for each in check_days("YUG", country_days()["YUG"], day="2026-07-10", pointer="/person/nationality")]
    ['declaration.code_not_valid']
    """
    if validity is None or validity.holds_on(day):
        return ()
    since, until = validity.valid_from or "–", validity.valid_to or "–"
    return (problem("declaration.code_not_valid", pointer, word=str(code), since=since, until=until),)
