"""An invented register loaded into PostgreSQL as fast as it goes: by COPY, several processes, indexes afterwards.

- Foreign keys and indexes that are no primary key are taken away while rows come and made again after, from the code's own tables; primary
  keys too. What stands at the end is what the migrations make; a test compares.
- Each process makes and seals its own parts of the register and copies them over its own connection, one transaction a part.
- The server is one for loading: it may lose a load, so it does not wait for the disk, until the load is done and it is told to.

Example: ``load(url, Size(persons=20_000, presences=60_000), vault=Path("vault"), processes=2, now=now)``
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg
from sqlalchemy import Connection, Table, text
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

from luutru.benchmarks.register_rows import Size, rows_of_part
from luutru.system import random_bytes
from registry import tables
from registry.bulk import write_rows
from registry.database import open_engine
from registry.key_provider import FileKeyProvider
from registry.vault import Vault

PART: Final = 2_000  # persons
# Those that grow with persons and presences, what others refer to first.
LOADED: Final = tuple(
    tables.metadata.tables[name]
    for name in ("premises", "persons", "identifiers", "name_tokens", "residences", "subject_keys", "presences")
)
Progress = Callable[[str, int, int], None]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """How long it took, and how much there is of it."""

    rows_seconds: float
    index_seconds: float
    rows: int
    bytes: int


def load(url: str, size: Size, *, vault: Path, processes: int, now: datetime, progress: Progress) -> Loaded:
    """Load a register into an empty, migrated registry."""
    engine = open_engine(url)
    with engine.connect() as connection, connection.begin():
        for statement in _unbinding():
            connection.execute(statement)
    started = time.perf_counter()
    rows = _load_rows(url, size, vault=vault, processes=processes, now=now, progress=progress)
    loaded = time.perf_counter()
    for statement in _binding():
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SET maintenance_work_mem = '512MB'"))
            connection.execute(statement)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as plain:
        for table in LOADED:
            plain.execute(f"VACUUM (ANALYZE, FREEZE) {table.name}")
        plain.execute("CHECKPOINT")
    bound = time.perf_counter()
    with engine.connect() as connection:
        held = _bytes(connection)
    engine.dispose()
    return Loaded(rows_seconds=loaded - started, index_seconds=bound - loaded, rows=rows, bytes=held)


def _unbinding() -> Iterator[Any]:
    for table in LOADED:
        for constraint in _foreign_keys(table):
            yield DropConstraint(constraint)
    for table in LOADED:
        for index in table.indexes:
            yield DropIndex(index)


def _binding() -> Iterator[Any]:
    for table in LOADED:
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            yield CreateIndex(index)
    for table in LOADED:
        for constraint in _foreign_keys(table):
            yield AddConstraint(constraint)


def _foreign_keys(table: Table) -> list[Any]:
    return sorted(table.foreign_key_constraints, key=lambda each: str(each.name))


def _load_rows(url: str, size: Size, *, vault: Path, processes: int, now: datetime, progress: Progress) -> int:
    parts = [(first, min(first + PART, size.persons)) for first in range(0, size.persons, PART)]
    provider = FileKeyProvider(vault, random_bytes=random_bytes)
    keeper = Vault(provider, random_bytes=random_bytes)
    keeper.number_index("", "")  # the vault's files are there before any process looks for them
    context = multiprocessing.get_context("spawn")
    rows = 0
    with context.Pool(processes, initializer=_begin, initargs=(url, size, vault, now)) as pool:
        for done, written in enumerate(pool.imap_unordered(_load_part, parts), 1):
            rows += written
            progress("parts", done, len(parts))
    return rows


class _Work:
    """What a loading process holds."""

    url: str
    size: Size
    vault: Vault
    now: datetime
    engine: Any


def _begin(url: str, size: Size, vault: Path, now: datetime) -> None:
    _Work.size, _Work.now = size, now
    _Work.vault = Vault(FileKeyProvider(vault, random_bytes=random_bytes), random_bytes=random_bytes)
    _Work.engine = open_engine(url)


def _load_part(part: tuple[int, int]) -> int:
    rows = rows_of_part(_Work.size, range(*part), _Work.vault, now=_Work.now)
    with _Work.engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        for table in LOADED:
            write_rows(connection, table, rows[table.name])
    return sum(map(len, rows.values()))


def _bytes(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
