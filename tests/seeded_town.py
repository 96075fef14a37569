"""The invented commune seeded once per process and engine, then copied: seeding takes longer than most tests.

- A copy has the vault's keys of the first: whoever needs another vault makes one.

Example: ``url = put_seeded_sqlite(folder)``; ``open_town(url, folder / "vault")``
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from laid_tables import laid_postgres, lay_sqlite
from recording_town import make_town

from luutru.benchmarks.postgres import PostgresServer

VAULT = "vault"


def put_seeded_sqlite(folder: Path) -> str:
    """Put a seeded registry and its vault's keys into a folder; returns its address."""
    seeded = _seeded_folder()
    shutil.copytree(seeded / VAULT, folder / VAULT)
    shutil.copy(seeded / "registry.db", folder)
    return f"sqlite:///{folder / 'registry.db'}"


def put_seeded_postgres(server: PostgresServer, folder: Path) -> str:
    """Return the address of a new seeded registry on this server; its vault's keys are put into the folder."""
    name, keys = _seeded_database(server)
    shutil.copytree(keys, folder / VAULT)
    return server.new_database(template=name)


@cache
def _seeded_folder() -> Path:
    folder = _own_folder()
    town = make_town(lay_sqlite(folder / "registry.db"), folder / VAULT)
    with town.registry.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    town.registry.close()
    return folder


@cache
def _seeded_database(server: PostgresServer) -> tuple[str, Path]:
    folder, url = _own_folder(), laid_postgres(server)
    make_town(url, folder / VAULT).registry.close()
    return url.rpartition("/")[2], folder / VAULT


def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="luutru-seeded-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
