"""The files PostgreSQL and pgBackRest need to keep an encrypted archive that is never more than seconds behind.

- The repository is encrypted by pgBackRest (AES-256-CBC) under a passphrase made here; it stands in ``pgbackrest.conf`` and nowhere else: keep a copy with the vault's.
- Every piece of the WAL is archived when it is full or ``ARCHIVE_SECONDS`` old. Mostly empty pieces compress to almost nothing.
- Where drills are another account's than the database's, the two share a group that may read configuration and repository (``let_group_read``).
- Pieces are archived one by one, never left in a queue on the machine that may be lost.

Example: ``files_of(Place(folder=..., repository=..., data=..., socket=...), passphrase="...")["archive.conf"]``
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from registry.durable_files import sync_folder
from residence.errors import Conflict, Malformed

STANZA: Final = "luutru"
SETTINGS: Final = "pgbackrest.conf"
ARCHIVE: Final = "archive.conf"
ARCHIVE_SECONDS: Final = 2
_PASSPHRASE_BYTES: Final = 48


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are: this configuration, the repository, the cluster's data and the folder of its socket."""

    folder: Path
    repository: Path
    data: Path
    socket: Path
    port: int = 5432
    user: str = "postgres"
    database: str = "postgres"  # what pgBackRest connects to


def make_passphrase(random_bytes: Callable[[int], bytes]) -> str:
    """Return a new passphrase of the repository."""
    return urlsafe_b64encode(random_bytes(_PASSPHRASE_BYTES)).decode()


def files_of(place: Place, *, passphrase: str) -> dict[str, str]:
    """Return both files by name; ``Malformed("backup.place")`` for a place that cannot stand in them."""
    paths = (place.folder, place.repository, place.data, place.socket)
    words = [*map(str, paths), place.user, place.database]
    if not all(path.is_absolute() for path in paths) or any(set(word) & set("'\"\\\n\r%# ") for word in words):
        raise Malformed("backup.place")
    return {SETTINGS: _pgbackrest(place, passphrase), ARCHIVE: _postgresql(place)}


def _pgbackrest(place: Place, passphrase: str) -> str:
    return f"""\
# Written by "luutru backup configure". Whoever reads this file can read every backup: it is for the database's user alone (0600), and for who drills (docs/commune.md).
[global]
repo1-path={place.repository}
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass={passphrase}
# Two full backups are kept, with all of the WAL since the older.
repo1-retention-full=2
# A registry is thousands of small files: together they are restored many times faster.
repo1-bundle=y
compress-type=zst
compress-level=3
process-max=2
start-fast=y
archive-timeout=60
lock-path={place.folder}/lock
log-level-console=warn
log-level-file=off

[{STANZA}]
pg1-path={place.data}
pg1-socket-path={place.socket}
pg1-port={place.port}
pg1-user={place.user}
pg1-database={place.database}
"""


def _postgresql(place: Place) -> str:
    return f"""\
# Written by "luutru backup configure"; in postgresql.conf: include = '{place.folder}/{ARCHIVE}'. PostgreSQL is started anew once for it.
wal_level = replica
archive_mode = on
archive_command = 'pgbackrest --config={place.folder}/{SETTINGS} --stanza={STANZA} archive-push %p'
# A commit is in the repository at most so many seconds later, and what the copying takes.
archive_timeout = {ARCHIVE_SECONDS}
"""


def write_files(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write the files for their owner alone, who is the folder's; ``Conflict("backup.configured")`` when the one with the passphrase is there.

    That one comes last and whole: whoever dies before leaves a folder that is not configured.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / SETTINGS).exists():
        raise Conflict("backup.configured", "", str(folder))
    owner, written = folder.stat(), []
    for name in sorted(files, key=lambda each: each == SETTINGS):
        draft = folder / f".{name}.part"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(files[name])
            file.flush()
            os.fsync(file.fileno())
        written.append(draft.rename(folder / name))
    sync_folder(folder)
    return written


def let_group_read(place: Place) -> None:
    """Let the group of the configuration's folder read it and the repository, and nobody else: whoever drills is in it.

    A repository that is not there yet is made so by pgBackRest.
    """
    for path, mode in ((place.folder, 0o750), (place.repository, 0o750), (place.folder / SETTINGS, 0o640)):
        if path.exists() and path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
