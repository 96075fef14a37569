"""The rows one measured run wrote, and what it costs to write just those: the floor of the stage *commit*.

- Rows are read back from the registry the real gateway wrote: whatever it adds to a table is here, in the order it was written.
- They go into a fresh copy of the same registry, with the same indexes, in batches of one transaction each: ``executemany`` on SQLite
  with WAL and full sync, ``COPY`` into temporary tables and ``INSERT ... SELECT ... ON CONFLICT DO NOTHING`` on PostgreSQL.
- Foreign keys are not checked and rows that were only changed are left out: a floor may be too low, never too high.

Example: ``rows = new_rows(copy, ground, share=0.25); write(ground, "sqlite", rows, batches=20)``
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from luutru.benchmarks.gateway_ground import Copy, Database, Ground, postgres_connection

Rows = dict[str, list[Any]]  # table -> rows: tuples for SQLite, lines of COPY's text form for PostgreSQL


def new_rows(copy: Copy, ground: Ground, *, share: float) -> Rows:
    """Return the first ``share`` of each table's rows that are not in the filled registry."""
    found = _from_sqlite(copy, ground) if copy.path is not None else _from_postgres(copy)
    taken = {table: list(islice(rows, round(len(rows) * share))) for table, rows in found.items()}
    return {table: rows for table, rows in taken.items() if rows}


def write(ground: Ground, database: Database, rows: Rows, *, batches: int) -> tuple[float, float]:
    """Write the rows into a fresh copy; return (CPU seconds of this process, wall seconds)."""
    with ground.copy(database) as copy:
        return write_into(copy, rows, batches=batches)


def write_into(copy: Copy, rows: Rows, *, batches: int) -> tuple[float, float]:
    """Write the rows into this copy; return (CPU seconds of this process, wall seconds)."""
    return _to_sqlite(copy, rows, batches) if copy.path is not None else _to_postgres(copy, rows, batches)


def _from_sqlite(copy: Copy, ground: Ground) -> Rows:
    with closing(sqlite3.connect(f"file:{copy.path}?mode=ro", uri=True)) as connection:
        connection.execute("ATTACH ? AS filled", (str(ground.template),))
        tables = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {name: _rows_of(connection, name, has_rowid="WITHOUT ROWID" not in sql.upper()) for name, sql in tables}


def _rows_of(connection: sqlite3.Connection, table: str, *, has_rowid: bool) -> list[Any]:
    if has_rowid:
        newer = f"SELECT * FROM main.{table} WHERE rowid > (SELECT coalesce(max(rowid), 0) FROM filled.{table}) ORDER BY rowid"  # noqa: S608 - names of our own tables
        return connection.execute(newer).fetchall()
    counts = f"SELECT (SELECT count(*) FROM main.{table}), (SELECT count(*) FROM filled.{table})"  # noqa: S608 - as above
    now, before = connection.execute(counts).fetchone()
    if now == before:
        return []
    key = [each[1] for each in connection.execute(f"PRAGMA main.table_info({table})") if each[5]]
    same = " AND ".join(f"old.{column} = new.{column}" for column in key)
    return connection.execute(
        f"SELECT * FROM main.{table} new WHERE NOT EXISTS (SELECT 1 FROM filled.{table} old WHERE {same})"  # noqa: S608 - as above
    ).fetchall()


def _to_sqlite(copy: Copy, rows: Rows, batches: int) -> tuple[float, float]:
    statements = {
        table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(own[0]))})"  # noqa: S608 - names of our own tables
        for table, own in rows.items()
    }
    with closing(sqlite3.connect(str(copy.path), isolation_level=None)) as connection:
        for setting in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "cache_size=-65536",
            "wal_autocheckpoint=8192",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
        cpu, wall = time.process_time(), time.perf_counter()
        for number in range(batches):
            connection.execute("BEGIN IMMEDIATE")
            for table, own in rows.items():
                connection.executemany(statements[table], _part(own, number, batches))
            connection.execute("COMMIT")
        return time.process_time() - cpu, time.perf_counter() - wall


def _from_postgres(copy: Copy) -> Rows:
    found: Rows = {}
    with postgres_connection(copy.url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in names:
            query = f"COPY (SELECT * FROM {table} WHERE xmin::text::bigint >= {copy.since}) TO STDOUT"  # noqa: S608 - names of our own tables
            with connection.cursor() as cursor, cursor.copy(query) as lines:
                found[table] = [bytes(each) for each in lines]
    return found


def _to_postgres(copy: Copy, rows: Rows, batches: int) -> tuple[float, float]:
    with postgres_connection(copy.url) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no foreign keys
        for table in rows:
            cursor.execute(f"CREATE TEMPORARY TABLE new_{table} (LIKE {table}) ON COMMIT DELETE ROWS")
        cpu, wall = time.process_time(), time.perf_counter()
        for number in range(batches):
            with connection.transaction():
                for table, own in rows.items():
                    with cursor.copy(f"COPY new_{table} FROM STDIN") as copying:
                        copying.write(b"".join(_part(own, number, batches)))
                    cursor.execute(f"INSERT INTO {table} SELECT * FROM new_{table} ON CONFLICT DO NOTHING")  # noqa: S608 - as above
        return time.process_time() - cpu, time.perf_counter() - wall


def _part(rows: Sequence[Any], number: int, batches: int) -> Sequence[Any]:
    return rows[len(rows) * number // batches : len(rows) * (number + 1) // batches]
