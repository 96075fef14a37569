"""Many rows of one table in one statement, without SQLAlchemy's per-value bookkeeping: that alone cost a third of recording.

- SQLAlchemy still writes the SQL, once per table and engine; only instants and JSON values are converted, by the columns' own rules.
- ``keep=None`` inserts. A tuple makes an upsert: of rows that exist every column but ``keep`` is replaced; an empty one leaves them.

Example: ``write_rows(connection, tables.receipts, rows)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Insert, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from registry.columns import Document, Instant, utc_text

Row = dict[str, Any]
Convert = Callable[[Any], Any]


class Plan(NamedTuple):
    """The SQL for one table on one engine, its columns in order, and which of them are converted."""

    sql: str
    columns: tuple[str, ...]
    converted: tuple[tuple[str, Convert], ...]
    by_name: bool


def write_rows(connection: Connection, table: Table, rows: Sequence[Row], *, keep: tuple[str, ...] | None = None) -> None:
    """Insert or upsert rows; a column a row does not name is null."""
    if not rows:
        return
    plan = _plan(table, connection.dialect.name, connection.dialect, keep)
    ready = [_converted(row, plan) for row in rows]
    if plan.by_name:
        connection.exec_driver_sql(plan.sql, [{name: row.get(name) for name in plan.columns} for row in ready])
    else:
        connection.exec_driver_sql(plan.sql, [tuple(map(row.get, plan.columns)) for row in ready])


def _converted(row: Row, plan: Plan) -> Row:
    changed = {name: convert(value) for name, convert in plan.converted if (value := row.get(name)) is not None}
    return {**row, **changed} if changed else row


_plans: dict[tuple[str, str, tuple[str, ...] | None], Plan] = {}


def _plan(table: Table, engine: str, dialect: Dialect, keep: tuple[str, ...] | None) -> Plan:
    known = _plans.get((table.name, engine, keep))
    if known is None:
        compiled = _statement(table, engine, keep).compile(dialect=dialect)
        converters = {column.name: convert for column in table.c if (convert := _converter(column.type, engine))}
        known = _plans[table.name, engine, keep] = Plan(
            sql=str(compiled),
            columns=tuple(compiled.positiontup or table.c.keys()),
            converted=tuple(converters.items()),
            by_name=not compiled.positiontup,
        )
    return known


def _statement(table: Table, engine: str, keep: tuple[str, ...] | None) -> Insert:
    if keep is None:
        return insert(table)
    upsert = (sqlite.insert if engine == "sqlite" else postgresql.insert)(table)
    key = [column.name for column in table.primary_key]
    if not keep:
        return upsert.on_conflict_do_nothing(index_elements=key)
    changed = {column.name: upsert.excluded[column.name] for column in table.c if column.name not in keep}
    return upsert.on_conflict_do_update(index_elements=key, set_=changed)


def _converter(kind: object, engine: str) -> Convert | None:
    if isinstance(kind, Document):
        return _to_json
    if isinstance(kind, Instant) and engine == "sqlite":
        return utc_text
    return None


@cache
def _encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder()


def _to_json(value: object) -> str:
    return _encoder().encode(value).decode()
