"""Databases with the tables laid: by the migrations once per process and engine, then copied, for laying them takes longer than most tests.

- Whoever tests the migrations themselves starts from an empty database instead (``test_tables.py``).

Example: ``lay_sqlite(tmp_path / "registry.db")``; ``url = laid_postgres(server)``
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from luutru.benchmarks.postgres import PostgresServer
from registry.database import open_engine, upgrade


def lay_sqlite(path: Path) -> str:
    """Put an empty registry at ``path``; returns its address."""
    shutil.copy(laid_file(), path)
    return f"sqlite:///{path}"


def laid_postgres(server: PostgresServer) -> str:
    """Return the address of a new, empty registry on this server."""
    return server.new_database(template=_laid_database(server))


@contextmanager
def on_postgres(server: PostgresServer, url: str) -> Iterator[str]:
    """Give the address of a database that is dropped when the block ends: in memory a hundred of them are more than a gigabyte."""
    try:
        yield url
    finally:
        server.drop(url)


@cache
def laid_file() -> Path:
    """Return a SQLite file with the tables and nothing in them, in one file; it is only ever copied."""
    path = Path(tempfile.mkdtemp(prefix="luutru-laid-")) / "registry.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    upgrade(f"sqlite:///{path}")
    engine = open_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@cache
def _laid_database(server: PostgresServer) -> str:
    url = server.new_database()
    upgrade(url)
    return url.rpartition("/")[2]
