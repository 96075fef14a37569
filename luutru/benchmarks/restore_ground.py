"""What the restore's measurement stands on: a PostgreSQL that archives as an authority's does, its repository, and its loss.

- The files are those ``luutru backup configure`` writes. Loading is not archived: the first full backup comes after it, as it does for an authority.
- *Lost* is a machine that is gone: every process killed at once, then the data deleted. The repository stands elsewhere.

Example: ``with archived_postgres(folder) as ground: ground.begin_archiving()``
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg

from luutru.backups.pgbackrest import Repository
from luutru.backups.settings import ARCHIVE, SETTINGS, Place, files_of, make_passphrase, write_files
from luutru.benchmarks.gateway_process import family
from luutru.benchmarks.postgres import PostgresServer, running_postgres
from luutru.system import random_bytes

SERVER: Final = ("shared_buffers=256MB", "max_wal_size=4GB", "wal_level=replica", "archive_mode=on")


class Ground:
    """A server and its repository."""

    def __init__(self, server: PostgresServer, place: Place, *, url: str) -> None:
        self.server, self.place, self.url = server, place, url

    @property
    def repository(self) -> Repository:
        """The repository, once it is configured."""
        return Repository(self.place.folder / SETTINGS)

    def begin_archiving(self) -> None:
        """Write the files, make the repository, archive from now on, and make the first full backup."""
        write_files(self.place.folder, files_of(self.place, passphrase=make_passphrase(random_bytes)))
        self.repository.run("stanza-create")
        self._configure(f"include = '{self.place.folder / ARCHIVE}'")
        self.repository.run("check")
        self.back_up("full")

    def back_up(self, kind: str) -> None:
        """Make a backup, as a timer does at night."""
        self.repository.run("backup", f"--type={kind}")

    def lose(self) -> None:
        """Lose the machine."""
        pid = int((self.place.data / "postmaster.pid").read_text("ascii").split()[0])
        for each in family(pid):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        shutil.rmtree(self.place.data)

    def archive_nothing(self) -> None:
        """Let go of the WAL while rows are loaded."""
        self._configure("archive_command = '/bin/true'")

    def _configure(self, line: str) -> None:
        with (self.place.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
        with psycopg.connect(self.server_address, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")

    @property
    def server_address(self) -> str:
        """Return the address of the server's own database."""
        return f"host=127.0.0.1 port={self.server.port} user=postgres dbname=postgres"


@contextmanager
def archived_postgres(folder: Path) -> Iterator[Ground]:
    """Start a server whose archive is in ``folder``; it archives nothing yet."""
    kept = folder / "kept"
    for path in (kept, kept / "repository", kept / "socket"):
        path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(path, owner.pw_uid, owner.pw_gid)
    with running_postgres((*SERVER, f"unix_socket_directories={kept / 'socket'}"), folder=folder) as server:
        place = Place(
            folder=kept, repository=kept / "repository", data=server.directory, socket=kept / "socket", port=server.port
        )  # fmt: skip
        ground = Ground(server, place, url=server.new_database())
        ground.archive_nothing()
        yield ground
