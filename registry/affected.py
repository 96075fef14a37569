"""Whom a breach concerns: everybody an account looked at, a kiosk told of, or a commune keeps, as ids and nothing else.

- By account: the access records, lists, exports and calls of programs included, so what it names is what was really released. By kiosk: whose declarations came
  through it. By commune: everybody whose record lies there, for a copy that was taken with its keys.
- Nothing personal is read: an id says who only to whoever may ask the registry, and each of those questions is on the record.
- Pages of ``PAGE`` rows along an index.

Example: ``by_account(connection, "acc-officer", since=monday, until=now)["0197..."].fields``
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, select, tuple_

from registry import tables
from registry.asking import among

PAGE: Final = 1_000
_LOOKS: Final = tables.access_records.c
_RECEIPTS: Final = tables.receipts.c
_PERSONS: Final = tables.persons.c


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """One person, and how often, by which fields."""

    person_id: str
    commune_code: str
    times: int
    fields: tuple[str, ...] = ()  # of looks; a declaration holds all that was declared


Persons = dict[str, Affected]


def by_account(connection: Connection, account_id: str, *, since: datetime, until: datetime) -> Persons:
    """Return everybody an account looked at, by its programs too."""
    query = select(_LOOKS.at, _LOOKS.access_id, _LOOKS.person_id, _LOOKS.commune_code, _LOOKS.fields)
    query = query.where(_LOOKS.account_id == account_id, _LOOKS.at >= since, _LOOKS.at < until)
    found: Persons = {}
    for row in _pages(connection, query, (_LOOKS.at, _LOOKS.access_id)):
        _count(found, row.person_id, row.commune_code, row.fields)
    return found


def by_kiosk(connection: Connection, kiosk_id: str, *, since: datetime, until: datetime) -> tuple[Persons, int]:
    """Return everybody a kiosk's declarations are about, and how many of these are about somebody no record is of: refused ones."""
    query = select(_RECEIPTS.epoch, _RECEIPTS.sequence, _RECEIPTS.declaration_id).where(_RECEIPTS.kiosk_id == kiosk_id)
    query = query.where(_RECEIPTS.issued_at >= since, _RECEIPTS.issued_at < until)
    declarations = tables.declarations.c
    found: Persons = {}
    unnamed = 0
    for page in _by_page(_pages(connection, query, (_RECEIPTS.epoch, _RECEIPTS.sequence))):
        ids = [row.declaration_id for row in page]
        about = select(declarations.person_id, declarations.commune_code).where(
            among(declarations.declaration_id, ids, connection)
        )
        for row in connection.execute(about):
            if row.person_id is None:
                unnamed += 1
            else:
                _count(found, row.person_id, row.commune_code, ())
    return found, unnamed


def by_commune(connection: Connection, commune_code: str) -> Persons:
    """Return everybody whose record lies in a commune."""
    query = select(_PERSONS.person_id).where(_PERSONS.commune_code == commune_code)
    ids = (row.person_id for row in _pages(connection, query, (_PERSONS.person_id,)))
    return {each: Affected(person_id=each, commune_code=commune_code, times=1) for each in ids}


def _count(found: Persons, person_id: str, commune_code: str, fields: Sequence[str]) -> None:
    before = found.get(person_id)
    known = before.fields if before else ()
    found[person_id] = Affected(
        person_id=person_id,
        commune_code=commune_code,
        times=(before.times if before else 0) + 1,
        fields=tuple(sorted({*known, *fields})),
    )


def _pages(connection: Connection, query: Select[Any], key: tuple[Any, ...]) -> Iterator[Row[Any]]:
    """Yield all rows, the next page behind the last row of the one before."""
    query = query.order_by(*key).limit(PAGE)
    page = connection.execute(query).all()
    while page:
        yield from page
        if len(page) < PAGE:
            return
        last = tuple(getattr(page[-1], column.name) for column in key)
        behind = tuple_(*key) > last if len(key) > 1 else key[0] > last[0]
        page = connection.execute(query.where(behind)).all()


def _by_page(rows: Iterator[Row[Any]]) -> Iterator[list[Row[Any]]]:
    page: list[Row[Any]] = []
    for row in rows:
        page.append(row)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
