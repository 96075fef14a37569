"""What is compared of a person: one row of derived keys, made in memory by pure functions and never written to a table.

- Everything comes from ``residence/``: names, dates, telephone and address keys. A field that is missing, or makes no sense, is None and
  equal to nothing.
- Numbers stay as they are. ``personal_before`` is a personal number that was cancelled or replaced; only the youngest is compared.
- Columns are given column by column, as the engines take them.

Example: ``columns_of([Candidate(person_id="1", full_name="Trần An")])["plain"] == ["tranan"]``
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from residence.people.birth_keys import BirthKeys, birth_keys
from residence.people.name_keys import NameKeys, name_keys
from residence.people.person import PartialDate, Sex
from residence.people.phones import phone_key
from residence.places.address_keys import AddressKeys, address_keys


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A person as far as a search for duplicates is concerned, opened for it and for nothing else."""

    person_id: str
    full_name: str | None = None
    birth: PartialDate | None = None
    sex: Sex | None = None
    personal: str | None = None
    personal_before: str | None = None
    old: str | None = None
    document: str | None = None  # kind:issuer:number
    phone: str | None = None
    address: str | None = None


Value = str | int | bool | None
ID: Final = "person_id"
TEXTS: Final = (
    ID,
    "accented",
    "plain",
    "words",
    "ends",
    "initials",
    "given",
    "year",
    "day",
    "swapped",
    "either",
    "sex",
    "personal",
    "personal_before",
    "old",
    "document",
    "phone",
    "whole",
    "house",
    "commune",
    "province",
)
COLUMNS: Final = (*TEXTS, "count", "has_accents")
_NO_NAME: Final = (*[None] * 6, 0, False)
_NO_BIRTH: Final = (None,) * 4
_NO_ADDRESS: Final = (None,) * 4


def columns_of(persons: Iterable[Candidate]) -> dict[str, list[Value]]:
    """Return the rows of these persons, column by column."""
    rows = [_row(each) for each in persons]
    if not rows:
        return {name: [] for name in COLUMNS}
    return {name: list(values) for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)}


def _row(person: Candidate) -> tuple[Value, ...]:
    name: NameKeys | None = name_keys(person.full_name) if person.full_name else None
    birth: BirthKeys | None = birth_keys(person.birth) if person.birth else None
    address: AddressKeys | None = address_keys(person.address) if person.address else None
    return (
        person.person_id,
        *(name or _NO_NAME)[:6],
        *(birth or _NO_BIRTH),
        person.sex,
        person.personal,
        person.personal_before,
        person.old,
        person.document,
        phone_key(person.phone) if person.phone else None,
        *(address or _NO_ADDRESS),
        *(name or _NO_NAME)[6:],
    )
