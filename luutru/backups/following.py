"""A SQLite registry followed: a base, and every commit since as pieces, a second behind, while others read and write.

- Nobody is asked to change anything. SQLite begins its log again only when nobody reads from it; one of two readers of ours always does, each taken before the other is let go, and what was
  written is copied before the older one goes. So no commit can be overwritten before it was copied.
- Because of our readers the log would grow for ever: when it is long, writers are held up for one copying back, after which it is begun again.
- A registry that is not there, or has no table, is never followed (``Refused("registry.not_upgraded")``): what keeps processes running starts a follower again after a registry was
  lost, and a base of nothing would be the newest there is.
- A log that was begun again has the next first salt. Any other is a gap (somebody deleted the log, or restored the file): ``Conflict("backup.gap")``, and whoever follows begins with a new base.

Example: ``with Follower(engine, pieces, clock=clock) as follower: follower.turn()``
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import structlog
from sqlalchemy import Engine

from luutru.backups.pieces import Generation, Pieces
from luutru.backups.wal import HEADER_BYTES, Place, begun, committed, follows, position, read_header
from residence.clock import Clock
from residence.errors import Conflict, Refused

LONGEST: Final = 16 << 20  # bytes of the log
AT_ONCE: Final = 64 << 20
_log: Final = structlog.get_logger()
_NOTHING_YET: Final = position(0, 0)


def follow(engine: Engine, pieces: Pieces, *, clock: Clock, ended: Callable[[float], bool], every: float) -> None:
    """Follow until ``ended(every)`` says so; a gap is followed by a new base."""
    while True:
        with Follower(engine, pieces, clock=clock) as follower:
            try:
                while not ended(every):
                    follower.turn()
            except Conflict as gap:
                _log.warning("following anew", code=gap.code)
                continue
            follower.turn()
        return


class Follower:
    """Follows one registry into one new generation."""

    def __init__(self, engine: Engine, pieces: Pieces, *, clock: Clock) -> None:
        self._engine, self._pieces, self._clock = engine, pieces, clock
        self._log: Final = Path(f"{engine.url.database}-wal")
        self._place: Place | None = None
        self._number = 0
        self._generation: Generation | None = None

    def __enter__(self) -> Self:
        """Make the base; the registry is written to meanwhile."""
        if not Path(str(self._engine.url.database)).exists():  # opening it would make it
            raise Refused("registry.not_upgraded")
        self._readers = [_plain(self._engine), _plain(self._engine)]
        self._writer = _plain(self._engine)
        self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let go."""
        for each in (*self._readers, self._writer):
            each.close()

    def turn(self) -> int:
        """Copy what was committed since; returns how many bytes of the log that was."""
        held, free = self._readers
        _look(free)
        taken = self._copy()
        _end(held)
        self._readers = [free, held]
        if self._place is not None and self._place.offset > LONGEST:
            taken += self._begin_log_again()
        return taken

    def _begin(self) -> None:
        if not self._readers[0].execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise Refused("registry.not_upgraded")
        name = self._clock.now().strftime("%Y%m%dT%H%M%S%fZ")
        self._generation = self._pieces.begin(name)
        self._writer.execute("BEGIN IMMEDIATE")  # for as long as it takes to see where the log ends
        try:
            _look(self._readers[0])
            self._place = end_of(self._log)
        finally:
            _end(self._writer)
        plain = self._generation.folder / ".base"
        copy = _plain_at(plain)
        try:
            plain.chmod(0o600)
            self._readers[0].backup(copy)
            copy.close()
            self._generation.put_base(plain, position_of(self._place))
        finally:
            copy.close()
            plain.unlink(missing_ok=True)
        self._pieces.let_go()

    def _copy(self) -> int:
        """Add pieces up to the last commit there is."""
        total = 0
        while (taken := self._copy_some()) > 0:
            total += taken
        return total

    def _copy_some(self) -> int:
        if not self._log.exists():
            return self._nothing()
        with self._log.open("rb") as file:
            header = read_header(file.read(HEADER_BYTES))
            if header is None:
                return self._nothing()
            place = self._place
            if place is None or header != place.header:
                if place is not None and not follows(header, place.header):
                    raise Conflict("backup.gap")
                place = begun(header)
            file.seek(place.offset)
            data = file.read(AT_ONCE // header.frame_bytes * header.frame_bytes)
        end = committed(data, place)
        self._place = end
        taken = end.offset - place.offset
        if taken and self._generation is not None:
            self._number += 1
            self._generation.put(self._number, end.position, header.page_bytes.to_bytes(4, "big") + data[:taken])
        return taken

    def _nothing(self) -> int:
        if self._place is not None:
            raise Conflict("backup.gap")
        return 0

    def _begin_log_again(self) -> int:
        """Hold up writers, copy the rest, let SQLite copy the whole log back; the next writer begins it again."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            taken = self._copy()
            _end(self._readers[0])
            self._readers[1].execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            _look(self._readers[0])
        finally:
            _end(self._writer)
        return taken


def end_of(log: Path) -> Place | None:
    """Return where the last commit of a log ends; None when nobody has written to it. To be asked while nobody writes."""
    if not log.exists():
        return None
    data = log.read_bytes()
    header = read_header(data)
    return committed(data[HEADER_BYTES:], begun(header)) if header is not None else None


def position_of(place: Place | None) -> str:
    """Return a place as text that sorts."""
    return place.position if place is not None else _NOTHING_YET


def _plain(engine: Engine) -> Any:
    """Return SQLite's own connection, with the registry's settings and no transaction of anybody's."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    return connection


def _plain_at(path: Path) -> Any:
    from registry.database import open_engine

    engine = open_engine(f"sqlite:///{path}")
    return _plain(engine)


def _look(connection: Any) -> None:
    """Begin to read: from now on the log is not begun again."""
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()


def _end(connection: Any) -> None:
    connection.execute("ROLLBACK")
