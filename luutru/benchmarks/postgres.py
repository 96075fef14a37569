"""A throw-away PostgreSQL for tests and benchmarks: the real server from apt, on loopback, gone when the block ends.

- As root the server runs as the user ``postgres`` in a folder that user owns; otherwise as whoever runs the tests.
- A missing server is an error with the command that mends it, never a skip.
- ``server.new_database()`` gives an empty database; a copy of one with all tables takes about 40 ms, for one connection makes them all.

Example: ``with running_postgres() as server: upgrade(server.new_database())``
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg

BINARIES: Final = Path("/usr/lib/postgresql/15/bin")
START_SECONDS: Final = 30
# Durability is on, as in production: fsync off would make figures a lie.
SETTINGS: Final = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=60",
    "shared_buffers=64MB",
    "log_min_messages=error",
)


class PostgresServer:
    """One running server."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self._names = count(1)

    def new_database(self, *, template: str | None = None) -> str:
        """Create a database, empty or a copy of one nobody is connected to, and return its address."""
        name = f"luutru_{next(self._names)}"
        self._maker.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Drop a database and whoever is connected to it; a thousand files lie in every one that has all tables."""
        self._maker.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    @cached_property
    def _maker(self) -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres", autocommit=True)

    def close(self) -> None:
        """Close the connection that makes databases."""
        if "_maker" in self.__dict__:
            self._maker.close()

    def dump(self, url: str) -> str:
        """Return ``pg_dump`` of a database as text."""
        return _run(self.program("pg_dump", arguments=("--format=plain",)), url.rpartition("/")[2])

    def files(self) -> Iterator[Path]:
        """Yield every file of the cluster: tables, indexes, WAL."""
        return (path for path in self.directory.rglob("*") if path.is_file())

    def checkpoint(self, url: str) -> None:
        """Write everything to the files."""
        _run(self.program("psql", arguments=("--command=CHECKPOINT",)), url.rpartition("/")[2])

    def program(self, name: str, arguments: tuple[str, ...] = ()) -> list[str]:
        """Return the command line of one of PostgreSQL's programs for this server."""
        return [str(BINARIES / name), "--host=127.0.0.1", f"--port={self.port}", "--username=postgres", *arguments]


@contextmanager
def running_postgres(more: Sequence[str] = (), *, folder: Path | None = None) -> Iterator[PostgresServer]:
    """Start a server in a new folder; stop it and delete the folder at the end. ``more``: settings that override ours."""
    if not (BINARIES / "initdb").exists():
        raise RuntimeError("PostgreSQL 15 is missing: run scripts/bootstrap, or sudo apt-get install postgresql-15")
    directory = Path(tempfile.mkdtemp(prefix="luutru-postgres-", dir=folder))
    data, port = directory / "data", _free_port()
    log = None
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        _run(
            as_owner(
                str(BINARIES / "initdb"),
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--no-sync",
                "--locale=C.UTF-8",
            ),
            str(data),
        )
        options = [part for setting in (*SETTINGS, *more, f"port={port}") for part in ("-c", setting)]
        log = (directory / "log").open("wb")
        process = subprocess.Popen(as_owner(str(BINARIES / "postgres"), "-D", str(data), *options), stdout=log, stderr=log)
        try:
            _wait_ready(process, port, directory / "log")
            with closing(PostgresServer(data, port)) as server:
                yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nobody reads again what it would still write
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(15)
    finally:
        if log is not None:
            log.close()
        shutil.rmtree(directory, ignore_errors=True)


def as_owner(*command: str) -> list[str]:
    """Return the command as run by the user who owns the cluster; PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]


def _wait_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        ready = subprocess.run([str(BINARIES / "pg_isready"), "--host=127.0.0.1", f"--port={port}", "--quiet"], check=False)
        if ready.returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text('utf-8', 'replace')}")


def _run(command: list[str], *arguments: str) -> str:
    done = subprocess.run([*command, *arguments], check=False, capture_output=True, text=True, cwd="/")
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr}")
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
