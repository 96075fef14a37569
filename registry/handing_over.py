"""A look is handed over before anything of it is shown: its entry goes to the log's process past the database.

- Whoever may write the registry can delete a commune's latest look and set its counter back before the log's process has seen either. So every
  process that releases fields lays the entry, once its transaction stands and before the caller goes on, in a folder the database's owner has no
  hand on. The log's process publishes what lies there, whatever the registry says by then (``registry/publishing_looks.py``).
- What a preview made and rolled back was never shown and is not handed over. Our own roll-backs are noted as they happen and the database is not
  asked what stands: a trigger of its owner's could delete a look as it is written.
- No room, no folder: ``Refused("log.not_handed_over")``, and nothing is shown; the look stays on the record.
- Whoever may write the folder must not be able to stop the log: what is no plain file, too long or no look lies aside, and a turn reads so much and no more.
- One file a transaction, there whole or not at all. It is not synced: it must outlast whoever writes the database, and a power cut leaves them the
  registry as it was. A file names nobody; it holds what the log tells everybody a moment later.

Example: ``Handing(Path("looks-handed")).hand(looks)`` here, ``Handing(...).waiting(4096)`` and ``settle(...)`` in the log's process
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, event

from residence.errors import LuutruError, Malformed, Refused
from residence.transparency.looks import read_entry

_MADE: Final = "luutru looks made"
_MARKS: Final = "luutru looks before"  # for each open savepoint, the innermost last: how many were made before it
_SUFFIX: Final = ".looks"
_ASIDE: Final = ".unreadable"
LARGEST: Final = 1 << 20  # bytes of one file
AT_ONCE: Final = 1 << 26  # bytes of one turn


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """One look, or another numbered statement, as it was committed to."""

    commune_code: str
    look_id: str
    entry: bytes


class HandedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The looks of one transaction, and where they lie."""

    path: Path
    looks: tuple[Handed, ...]


def listen(engine: Engine) -> None:
    """Hear which savepoints are kept and which are rolled back on an engine's connections."""
    event.listen(engine, "savepoint", _mark)
    event.listen(engine, "release_savepoint", _keep)
    event.listen(engine, "rollback_savepoint", _forget)


def begin(connection: Connection) -> None:
    """Begin to note what this transaction makes."""
    connection.info[_MADE], connection.info[_MARKS] = [], []


def note_made(connection: Connection, look: Handed) -> None:
    """Note a look; on a connection nobody collects from, this does nothing."""
    if (noted := connection.info.get(_MADE)) is not None:
        noted.append(look)


def made(connection: Connection) -> tuple[Handed, ...]:
    """Return what was made and not rolled back, at the end of the transaction."""
    connection.info.pop(_MARKS, None)
    return tuple(connection.info.pop(_MADE, ()))


def _mark(connection: Connection, _name: str | None) -> None:
    if (noted := connection.info.get(_MADE)) is not None:
        connection.info[_MARKS].append(len(noted))


def _keep(connection: Connection, _name: str, _context: object) -> None:
    if _MADE in connection.info:
        connection.info[_MARKS].pop()


def _forget(connection: Connection, _name: str, _context: object) -> None:
    if (noted := connection.info.get(_MADE)) is not None:
        del noted[connection.info[_MARKS].pop() :]


class Handing:
    """The folder looks are handed over in."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder

    def hand(self, looks: Sequence[Handed]) -> None:
        """Lay down the looks of one transaction, or raise ``Refused("log.not_handed_over")``."""
        whole = self.folder / f"{looks[0].look_id}{_SUFFIX}"
        beside = whole.with_suffix(".new")
        try:
            self.folder.mkdir(mode=0o770, parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.encode(looks))
            beside.rename(whole)
        except OSError as error:
            raise Refused("log.not_handed_over", "", type(error).__name__) from error

    def waiting(self, most: int) -> list[HandedFile]:
        """Return what lies there, oldest first; what cannot be read is put aside under another name, for a person."""
        if not self.folder.is_dir():
            return []
        found, length = [], 0
        for path in sorted(self.folder.glob(f"*{_SUFFIX}"))[:most]:
            try:
                content = _content(path)
                found.append(HandedFile(path=path, looks=_looks(content)))
            except LuutruError:
                path.rename(path.with_suffix(_ASIDE))
                continue
            length += len(content)
            if length > AT_ONCE:
                break
        return found

    def unreadable(self) -> int:
        """Return how many files lie aside."""
        return sum(1 for _ in self.folder.glob(f"*{_ASIDE}"))

    def settle(self, files: Sequence[HandedFile]) -> None:
        """Take away what stands in the log."""
        for each in files:
            each.path.unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    """Return what a plain file holds, or raise ``Malformed``: a pipe would be waited for, a link leads elsewhere."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Malformed("log.entry_malformed") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Malformed("log.entry_malformed")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Malformed("log.entry_malformed")
    return content


def _looks(content: bytes) -> tuple[Handed, ...]:
    """Return the looks of a file, or raise ``Malformed``: whatever it holds would be published."""
    try:
        looks = msgspec.json.decode(content, type=tuple[Handed, ...])
    except msgspec.DecodeError as error:
        raise Malformed("log.entry_malformed") from error
    for each in looks:
        read_entry(each.entry)
    if not looks:
        raise Malformed("log.entry_malformed")
    return looks
