"""Households, and who is registered to live where.

- A residence is permanent or temporary, by date, both ends inclusive; one that ended keeps its row.
- A person may be registered before they ever stood before a kiosk (an authority's register): ``add_person``.

Example: ``add_residence(connection, person_id=..., premises_id="blk-hoa-binh", unit="1203", kind="permanent", ...)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select

from registry import tables
from registry.asking import among, ask
from registry.persons import Stamp, identifier_row, person_row, token_rows
from registry.vault import Vault
from residence.clock import uuid7
from residence.people.person import Person
from residence.stays.known import KnownResidence, ResidenceKind, numbers_of

_KNOWN: Final = [tables.residences.c[name] for name in KnownResidence.__struct_fields__]
_OF_PEOPLE: Final = f"SELECT {', '.join(KnownResidence.__struct_fields__)} FROM residences WHERE person_id {{among}}"  # noqa: S608 - our own names


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """One person's registered residence, as an authority's register states it."""

    person_id: str
    premises_id: str
    kind: ResidenceKind
    valid_from: str  # YYYY-MM-DD
    valid_to: str | None = None
    unit: str | None = None
    household_id: str | None = None
    relation: str | None = None


def add_person(
    connection: Connection,
    person: Person,
    *,
    commune_code: str,
    vault: Vault,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Insert a person of an authority's register with all their numbers; returns the person's id."""
    person_id = str(uuid7(now, random_bytes(10)))
    key, key_row = vault.new_key(person_id, "person", commune_code=commune_code, now=now)
    stamp = Stamp(commune_code, now, None)
    connection.execute(insert(tables.subject_keys), [key_row])
    connection.execute(insert(tables.persons), [person_row(person, person_id, key=key, stamp=stamp, vault=vault)])
    numbers = [
        identifier_row(number, person_id, key=key, identifier_id=str(uuid7(now, random_bytes(10))), stamp=stamp, vault=vault)
        for number in numbers_of(person)
    ]
    if numbers:
        connection.execute(insert(tables.identifiers), numbers)
    tokens = token_rows(person.full_name, person_id, commune_code=commune_code, vault=vault)
    if tokens:
        connection.execute(insert(tables.name_tokens), tokens)
    return person_id


def add_household(
    connection: Connection, household_id: str, *, commune_code: str, premises_id: str, unit: str | None, now: datetime
) -> None:
    """Insert a household at a unit."""
    row = {
        "commune_code": commune_code,
        "household_id": household_id,
        "premises_id": premises_id,
        "unit": unit,
        "formed_on": None,
        "created_at": now,
        "ended_at": None,
    }
    connection.execute(insert(tables.households), [row])


def add_residences(
    connection: Connection,
    registrations: Iterable[Registration],
    *,
    commune_code: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    recorded_by: str | None = None,
) -> list[str]:
    """Insert registered residences; returns their ids."""
    rows = [
        msgspec.structs.asdict(each)
        | {
            "commune_code": commune_code,
            "residence_id": str(uuid7(now, random_bytes(10))),
            "registration_ref": None,
            "recorded_by": recorded_by,
            "recorded_at": now,
        }
        for each in registrations
    ]
    if rows:
        connection.execute(insert(tables.residences), rows)
    return [row["residence_id"] for row in rows]


def known_residences(connection: Connection, person_ids: Iterable[str]) -> list[KnownResidence]:
    """Return the residences of these people, ended ones too."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return []
    return [_known(row) for row in ask(connection, _OF_PEOPLE, wanted)]


def household_members(connection: Connection, person_ids: Iterable[str]) -> list[str]:
    """Return everybody registered in a household with any of these people, themselves too."""
    columns = tables.residences.c
    wanted = sorted(set(person_ids))
    if not wanted:
        return []
    homes = select(columns.household_id).where(among(columns.person_id, wanted, connection), columns.household_id.is_not(None))
    return list(connection.scalars(select(columns.person_id).where(columns.household_id.in_(homes)).distinct()))


def ending_between(
    connection: Connection, commune_code: str, *, first: date, last: date, after: str, limit: int
) -> list[tuple[str, KnownResidence]]:
    """Return a commune's temporary residences whose last day lies between two, with their ids, those beyond ``after``."""
    columns = tables.residences.c
    asked = (
        columns.commune_code == commune_code,
        columns.valid_to.between(first.isoformat(), last.isoformat()),
        columns.kind == "temporary",
        columns.residence_id > after,
    )
    query = select(*_KNOWN, columns.residence_id).where(*asked).order_by(columns.residence_id).limit(limit)
    return [(row.residence_id, _known(row[:-1])) for row in connection.execute(query)]


def residences_at(connection: Connection, premises_ids: Iterable[str], *, limit: int = 5000) -> list[KnownResidence]:
    """Return who is registered at these premises, by id only."""
    columns = tables.residences.c
    query = select(*_KNOWN).where(columns.premises_id.in_(sorted(set(premises_ids)))).order_by(columns.residence_id).limit(limit)
    return [_known(row) for row in connection.execute(query)]


def _known(row: Sequence[Any]) -> KnownResidence:
    person_id, premises_id, kind, valid_from, unit, valid_to = row  # in the order of the structure's fields
    return KnownResidence(
        person_id=person_id, premises_id=premises_id, kind=kind, valid_from=valid_from, unit=unit, valid_to=valid_to
    )
