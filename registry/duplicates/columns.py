"""What is compared of a person: one row of derived keys, made in memory by pure functions and never written to a table.

- Everything comes from ``residence/``: names, dates, telephone and address keys. A field that is missing, or makes no sense, is None and
  equal to nothing.
- What is only asked to be equal enters the engine as a 64-bit hash under a key this process drew when it started: no name, address or
  telephone can be read back from it, and two processes' rows do not fit together. What letters or digits are counted of stays as it is:
  the plain name, the day of birth, the numbers.
- ``block_*``: what brings two persons together (``blocks.py``).
- Of several former personal numbers only the youngest is compared.

Example: ``columns_of([Candidate(person_id="1", full_name="Trần An")])["plain"] == ["tranan"]``
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from registry.duplicates.blocks import BLOCKS, blocks_of
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


# Empty is missing here: no key is ever empty.
_NO_NAME: Final = NameKeys("", "", "", "", "", "", 0, has_accents=False)
_NO_BIRTH: Final = BirthKeys("")
_NO_ADDRESS: Final = AddressKeys("")
Value = str | int | bool | None
ID: Final = "person_id"
TEXTS: Final = (ID, "plain", "day", "swapped", "personal", "personal_before", "old")
HASHES: Final = (
    *(
        "accented",
        "words",
        "ends",
        "initials",
        "given",
        "year",
        "sex",
        "document",
        "phone",
        "whole",
        "house",
        "commune",
        "province",
    ),
    *(f"block_{name}" for name in BLOCKS),
)
COLUMNS: Final = (*TEXTS, *HASHES, "word_count", "has_accents")


def columns_of(persons: Iterable[Candidate]) -> dict[str, list[Value]]:
    """Return the rows of these persons, column by column."""
    rows = [_row(each) for each in persons]
    if not rows:
        return {name: [] for name in COLUMNS}
    return {name: list(values) for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)}


def _row(person: Candidate) -> tuple[Value, ...]:
    name = (name_keys(person.full_name) if person.full_name else None) or _NO_NAME
    birth = birth_keys(person.birth) if person.birth else _NO_BIRTH
    address = (address_keys(person.address) if person.address else None) or _NO_ADDRESS
    phone = phone_key(person.phone) if person.phone else None
    words = (name.accented, name.words, name.ends, name.initials, name.given)
    equal = (*words, birth.year, person.sex, person.document, phone, *address)
    blocks = blocks_of(
        (person.personal, person.personal_before, person.old, person.document),
        name=(name.given, name.words),
        birth=(birth.year, birth.either),
        phone=phone,
        house=address.house,
    )
    return (
        person.person_id,
        name.plain or None,
        birth.day,
        birth.swapped,
        person.personal,
        person.personal_before,
        person.old,
        *[hash(each) if each else None for each in (*equal, *blocks)],
        name.word_count,
        name.has_accents,
    )
