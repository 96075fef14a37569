"""A moment of a living registry that a copy can be held against: its position, and what everybody sees in it.

- PostgreSQL: a position in the WAL at which nothing was being written and nobody was in the middle of writing. Nobody is held up for it: it is
  looked for again and again, and a registry that never pauses for ``TRIES`` looks is ``Refused("backup.never_quiet")``.
- All commits before the position are in the view, none after it is; recovery that stops just before the position has the same rows.
- A commit stands in the WAL before anybody sees it: between the two its machine waits for the disk or for a second machine. A snapshot does not tell
  of such a transaction when it is the newest; the lock on its own number does, held from before its commit record until after it is seen. So it is
  asked for between the two positions and before the view: position, no such lock, view, the same position.
- What comes after the mark is made to reach the archive by a message in the WAL that says nothing.

Example: ``with quiet_moment(engine, wait=time.sleep) as (position, connection): digest_all(connection)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, text

from residence.errors import Refused

TRIES: Final = 2_000
PAUSE: Final = 0.005  # seconds
_WHERE: Final = text("SELECT pg_current_wal_insert_lsn()::text")
_WRITING: Final = text("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock')")
_NOTHING: Final = text("SELECT pg_logical_emit_message(true, 'luutru', '')")
_ARCHIVED: Final = text(
    'SELECT coalesce(left(last_archived_wal, 24) COLLATE "C" >= pg_walfile_name(cast(:position AS pg_lsn)), false)'
    " FROM pg_stat_archiver"
)


@contextmanager
def quiet_moment(engine: Engine, *, wait: Callable[[float], None]) -> Iterator[tuple[str, Connection]]:
    """Give a WAL position and a connection that sees exactly what was committed before it; PostgreSQL only."""
    options = {"isolation_level": "REPEATABLE READ"}
    with engine.connect() as outside, engine.connect().execution_options(**options) as view:
        for _ in range(TRIES):
            before = outside.scalar(_WHERE)
            writing = outside.scalar(_WRITING)
            outside.rollback()
            after = view.scalar(_WHERE)  # takes the view, too
            if not writing and before == after:
                break
            view.rollback()
            wait(PAUSE)
        else:
            raise Refused("backup.never_quiet")
        yield str(after), view
        view.rollback()


def push_on(engine: Engine) -> str:
    """Write something behind every mark, so that its piece of the WAL is archived; returns the position after it."""
    with engine.connect() as connection:
        connection.execute(_NOTHING)
        connection.commit()
        return str(connection.scalar(_WHERE))


def is_archived(engine: Engine, position: str) -> bool:
    """Tell whether the archive has what was written up to a position."""
    with engine.connect() as connection:
        return bool(connection.scalar(_ARCHIVED, {"position": position}))
