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
from sqlalchemy import Connection, Row, case, func, select, union

from registry import tables
from registry.asking import ask
from registry.blind_indexes import every
from registry.vault import Cell, SubjectKey, Vault
from residence.people.letters import plain_key
from residence.people.names import words_of
from residence.people.person import PartialDate, Person, Precision, Sex
from residence.stays.known import KnownNumber, KnownPerson, numbers_of

SEALED_COLUMNS: Final = ("full_name", "birth", "sex", "nationality", "residence_text", "document", "contact")
MOST_FOUND: Final = 50
_HOLDERS: Final = "SELECT value_index, person_id FROM identifiers WHERE value_index {among}"
_MATCHED: Final = """
    SELECT p.person_id, p.commune_code, p.status, p.declaration_id, p.full_name_sealed, p.birth_sealed, p.sex_sealed, k.kek_id, k.wrapped_key
    FROM persons AS p JOIN subject_keys AS k ON k.commune_code = p.commune_code AND k.subject_id = p.person_id
    WHERE p.person_id {among}"""
_MATCHED_NUMBERS: Final = """
    SELECT person_id, kind, status, value_index, declaration_id, identifier_id, subject_id, value_sealed, recorded_at
    FROM identifiers WHERE person_id {among}"""
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
        {"commune_code": commune_code, "token_index": bytes(vault.token_index(commune_code, word)), "person_id": person_id}
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
        "value_index": bytes(vault.number_index(number.kind, number.value)),
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
    wanted = {form: index for index in set(indexes) for form in every(index)}
    found: dict[bytes, set[str]] = {}
    for form, person_id in ask(connection, _HOLDERS, sorted(wanted)) if wanted else ():
        found.setdefault(wanted[bytes(form)], set()).add(person_id)
    return found


class Matched(NamedTuple):
    """One person as reconciliation may see them, and what their rows are written with."""

    known: KnownPerson
    key: SubjectKey
    commune_code: str


def matching_persons(
    connection: Connection, person_ids: Iterable[str], *, vault: Vault, stated: Mapping[bytes, str] = {}
) -> list[Matched]:
    """Return people with all their numbers, opened for reconciliation only. An erased person is left out.

    ``stated``: numbers at hand by blind index. Whoever holds one holds that number; theirs need not be opened to know it.
    """
    wanted = sorted(set(person_ids))
    if not wanted:
        return []
    rows: list[tuple[Any, ...]] = [tuple(row) for row in ask(connection, _MATCHED, wanted) if row.full_name_sealed is not None]
    keys = vault.unwrap_living((person_id, kek_id, wrapped) for person_id, *_, kek_id, wrapped in rows)
    numbers = _matching_numbers(connection, wanted, keys=keys, vault=vault, stated=stated)
    return [
        Matched(_matching_person(row, key, numbers.get(row[0], ()), vault), key, row[1])
        for row in rows
        if (key := keys.get(row[0])) is not None
    ]


def _matching_person(row: tuple[Any, ...], key: SubjectKey, numbers: tuple[KnownNumber, ...], vault: Vault) -> KnownPerson:
    person_id, _, status, declaration_id, name, birth, sex, *_ = row
    return KnownPerson(
        person_id=person_id,
        full_name=vault.open_text(key, Cell("persons", "full_name", person_id), name) or "",
        birth=read_birth(vault.open_text(key, Cell("persons", "birth", person_id), birth)),
        sex=cast("Sex | None", vault.open_text(key, Cell("persons", "sex", person_id), sex)),
        numbers=numbers,
        status="deceased" if status == "deceased" else "living",
        declared_by=declaration_id,
    )


def _matching_numbers(
    connection: Connection, person_ids: list[str], *, keys: Mapping[str, SubjectKey], vault: Vault, stated: Mapping[bytes, str]
) -> dict[str, tuple[KnownNumber, ...]]:
    rows = [row for row in ask(connection, _MATCHED_NUMBERS, person_ids) if row.status != STATED]
    stated = {form: value for index, value in stated.items() for form in every(index)}
    # After a merge a number is still sealed under the key of whom it was stated for.
    others = {row.subject_id for row in rows if row.subject_id not in keys and row.value_index not in stated}
    if others:
        keys = {**keys, **vault.load_keys(connection, others)}
    found: dict[str, list[tuple[Any, str, KnownNumber]]] = {}
    for person_id, kind, status, index, declaration_id, own_id, subject_id, sealed, recorded_at in rows:
        value = stated.get(index)
        if value is None:
            key = keys.get(subject_id)
            if key is None:
                continue
            value = vault.open(key, Cell("identifiers", "value", own_id), sealed).decode()
        number = KnownNumber(kind=kind, value=value, status=status, stated_in=declaration_id)
        found.setdefault(person_id, []).append((recorded_at, own_id, number))
    return {person_id: tuple(each[2] for each in sorted(own, key=_age)) for person_id, own in found.items()}


def _age(number: tuple[Any, str, KnownNumber]) -> tuple[Any, str]:
    return number[0], number[1]


def opened(row: Row[Any], column: str, key: SubjectKey, vault: Vault) -> str | None:
    """Open one sealed field of a ``persons`` row."""
    return vault.open_text(key, Cell("persons", column, row.person_id), getattr(row, f"{column}_sealed"))


def read_birth(text: str | None) -> PartialDate | None:
    """Read ``precision:value`` as ``person_row`` wrote it."""
    if text is None:
        return None
    precision, _, value = text.partition(":")
    return PartialDate(value=value, precision=cast("Precision", precision))


def is_person(connection: Connection, person_id: str) -> bool:
    """Tell whether somebody living is known by this id."""
    columns = tables.persons.c
    return connection.scalar(select(columns.status).where(columns.person_id == person_id)) == "living"


def search_by_name(
    connection: Connection, text: str, *, commune_code: str, vault: Vault, at: str | None = None, limit: int = MOST_FOUND
) -> list[str]:
    """Return ids of people of one commune whose name has all the words of ``text``, in any order, accents set aside.

    ``at``: only of those who live or stay, or did, at these premises; among a whole commune a common name fills the ``limit``.
    """
    words = sorted(set(words_of(plain_key(text)).split()))
    places = {form: at for at, word in enumerate(words) for form in every(vault.token_index(commune_code, word))}
    if not places:
        return []
    columns = tables.name_tokens.c
    # While the key of names is rotated somebody may have one word in each form, so words are counted and not rows.
    found = func.count() if len(places) == len(words) else func.count(case(places, value=columns.token_index).distinct())
    query = (
        select(columns.person_id)
        .where(columns.commune_code == commune_code, columns.token_index.in_(sorted(places)))
        .group_by(columns.person_id)
        .having(found == len(words))
        .order_by(columns.person_id)
        .limit(min(limit, MOST_FOUND))
    )
    if at is not None:
        people = (select(each.c.person_id).where(each.c.premises_id == at) for each in (tables.residences, tables.stays))
        query = query.where(columns.person_id.in_(union(*people)))
    return list(connection.scalars(query))


def search_by_number(connection: Connection, kind: str, value: str, *, vault: Vault) -> list[str]:
    """Return ids of everyone holding or having held a number."""
    index = vault.number_index(kind, value)
    return sorted(holders(connection, [index]).get(index, set()))
