"""A followed SQLite registry as an archive: a mark in it, and a copy of it as of any mark.

- The mark: writers are held up for as long as it takes to see where the log ends; the view is that of the same moment.
- A copy is the base with every piece up to the mark laid over it, page by page, as SQLite itself would copy its log back.
- A copy is looked at by SQLite (``PRAGMA quick_check``) before anybody reads it.

Example: ``SqliteArchive(registry, pieces).restored(folder, None)``
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection

from luutru.backups.following import end_of, position_of
from luutru.backups.pieces import Generation, Pieces
from luutru.backups.wal import pages_of
from registry.database import Registry, open_engine
from residence.errors import Conflict, Refused

WITHIN: Final = 60.0  # seconds
PAUSE: Final = 0.05
_SIZE: Final = 4


class SqliteArchive:
    """A SQLite registry and the folder it is followed into."""

    def __init__(self, registry: Registry, pieces: Pieces, *, wait: Callable[[float], None] = time.sleep) -> None:
        self._registry, self._pieces, self._wait = registry, pieces, wait

    @contextmanager
    def marked(self) -> Iterator[tuple[str, Connection]]:
        """Give where the log ends, and a view of what was committed until then."""
        with self._registry.reading() as view:
            with self._registry.writing():
                view.exec_driver_sql("SELECT count(*) FROM sqlite_master")
                where = position_of(end_of(Path(f"{self._registry.engine.url.database}-wal")))
            yield where, view

    def wait_for(self, position: str) -> None:
        """Wait until the pieces reach a position."""
        for _ in range(round(WITHIN / PAUSE)):
            if self._pieces.newest().reaches() >= position:
                return
            self._wait(PAUSE)
        raise Refused("backup.not_archived")

    @contextmanager
    def restored(self, folder: Path, target: str | None) -> Iterator[str]:
        """Bring the newest generation back into a new folder."""
        folder.mkdir(mode=0o700)
        bring_back(self._pieces, folder / "registry.db", target=target)
        yield f"sqlite:///{folder / 'registry.db'}"


def bring_back(pieces: Pieces, path: Path, *, target: str | None) -> None:
    """Write the registry as of a position, or all there is; ``Refused("backup.place_not_empty")``, ``Untrusted("backup.tampered")``."""
    if any(each.exists() for each in (path, Path(f"{path}-wal"))):
        raise Refused("backup.place_not_empty", "", str(path))
    generation = pieces.newest()
    if target is not None and target < generation.began:
        raise Refused("backup.none_yet", "", target)
    generation.bring_base(path)
    path.chmod(0o600)
    _lay_over(generation, path, target)
    engine = open_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            problems = list(_damages(connection))
    finally:
        engine.dispose()
    if problems:
        raise Conflict("backup.differs", "", problems[0])


def _damages(connection: Connection) -> Iterator[str]:
    """Ask SQLite table by table. SQLite 3.40 (Debian 12) takes a key of a table without rowids for NULL when it is no first column: not believed."""
    for name in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all():
        for said in connection.exec_driver_sql(f'PRAGMA quick_check("{name}")').scalars():
            if said != "ok" and not said.startswith("NULL value in"):
                yield f"{name}: {said}"


def _lay_over(generation: Generation, path: Path, target: str | None) -> None:
    with path.open("r+b") as file:
        for reached, opened in generation.pieces():
            content = opened()
            page_bytes, frames = int.from_bytes(content[:_SIZE], "big"), content[_SIZE:]
            if target is not None and reached > target:
                _lay_pages(file, _until(frames, reached, target), page_bytes)
                return
            _lay_pages(file, frames, page_bytes)


def _until(frames: bytes, reached: str, target: str) -> bytes:
    """Return what of a piece lies before a position; nothing when the log had been begun again after it."""
    sequence, _, end = reached.partition("-")
    if not target.startswith(f"{sequence}-"):
        return b""
    begin = int(end) - len(frames)
    return frames[: max(0, int(target.partition("-")[2]) - begin)]


def _lay_pages(file: BinaryIO, frames: bytes, page_bytes: int) -> None:
    for number, pages, content in pages_of(frames, page_bytes):
        file.seek((number - 1) * page_bytes)
        file.write(content)
        if pages:
            file.truncate(pages * page_bytes)
