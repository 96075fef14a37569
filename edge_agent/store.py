"""The kiosk's one database file: durable at every commit, sealed rows only, honest when the disk is full.

- The only file at the edge that may touch ``sqlite3``. WAL and synchronous=FULL: what was committed survives a power cut.
- Nothing in this process opens the database file beside SQLite: to close it again would let go of SQLite's locks.
- Every write is one ``transaction()``; there is no implicit commit. One lock serialises the kiosk's threads.
- Disk full is foreseen twice: ``max_page_count`` gives the file a size it never passes, and a ballast file beside it is given up
  when the file system itself is full, so that settled rows can still be deleted, new keys of the authority kept, the log folded in, and
  the file opened.
- A memory card that has gone read-only is opened as a copy in memory (``read_only``): what waits can still be delivered and the door keeps its
  papers, and nothing new is promised, for it would not last.
- A database that cannot be read is set aside with its log, as they are (they are sealed, support may want them), and a new one begins.
- Schema and migrations by sqlite-utils; the hot path is plain SQL.

Example: ``with store.transaction() as cursor: cursor.execute("DELETE FROM outbox WHERE sequence = ?", (1,))``
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge_agent.memory_copy import MemoryCopy
from residence.errors import Refused

BALLAST_BYTES: Final = 256 * 1024
DEFAULT_MAX_BYTES: Final = 256 * 1024 * 1024
_PAGE_BYTES: Final = 4096
_OPENING_BYTES: Final = 128 * 1024  # the -shm of a log as long as ours gets, and some frames
_RESERVE_PAGES: Final = 32  # kept below the cap so that deletes and receipts fit when declarations no longer do

Written = TypeVar("Written")
Cursor = sqlite3.Cursor  # for the signatures of others; the driver itself stays in this file

migrations: Final = Migrations("kiosk")


@migrations(name="2026-11-outbox")
def _outbox(database: Database) -> None:
    database.create_table(
        "outbox",
        {"sequence": int, "declaration_id": str, "schema": str, "digest": bytes, "envelope": bytes, "kept_at": str},
        pk="sequence",
        not_null={"declaration_id", "schema", "digest", "envelope", "kept_at"},
    )
    database.table("outbox").create_index(["declaration_id"], unique=True)
    database.create_table(
        "settled",
        {"declaration_id": str, "position": int, "state": str, "digest": bytes, "receipt": bytes},
        pk="declaration_id",
        not_null={"position", "state", "digest", "receipt"},
    )
    database.table("settled").create_index(["position"])
    database.create_table("facts", {"name": str, "value": str}, pk="name", not_null={"value"})
    database.create_table(
        "keyring_updates", {"serial": int, "payload": bytes, "accepted_at": str}, pk="serial", not_null={"payload", "accepted_at"}
    )


@migrations(name="2026-11-doors")
def _doors(database: Database) -> None:
    event = {"sequence": int, "boot_id": str, "monotonic_ns": int, "wall": str, "time_state": str, "door": str}
    database.create_table(
        "door_events",
        event | {"what": str, "detail": str, "who": str},
        pk="sequence",
        not_null={"boot_id", "monotonic_ns", "wall", "time_state", "door", "what"},
    )
    # What the authority signed for doors, as it came: verified again at each start.
    database.create_table("door_papers", {"name": str, "payload": bytes}, pk="name", not_null={"payload"})


@migrations(name="2026-11-trust")
def _trust(database: Database) -> None:
    # Whom the authority trusts about chips, as it signed it: verified again at each start. One row at most.
    database.create_table("trust_bundle", {"payload": bytes, "accepted_at": str}, not_null={"payload", "accepted_at"})


class Store:
    """One open database. Use ``open_store``."""

    def __init__(self, path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES, copy: MemoryCopy | None = None) -> None:
        self.path: Final = copy.original if copy is not None else path
        self.read_only: Final = copy is not None
        self._copy = copy
        self.ballast: Final = path.with_name(path.name + ".ballast")
        self._lock = threading.RLock()
        path.touch(mode=0o600)  # SQLite gives its log the same rights
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._pages = max(max_bytes // _PAGE_BYTES, 2 * _RESERVE_PAGES)
        try:
            self._prepare()
        except BaseException as error:
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                _set_aside(path)  # before closing, which would fold the log into the damaged file
            self._connection.close()
            raise
        self.restore_ballast()

    def _prepare(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=1048576", "wal_autocheckpoint=256"):
            self._connection.execute(f"PRAGMA {pragma}")
        if self._connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check failed")
        migrations.apply(Database(self._connection))
        self._cap(self._pages)

    def _cap(self, pages: int) -> None:
        self._connection.execute(f"PRAGMA max_page_count={pages}")

    @contextlib.contextmanager
    def transaction(self, *, growing: bool = False) -> Iterator[sqlite3.Cursor]:
        """Run one write transaction. ``growing`` ones leave the reserve alone.

        Raises ``Refused("outbox.disk_full")`` with nothing written when there is no room.
        """
        if growing and self.read_only:
            raise Refused("outbox.disk_full", "", "the disk cannot be written")
        with self._lock:
            self._cap(self._pages - _RESERVE_PAGES if growing else self._pages)
            cursor = self._connection.cursor()
            try:
                cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                cursor.execute("COMMIT")
            except BaseException as error:
                self._roll_back()
                if isinstance(error, sqlite3.OperationalError) and _is_full(error):
                    raise Refused("outbox.disk_full", "", str(error)) from error
                raise
            finally:
                cursor.close()

    def write_from_reserve(self, write: Callable[[Cursor], Written]) -> Written:
        """Run one write that makes room, or without which no room can be made; on a full disk give the reserve up for it."""
        with contextlib.suppress(Refused), self.transaction() as cursor:
            return write(cursor)
        self.release_ballast()
        with self.transaction() as cursor:
            return write(cursor)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def read(self, query: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(query, parameters).fetchall()

    def fact(self, name: str) -> str | None:
        """Return one remembered value."""
        rows = self.read("SELECT value FROM facts WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def counts(self) -> dict[str, int]:
        """Return how many rows each table has."""
        names = [str(row[0]) for row in self.read("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: int(self.read(f"SELECT count(*) FROM {name}")[0][0]) for name in names if name.isidentifier()}  # noqa: S608 - our own tables

    def release_ballast(self) -> bool:
        """Give up the reserve file and fold the log in; tell whether there was one to give."""
        with self._lock:
            existed = self.ballast.exists()
            with contextlib.suppress(OSError):  # a disk that cannot be written gives nothing back either
                self.ballast.unlink(missing_ok=True)
            with contextlib.suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return existed

    def restore_ballast(self) -> bool:
        """Lay the reserve down again; tell whether it is there and its disk can be written."""
        if self.read_only or is_read_only(self.path):
            return False
        with self._lock:
            try:
                if not self.ballast.exists() or self.ballast.stat().st_size < BALLAST_BYTES:
                    self.ballast.write_bytes(b"\xff" * BALLAST_BYTES)
            except OSError:
                with contextlib.suppress(OSError):
                    self.ballast.unlink(missing_ok=True)
                return False
            return True

    def close(self) -> None:
        """Close the file; a copy in memory goes."""
        with self._lock:
            self._connection.close()
        if self._copy is not None:
            self._copy.drop()


def open_store(path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Store:
    """Open or create the database; one that cannot be read is set aside as ``<name>.damaged-N`` and a new one begins."""
    if is_read_only(path):
        copy = MemoryCopy(path)
        try:
            return Store(copy.path, max_bytes=max_bytes, copy=copy)
        except BaseException:
            copy.drop()
            raise
    path.parent.mkdir(parents=True, exist_ok=True)
    _finish_setting_aside(path)
    _make_room(path)
    for _ in range(2):
        try:
            return Store(path, max_bytes=max_bytes)
        except sqlite3.OperationalError as error:
            if not _is_full(error):
                raise
            path.with_name(path.name + ".ballast").unlink(missing_ok=True)
        except sqlite3.DatabaseError:
            continue  # it was set aside
    return Store(path, max_bytes=max_bytes)


def is_held(path: Path) -> bool:
    """Tell whether another process has the file open: SQLite gives it to nobody alone then."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=0)) as alone:
        try:
            alone.execute("PRAGMA locking_mode = EXCLUSIVE")
            alone.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:  # not a database any more: nobody works by it
            return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return False


def is_read_only(path: Path) -> bool:
    """Tell whether the disk under a file refuses every write. Asked by trying: ext4 that gave up does not show it in its flags.

    The folder is asked, never the file: to close a database that SQLite has open lets go of this process's locks on it (POSIX, fcntl(2)),
    and the next process that looks at it, finding nobody there, deletes the log under our feet.
    """
    folder = next((each for each in path.parents if each.exists()), path)
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY))
    except OSError as error:
        return error.errno == errno.EROFS
    return False


def _make_room(path: Path) -> None:
    """Give the reserve up before opening when there is no room at all.

    SQLite maps its ``-shm`` file and writes one byte a page to hold the room; where blocks are smaller than pages (ext4 below 512 MB)
    that holds nothing, and the first write to the mapping is a SIGBUS instead of an error.
    """
    room = os.statvfs(path.parent)
    if room.f_bavail * room.f_frsize < _OPENING_BYTES:
        path.with_name(path.name + ".ballast").unlink(missing_ok=True)


def remember(cursor: sqlite3.Cursor, name: str, value: str) -> None:
    """Set one fact inside the caller's transaction."""
    cursor.execute(
        "INSERT INTO facts(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", (name, value)
    )


def _set_aside(path: Path) -> None:
    """Rename a damaged database and then its log. The database first: without its log it might open as an older one of the same epoch."""
    number = 1
    while path.with_name(f"{path.name}.damaged-{number}").exists():
        number += 1
    path.rename(path.with_name(f"{path.name}.damaged-{number}"))
    _sync_folder(path.parent)
    _finish_setting_aside(path)


def _finish_setting_aside(path: Path) -> None:
    """Let a log without its database follow it, also when the power failed between the two: SQLite would delete it."""
    log = path.with_name(path.name + "-wal")
    if path.exists() or not log.exists():
        return
    aside = [each for each in path.parent.glob(f"{path.name}.damaged-*") if each.suffix.removeprefix(".damaged-").isdecimal()]
    number = max((int(each.suffix.removeprefix(".damaged-")) for each in aside), default=1)
    log.rename(path.with_name(f"{path.name}.damaged-{number}-wal"))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_full(error: sqlite3.OperationalError) -> bool:
    """SQLITE_FULL, or the I/O errors a full file system gives where SQLite cannot tell."""
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
