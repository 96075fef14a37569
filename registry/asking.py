"""Asking for many rows at once with one parameter, whatever the size of a batch: a parameter per value cost as much as the rows.

- SQLite unpacks a JSON array, PostgreSQL an array or JSON; either walks it and looks each value up in the index.
- What every batch asks is written out in SQL (``ask``): to put such a question together costs SQLAlchemy as much as fifty look-ups. Instants and
  JSON come back raw from it, so it asks for texts, numbers and bytes only.

Example: ``ask(connection, "SELECT code FROM receipts WHERE declaration_id {among}", ids)``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, String, any_, cast, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from registry.columns import NUL

Identity = tuple[str, str, int]

_USED: Final = {
    "sqlite": """
        SELECT r.kiosk_id, r.epoch, r.sequence, r.declaration_id FROM json_each(?) AS asked CROSS JOIN receipts AS r
        ON r.kiosk_id = json_extract(asked.value, '$[0]') AND r.epoch = json_extract(asked.value, '$[1]')
        AND r.sequence = json_extract(asked.value, '$[2]')""",
    "postgresql": """
        SELECT r.kiosk_id, r.epoch, r.sequence, r.declaration_id FROM json_array_elements(%s::json) AS asked(value) JOIN receipts AS r
        ON r.kiosk_id = asked.value ->> 0 AND r.epoch = asked.value ->> 1 AND r.sequence = CAST(asked.value ->> 2 AS bigint)""",
}

_AMONG: Final = {"sqlite": "IN (SELECT value FROM json_each(?))", "postgresql": "= ANY(%s)"}
_ASKED: Final = {"sqlite": "json_each(?) AS asked", "postgresql": "unnest(%s::text[]) AS asked(value)"}


def ask(connection: Connection, question: str, values: Sequence[str] | Sequence[bytes]) -> Sequence[Any]:
    """Ask a question of our own SQL, for rows. ``{among}`` stands for "is one of these values", ``{asked}`` for a table of these texts."""
    engine = connection.dialect.name
    among_ = _AMONG[engine]
    given: Any = list(values)
    if engine == "sqlite" and isinstance(values[0], bytes):  # JSON has no bytes
        among_ = f"IN ({', '.join('?' * len(values))})"
        return connection.exec_driver_sql(question.format(among=among_), tuple(given)).all()
    if engine == "sqlite":
        given = msgspec.json.encode(values).decode()
    times = question.count("{among}") + question.count("{asked}")
    return connection.exec_driver_sql(question.format(among=among_, asked=_ASKED[engine]), (given,) * times).all()


def askable(values: Iterable[str]) -> list[str]:
    """Return the texts that can be in a table at all: PostgreSQL refuses the whole question for one with a NUL."""
    return [each for each in values if NUL not in each]


def among(column: Column[str], values: Sequence[str], connection: Connection) -> ColumnElement[bool]:
    """Return ``column IN values`` for text."""
    if connection.dialect.name == "postgresql":
        return column == any_(cast(list(values), ARRAY(String)))
    asked = func.json_each(literal(msgspec.json.encode(values).decode())).table_valued("value")
    return column.in_(select(asked.c.value))


def among_pairs(
    columns: tuple[Column[str], Column[str]], pairs: Iterable[tuple[str, str]], connection: Connection
) -> ColumnElement[bool]:
    """Return ``(column, column) IN pairs``; of listed pairs SQLite reads the whole table, of a JSON array's it uses the index."""
    wanted = sorted(set(pairs))
    if connection.dialect.name == "postgresql":
        return tuple_(*columns).in_(wanted)
    asked = func.json_each(literal(msgspec.json.encode(wanted).decode())).table_valued("value")
    halves = (func.json_extract(asked.c.value, f"$[{place}]") for place in (0, 1))
    return tuple_(*columns).in_(select(*halves))


def sequences_used(connection: Connection, identities: Iterable[Identity]) -> dict[Identity, str]:
    """Return which of these (kiosk, epoch, sequence) have a receipt, and of which declaration."""
    wanted = sorted(set(identities))
    if not wanted:
        return {}
    found = connection.exec_driver_sql(_USED[connection.dialect.name], (msgspec.json.encode(wanted).decode(),))
    return {(row[0], row[1], row[2]): row[3] for row in found.all()}
