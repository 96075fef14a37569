"""Whether a registry is whole: at this version's revision or a later one, every sealed field opens, every reference leads somewhere.

- Reads in pages of ``PAGE`` rows, so a large registry is checked in bounded memory.
- A problem names tables and ids, never a person.

Example: ``check_registry(registry).problems == ()``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Row, Table, func, select

from registry import tables
from registry.asking import among
from registry.database import Registry, current_revision, is_ahead, newest_revision
from registry.erasing import came_back
from registry.sealed_columns import OF_PREMISES_TOO, SEALED, SEALED_AS
from registry.vault import Cell, SubjectKey, Vault
from residence.errors import LuutruError

PAGE: Final = 500
MOST_PROBLEMS: Final = 100


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found. ``counts``: rows by table; ``erased``: sealed rows whose key was deleted on purpose."""

    revision: str | None
    counts: dict[str, int]
    opened: int
    erased: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems


def check_registry(registry: Registry, *, progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None) -> Report:
    """Check the whole registry; ``progress(what, done, of)`` is told after each table."""
    revision = current_revision(registry.engine)
    if revision != newest_revision() and not is_ahead(registry.engine):  # a later version's tables only expand ours (ADR 41)
        return Report(revision=revision, counts={}, opened=0, erased=0, problems=("registry.not_upgraded",))
    problems: list[str] = []
    opened = erased = 0
    with registry.reading() as connection:
        counts = {name: _count(connection, table) for name, table in sorted(tables.metadata.tables.items())}
        for done, (table, own_id, subject, columns) in enumerate(SEALED, 1):
            for row, keys in _rows_with_keys(connection, registry.vault, (table, own_id, subject)):
                if table in OF_PREMISES_TOO and row.name_sealed is None and not getattr(row, "address_text_sealed", None):
                    continue  # of a household or a person; only a premises' own key seals a name
                sealed_in, sealed_by = SEALED_AS.get(table.name, (table.name, own_id))
                outcome = _open_row(
                    registry.vault, keys, (sealed_in, row, getattr(row, sealed_by), getattr(row, subject), columns)
                )
                opened += outcome is True
                erased += outcome is None
                if outcome is False:
                    problems.append(f"vault.damaged {table.name} {getattr(row, own_id)}")
            progress(table.name, done, len(SEALED))
        problems += _dangling(connection)
    problems += [f"erase.came_back person {each.subject_id}" for each in came_back(registry)]
    return Report(revision=revision, counts=counts, opened=opened, erased=erased, problems=tuple(problems[:MOST_PROBLEMS]))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _rows_with_keys(
    connection: Connection, vault: Vault, what: tuple[Table, str, str]
) -> Iterator[tuple[Row[Any], Mapping[str, SubjectKey] | None]]:
    """Give every row with its page's keys; None beside a row whose key is there and does not open."""
    table, own_id, subject = what
    last = ""
    while True:
        page = connection.execute(select(table).where(table.c[own_id] > last).order_by(table.c[own_id]).limit(PAGE)).all()
        try:
            keys = vault.load_keys(connection, {getattr(row, subject) for row in page})
            yield from ((row, keys) for row in page)
        except LuutruError:  # one of them is damaged: which
            yield from ((row, _keys_of(connection, vault, getattr(row, subject))) for row in page)
        if len(page) < PAGE:
            return
        last = getattr(page[-1], own_id)


def _keys_of(connection: Connection, vault: Vault, subject_id: str) -> Mapping[str, SubjectKey] | None:
    try:
        return vault.load_keys(connection, [subject_id])
    except LuutruError:
        return None


def _open_row(
    vault: Vault, keys: Mapping[str, SubjectKey] | None, what: tuple[str, Row[Any], str, str, tuple[str, ...]]
) -> bool | None:
    """Open every sealed column of a row: True, False when one does not open, None when its key was deleted."""
    table, row, row_id, subject_id, columns = what
    if keys is None:
        return False
    key = keys.get(subject_id)
    if key is None:
        return None
    try:
        for column in columns:
            vault.open_if_any(key, Cell(table, column, row_id), getattr(row, f"{column}_sealed"))
    except LuutruError:
        return False
    return True


def _dangling(connection: Connection) -> list[str]:
    """Find declarations without a receipt, and stays of nobody."""
    declarations, receipts, stays, persons = tables.declarations, tables.receipts, tables.stays, tables.persons
    without = _missing(connection, declarations.c.declaration_id, declarations.c.declaration_id, receipts.c.declaration_id)
    of_nobody = _missing(connection, stays.c.stay_id, stays.c.person_id, persons.c.person_id)
    found = [f"no receipt: declaration {each}" for each in islice(without, MOST_PROBLEMS)]
    return found + [f"no person: stay {each}" for each in islice(of_nobody, MOST_PROBLEMS)]


def _missing(connection: Connection, own_id: Column[str], names: Column[str], named: Column[str]) -> Iterator[str]:
    """Return rows that name what is nowhere, in pages: what is named may stand in another commune, so nothing is joined."""
    last: str | None = ""
    while last is not None:
        query = select(own_id.label("own_id"), names.label("names")).where(own_id > last).order_by(own_id).limit(PAGE)
        page = connection.execute(query).all()
        wanted = sorted({row.names for row in page})
        there = set(connection.scalars(select(named).where(among(named, wanted, connection)))) if wanted else set()
        yield from (row.own_id for row in page if row.names not in there)
        last = page[-1].own_id if len(page) == PAGE else None
