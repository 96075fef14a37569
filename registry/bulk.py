"""Many rows of one table in one statement, without SQLAlchemy's per-value bookkeeping: that alone cost a third of recording.

- SQLAlchemy still writes the SQL, once per table and engine; only instants and JSON values are converted, by the columns' own rules.
- ``keep=None`` inserts. A tuple makes an upsert: of rows that exist every column but ``keep`` is replaced; an empty one leaves them.
- PostgreSQL gets inserts by ``COPY`` and upserts as one JSON parameter: a tenth of its price for a statement per row.
- Whatever the driver raises comes out as SQLAlchemy's error of the same kind.

Example: ``write_rows(connection, tables.receipts, rows)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Insert, LargeBinary, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from registry.columns import Document, Instant, utc_text

Row = dict[str, Any]
Convert = Callable[[Any], Any]


class Plan(NamedTuple):
    """How rows of one table go to one engine: the SQL, the columns in order, which places are converted, and all values of a whole row."""

    sql: str
    columns: tuple[str, ...]
    converted: tuple[tuple[int, Convert], ...]
    write: Callable[[Connection, Plan, list[list[Any]]], None]
    every: Callable[[Row], tuple[Any, ...]]


def write_rows(connection: Connection, table: Table, rows: Sequence[Row], *, keep: tuple[str, ...] | None = None) -> None:
    """Insert or upsert rows; a column a row does not name is null. An upsert names no row twice."""
    if not rows:
        return
    plan = _plan(table, connection.dialect, keep)
    plan.write(connection, plan, [_values(row, plan) for row in rows])


def _values(row: Row, plan: Plan) -> list[Any]:
    try:
        values = list(plan.every(row))
    except KeyError:
        values = list(map(row.get, plan.columns))
    for place, convert in plan.converted:
        value = values[place]
        if value is not None:
            values[place] = convert(value)
    return values


def _by_execution(connection: Connection, plan: Plan, values: list[list[Any]]) -> None:
    connection.exec_driver_sql(plan.sql, list(map(tuple, values)))


def _by_json(connection: Connection, plan: Plan, values: list[list[Any]]) -> None:
    rows = [dict(zip(plan.columns, each, strict=True)) for each in values]
    connection.exec_driver_sql(plan.sql, (_to_json(rows),))


def _by_copy(connection: Connection, plan: Plan, values: list[list[Any]]) -> None:
    dialect, driver = connection.dialect, connection.connection.driver_connection
    failure: type[Exception] = dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(plan.sql) as copy:  # type: ignore[union-attr]  # psycopg's connection
            for each in values:
                copy.write_row(each)
    except failure as error:
        gone = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]  # it is the driver's own error
        # Without the values: they may be somebody's.
        raise DBAPIError.instance(plan.sql, None, error, failure, connection_invalidated=gone, dialect=dialect) from error


_plans: dict[tuple[str, str, tuple[str, ...] | None], Plan] = {}


def _plan(table: Table, dialect: Dialect, keep: tuple[str, ...] | None) -> Plan:
    known = _plans.get((table.name, dialect.name, keep))
    if known is None:
        known = _plans[table.name, dialect.name, keep] = (
            _sqlite_plan(table, dialect, keep) if dialect.name == "sqlite" else _postgresql_plan(table, dialect, keep)
        )
    return known


def _sqlite_plan(table: Table, dialect: Dialect, keep: tuple[str, ...] | None) -> Plan:
    compiled = _statement(table, keep, sqlite.insert).compile(dialect=dialect)
    columns = tuple(compiled.positiontup or ())
    return Plan(
        str(compiled),
        columns,
        _conversions(table, columns, {Document: _to_json, Instant: utc_text}),
        _by_execution,
        itemgetter(*columns),
    )


def _postgresql_plan(table: Table, dialect: Dialect, keep: tuple[str, ...] | None) -> Plan:
    columns = tuple(table.c.keys())
    quote = dialect.identifier_preparer.quote
    target = f"{quote(table.name)} ({', '.join(map(quote, columns))})"
    if keep is None:
        return Plan(
            f"COPY {target} FROM STDIN",
            columns,
            _conversions(table, columns, {Document: _to_json}),
            _by_copy,
            itemgetter(*columns),
        )
    compiled = str(_statement(table, keep, postgresql.insert).compile(dialect=dialect))
    source = f"SELECT {', '.join(map(quote, columns))} FROM json_populate_recordset(NULL::{quote(table.name)}, %s::json)"  # noqa: S608 - names of our own tables
    sql = f"INSERT INTO {target} {source}{compiled[compiled.index(' ON CONFLICT') :]}"
    return Plan(sql, columns, _conversions(table, columns, {LargeBinary: _hex}), _by_json, itemgetter(*columns))


def _statement(table: Table, keep: tuple[str, ...] | None, upserting: Callable[[Table], Any]) -> Insert:
    if keep is None:
        return insert(table)
    upsert = upserting(table)
    key = [column.name for column in table.primary_key]
    if not keep:
        nothing: Insert = upsert.on_conflict_do_nothing(index_elements=key)
        return nothing
    changed = {column.name: upsert.excluded[column.name] for column in table.c if column.name not in keep}
    everything: Insert = upsert.on_conflict_do_update(index_elements=key, set_=changed)
    return everything


def _conversions(table: Table, columns: Sequence[str], by_kind: dict[type, Convert]) -> tuple[tuple[int, Convert], ...]:
    kinds = [(place, type(table.c[name].type)) for place, name in enumerate(columns)]
    return tuple((place, by_kind[kind]) for place, kind in kinds if kind in by_kind)


@cache
def _encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder()


def _to_json(value: object) -> str:
    return _encoder().encode(value).decode()


def _hex(value: bytes) -> str:
    return rf"\x{value.hex()}"
