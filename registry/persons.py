"""People as rows: sealed fields, blind indexes, and what reconciliation may see of them.

- A row holds each field sealed under the person's own key; what it looked like before a correction goes to ``person_versions``.
- ``matching_*`` open names and numbers for the machine's own comparison inside one transaction; nobody sees them. Whatever a human
  sees goes through ``registry/release.py``.
- A merged person is a pointer: its sealed values stay under its own key, and its numbers and statements name the person that stands.

Example: ``search_by_name(connection, "tran an", commune_code="demo-01", vault=vault)`` returns ids, never names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

import msgspec
from sqlalchemy import Connection, Row, func, select, union

from registry import tables
from registry.asking import among
from registry.vault import Cell, SubjectKey, Vault
from residence.people.letters import plain_key
from residence.people.names import words_of
from residence.people.person import PartialDate, Person, Precision, Sex
from residence.stays.known import KnownNumber, KnownPerson, numbers_of

SEALED_COLUMNS: Final = ("full_name", "birth", "sex", "nationality", "residence_text", "document", "contact")
MOST_FOUND: Final = 50
_MATCHED: Final = [
    tables.persons.c[name] for name in ("person_id", "status", "full_name_sealed", "birth_sealed", "sex_sealed", "declaration_id")
]
_MATCHED_NUMBER: Final = [
    tables.identifiers.c[name]
    for name in ("identifier_id", "person_id", "kind", "value_sealed", "status", "subject_id", "declaration_id")
]
# Status of a number that somebody stated and reconciliation did not take over: it finds the person and proves nothing.
STATED: Final = "stated"


class Stamp(NamedTuple):
    """What a row says of its making: where, when, and by which statement (None: an authority's register)."""

    commune_code: str
    now: datetime
    declaration_id: str | None


def person_row(person: Person, person_id: str, *, key: SubjectKey, stamp: Stamp, vault: Vault) -> dict[str, Any]:
    """Return the row of ``persons`` for a new person."""
    values = {
        "full_name": person.full_name,
        "birth": f"{person.birth.precision}:{person.birth.value}" if person.birth else None,
        "sex": person.sex,
        "nationality": person.nationality,
        "residence_text": person.residence_text,
        "document": msgspec.json.encode(person.document) if person.document else None,
    }
    row: dict[str, Any] = {
        f"{column}_sealed": vault.seal(key, Cell("persons", column, person_id), values.get(column)) for column in SEALED_COLUMNS
    }
    return row | {
        "commune_code": stamp.commune_code,
        "person_id": person_id,
        "status": "living",
        "contact_index": None,
        "name_quality": person.name_quality,
        "declaration_id": stamp.declaration_id,
        "merged_into": None,
        "created_at": stamp.now,
        "changed_at": stamp.now,
    }


def token_rows(full_name: str, person_id: str, *, commune_code: str, vault: Vault) -> list[dict[str, Any]]:
    """Return the rows of ``name_tokens`` for a name."""
    return [
        {"commune_code": commune_code, "token_index": vault.token_index(commune_code, word), "person_id": person_id}
        for word in sorted(set(words_of(plain_key(full_name)).split()))
    ]


def identifier_row(
    number: KnownNumber, person_id: str, *, key: SubjectKey, identifier_id: str, stamp: Stamp, vault: Vault
) -> dict[str, Any]:
    """Return one row of ``identifiers``."""
    return {
        "commune_code": stamp.commune_code,
        "identifier_id": identifier_id,
        "person_id": person_id,
        "kind": number.kind,
        "value_sealed": vault.seal(key, Cell("identifiers", "value", identifier_id), number.value),
        "value_index": vault.number_index(number.kind, number.value),
        "status": number.status,
        "subject_id": key.subject_id,
        "declaration_id": stamp.declaration_id,
        "recorded_at": stamp.now,
        "ended_at": None,
    }


def number_indexes(person: Person, vault: Vault) -> tuple[bytes, ...]:
    """Return the blind indexes of every number a person stated."""
    return tuple(vault.number_index(number.kind, number.value) for number in numbers_of(person))


def holders(connection: Connection, indexes: Iterable[bytes]) -> dict[bytes, set[str]]:
    """Return who holds each number: index -> person ids, in one query."""
    wanted = sorted(set(indexes))
    found: dict[bytes, set[str]] = {}
    if wanted:
        columns = tables.identifiers.c
        query = select(columns.value_index, columns.person_id).where(columns.value_index.in_(wanted))
        for index, person_id in connection.execute(query):
            found.setdefault(bytes(index), set()).add(person_id)
    return found


def matching_persons(
    connection: Connection, person_ids: Iterable[str], *, keys: Mapping[str, SubjectKey], vault: Vault
) -> list[KnownPerson]:
    """Return people with all their numbers, opened for reconciliation only. An erased person is left out."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return []
    numbers = _matching_numbers(connection, wanted, keys=keys, vault=vault)
    rows = connection.execute(select(*_MATCHED).where(among(tables.persons.c.person_id, wanted, connection))).all()
    known = []
    for row in rows:
        key = keys.get(row.person_id)
        if key is None or row.full_name_sealed is None:
            continue
        known.append(_matching_person(row, key, tuple(numbers.get(row.person_id, ())), vault))
    return known


def _matching_person(row: Row[Any], key: SubjectKey, numbers: tuple[KnownNumber, ...], vault: Vault) -> KnownPerson:
    return KnownPerson(
        person_id=row.person_id,
        full_name=opened(row, "full_name", key, vault) or "",
        birth=read_birth(opened(row, "birth", key, vault)),
        sex=cast("Sex | None", opened(row, "sex", key, vault)),
        numbers=numbers,
        status="deceased" if row.status == "deceased" else "living",
        declared_by=row.declaration_id,
    )


def _matching_numbers(
    connection: Connection, person_ids: list[str], *, keys: Mapping[str, SubjectKey], vault: Vault
) -> dict[str, list[KnownNumber]]:
    columns = tables.identifiers.c
    query = (
        select(*_MATCHED_NUMBER)
        .where(among(columns.person_id, person_ids, connection), columns.status != STATED)
        .order_by(columns.recorded_at, columns.identifier_id)
    )
    found: dict[str, list[KnownNumber]] = {}
    for row in connection.execute(query):
        key = keys.get(row.subject_id)
        if key is not None:
            value = vault.open(key, Cell("identifiers", "value", row.identifier_id), row.value_sealed).decode()
            number = KnownNumber(kind=row.kind, value=value, status=row.status, stated_in=row.declaration_id)
            found.setdefault(row.person_id, []).append(number)
    return found


def opened(row: Row[Any], column: str, key: SubjectKey, vault: Vault) -> str | None:
    """Open one sealed field of a ``persons`` row."""
    return vault.open_text(key, Cell("persons", column, row.person_id), getattr(row, f"{column}_sealed"))


def read_birth(text: str | None) -> PartialDate | None:
    """Read ``precision:value`` as ``person_row`` wrote it."""
    if text is None:
        return None
    precision, _, value = text.partition(":")
    return PartialDate(value=value, precision=cast("Precision", precision))


def search_by_name(
    connection: Connection, text: str, *, commune_code: str, vault: Vault, at: str | None = None, limit: int = MOST_FOUND
) -> list[str]:
    """Return ids of people of one commune whose name has all the words of ``text``, in any order, accents set aside.

    ``at``: only of those who live or stay, or did, at these premises; among a whole commune a common name fills the ``limit``.
    """
    indexes = {vault.token_index(commune_code, word) for word in words_of(plain_key(text)).split()}
    if not indexes:
        return []
    columns = tables.name_tokens.c
    query = (
        select(columns.person_id)
        .where(columns.commune_code == commune_code, columns.token_index.in_(sorted(indexes)))
        .group_by(columns.person_id)
        .having(func.count() == len(indexes))
        .order_by(columns.person_id)
        .limit(min(limit, MOST_FOUND))
    )
    if at is not None:
        people = (select(each.c.person_id).where(each.c.premises_id == at) for each in (tables.residences, tables.stays))
        query = query.where(columns.person_id.in_(union(*people)))
    return list(connection.scalars(query))


def search_by_number(connection: Connection, kind: str, value: str, *, vault: Vault) -> list[str]:
    """Return ids of everyone holding or having held a number."""
    return sorted(holders(connection, [vault.number_index(kind, value)]).get(vault.number_index(kind, value), set()))
