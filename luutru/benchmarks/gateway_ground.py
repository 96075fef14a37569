"""What every measurement of the gateway stands on: certificates, a broker, messages in a file, and a filled registry to copy.

- The registry is filled once for each database and copied for each measurement; copies are on disk before a clock runs.
- Broker and kiosks are real: TLS 1.3, client certificates, access rules. One extra user, ``bench-kiosks``, may speak for all kiosks, so
  that a thousand connections of ours do not stand in the way; it is in the benchmark's access rules only.
- Messages and both registries are made side by side in processes of their own, which end before anything is measured.

Example: ``with prepared(load, databases=("sqlite",)) as ground, ground.copy("sqlite") as registry: ...``
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

from luutru.benchmarks.fleet import Fleet
from luutru.benchmarks.gateway_load import Load, fill_registry, make_fleet, write_messages
from luutru.benchmarks.gateway_process import cpu_seconds, family, pin
from luutru.benchmarks.postgres import PostgresServer, running_postgres
from luutru.demo.broker import Broker
from luutru.demo.pki import Identity, Pki
from luutru.system import SystemClock
from residence.wire.topics import ROOT

Database = Literal["sqlite", "postgresql"]
BENCH_USER: Final = "bench-kiosks"
# A server for a registry of a million, where the tests' own is for a few rows; durability is as it is everywhere.
POSTGRES_SETTINGS: Final = ("shared_buffers=1GB", "max_wal_size=4GB", "checkpoint_timeout=15min")
_names: Final = count(1)


class BenchBroker(Broker):
    """The product's broker with one user more: who may publish as any kiosk and read every receipt."""

    def write_configuration(self) -> Path:
        """Write the product's files and append the one user."""
        path = super().write_configuration()
        with self.access.rules.open("a", encoding="utf-8") as access:
            access.write(
                f"\nuser {BENCH_USER}\ntopic write {ROOT}/+/+/+/d\ntopic read {ROOT}/+/+/+/r\ntopic read {ROOT}/gateway/state\n"
            )
        return path


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """One registry of its own, filled."""

    database: Database
    url: str
    vault: Path
    path: Path | None = None  # of SQLite
    since: int = 0  # of PostgreSQL: the first transaction that is not of the filling


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What has been prepared."""

    folder: Path
    load: Load
    fleet: Fleet
    pki: Pki
    messages: Path
    databases: tuple[Database, ...]
    postgres: PostgresServer | None
    postgres_template: str = ""

    @property
    def keys(self) -> Path:
        """Where the gateway's keys are."""
        return self.folder / "keys"

    @property
    def kiosks_identity(self) -> Identity:
        """The certificate of the user that speaks for all kiosks."""
        return self.pki.kiosk(BENCH_USER)

    @property
    def template(self) -> Path:
        """The filled SQLite file."""
        return self.folder / "template.db"

    def vault(self, database: Database) -> Path:
        """Return the vault of one database's registry."""
        return self.folder / f"vault-{database}"

    @contextmanager
    def broker(self, *, cores: set[int] | None = None) -> Iterator[Broker]:
        """Start an empty broker."""
        with BenchBroker(self.folder / f"broker-{next(_names)}", pki=self.pki) as broker:
            pin(broker.pid or 0, cores)
            yield broker
        shutil.rmtree(broker.directory, ignore_errors=True)

    @contextmanager
    def copy(self, database: Database) -> Iterator[Copy]:
        """Copy the filled registry; the copy is gone at the end of the block."""
        vault = self.vault(database)
        if database == "sqlite":
            path = self.folder / f"registry-{next(_names)}.db"
            shutil.copyfile(self.template, path)
            with path.open("rb") as copied:
                os.fsync(copied.fileno())  # else the gateway's first syncs pay for our copy
            try:
                yield Copy(database=database, url=f"sqlite:///{path}", vault=vault, path=path)
            finally:
                for each in path.parent.glob(path.name + "*"):
                    each.unlink()
            return
        assert self.postgres is not None  # noqa: S101 - asked for only where it runs
        name = f"copy_{uuid4().hex}"
        self.command_postgres(f"CREATE DATABASE {name} TEMPLATE {self.postgres_template.rpartition('/')[2]}")
        self.command_postgres("CHECKPOINT")
        try:
            with postgres_connection(self._url(name)) as connection:
                since = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()[0]
            yield Copy(database=database, url=self._url(name), vault=vault, since=since)
        finally:
            self.command_postgres(f"DROP DATABASE {name} WITH (FORCE)")

    def command_postgres(self, sql: str) -> None:
        """Run one command outside a transaction."""
        with postgres_connection(self._url("postgres")) as connection:
            connection.execute(sql)

    def pin_postgres(self, cores: set[int] | None) -> None:
        """Keep the server, its processes and whoever it starts from now on, on some cores; None: wherever we may run."""
        for pid in family(self.postgres_pid) if self.postgres_pid is not None else ():
            with suppress(ProcessLookupError):
                pin(pid, cores or os.sched_getaffinity(0))

    def postgres_cpu_seconds(self) -> float:
        """Return the CPU time of the server and its processes, those that ended included."""
        pid = self.postgres_pid
        return cpu_seconds(pid) if pid is not None else 0.0

    @property
    def postgres_pid(self) -> int | None:
        """The server's first process."""
        if self.postgres is None:
            return None
        return int((self.postgres.directory / "postmaster.pid").read_text("ascii").splitlines()[0])

    def _url(self, name: str) -> str:
        assert self.postgres is not None  # noqa: S101 - see above
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.postgres.port}/{name}"


def postgres_connection(url: str) -> Any:
    """Return a bare connection in autocommit."""
    import psycopg

    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@contextmanager
def prepared(
    load: Load, *, databases: Sequence[Database], folder: Path | None = None, progress: Callable[[str], None] = lambda _what: None
) -> Iterator[Ground]:
    """Make certificates, messages and the filled registries in a new folder; everything is gone at the end."""
    now = SystemClock().now()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="luutru-bench-", dir=folder)))
        postgres = None
        if "postgresql" in databases:
            postgres = stack.enter_context(running_postgres(POSTGRES_SETTINGS))
        ground = Ground(
            folder=place,
            load=load,
            fleet=make_fleet(load, place / "keys", now=now),
            pki=Pki(place / "pki"),
            messages=place / "messages",
            databases=tuple(databases),
            postgres=postgres,
            postgres_template=postgres.new_database() if postgres is not None else "",
        )
        ground.pki.gateway()
        ground.kiosks_identity  # noqa: B018 - made now, not while something is measured
        progress(f"{load.messages} messages and {load.persons} persons in {' and '.join(databases)}")
        _side_by_side(
            (_fill_sqlite, ground, now),
            *([(_fill_postgres, ground, now)] if postgres else []),
            (_seal, ground, now),
        )
        if postgres is not None:
            with postgres_connection(ground.postgres_template) as connection:
                connection.execute("VACUUM (ANALYZE)")  # as autovacuum would have done long ago
        yield ground


def _fill_sqlite(ground: Ground, now: datetime) -> None:
    fill_registry(f"sqlite:///{ground.template}", ground.vault("sqlite"), fleet=ground.fleet, load=ground.load, now=now)
    connection = sqlite3.connect(ground.template)
    connection.execute("PRAGMA journal_mode=DELETE").fetchall()  # one file, to copy
    connection.close()


def _fill_postgres(ground: Ground, now: datetime) -> None:
    vault = ground.vault("postgresql")
    fill_registry(ground.postgres_template, vault, fleet=ground.fleet, load=ground.load, now=now)


def _seal(ground: Ground, now: datetime) -> None:
    write_messages(ground.messages, ground.fleet, ground.load, now=now)


def _side_by_side(*works: tuple[Callable[..., None], Ground, datetime]) -> None:
    context = multiprocessing.get_context("fork")  # the children use the fleet's keys, which are in memory only
    children = [context.Process(target=work, args=arguments) for work, *arguments in works]
    for each in children:
        each.start()
    try:
        for each in children:
            each.join()
    finally:
        for each in children:
            each.terminate()  # when we are interrupted; those that ended do not mind
            each.join()
    if any(each.exitcode for each in children):
        raise RuntimeError("preparing failed; what went wrong is above")
