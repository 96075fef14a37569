"""SQLite's log is copied back into its file by a thread of its own, so that no commit has to do it.

- A commit that finds the log full copies it back before it returns: thousands of pages and a sync, and whoever waits for a receipt waits for
  that, long where the disk has other work. Beside the writer it costs the same, and nobody waits.
- It is time when so much has been ``written`` since the last time, or a while has passed: a trickle is not worth two syncs each.
- SQLite begins the log again only when all of it has been copied; so what came meanwhile is copied at once, a few times in a row.
- Where the thread does not come after, commits copy as before, only later (``NET_PAGES``): the log stays bounded without it.
- Nothing of this is durability: a commit is on the disk, in the log, when it returns (``synchronous=FULL``).

Example: ``with CopyingBack(registry.engine, written=lambda: worker.progress().answered).running(): worker.run(stopping)``
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from sqlalchemy import Engine, event

LOOK_EVERY: Final = 0.1  # seconds
WORTH_IT: Final = 500  # of what ``written`` counts
AT_LEAST_EVERY: Final = 50  # looks: five seconds
NET_PAGES: Final = 65_536  # 256 MiB
IN_A_ROW: Final = 5
log = structlog.get_logger("luutru.registry")


class CopyingBack:
    """The thread; none for a registry that is not SQLite in a file. ``written`` counts what has been written since the start."""

    def __init__(self, engine: Engine, *, written: Callable[[], int]) -> None:
        self._engine = engine
        self._written = written
        self._ending = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Copy back while the block runs. Connections opened in the block leave it to the thread; the pool is emptied for that."""
        if self._engine.dialect.name != "sqlite" or not self._engine.url.database:
            yield
            return
        event.listen(self._engine, "connect", _leave_it)
        self._engine.dispose()
        thread = threading.Thread(target=self._run, name="copying back", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join()
            event.remove(self._engine, "connect", _leave_it)
            self._engine.dispose()

    def _run(self) -> None:
        before, looks = self._written(), 0
        while not self._ending.wait(LOOK_EVERY):
            looks += 1
            if self._written() - before < WORTH_IT and looks < AT_LEAST_EVERY:
                continue
            before, looks = self._written(), 0
            try:
                self.copy()
            except self._engine.dialect.loaded_dbapi.Error as error:
                # A full disk, or a broken one: whoever writes says more of it than we can.
                log.warning("log not copied back", error=type(error).__name__)

    def copy(self) -> bool:
        """Copy all there is; False when somebody wrote on, or reads an older state, and pages were left. Waits for nobody."""
        pooled = self._engine.raw_connection()
        try:
            for _ in range(IN_A_ROW):
                _, pages, copied = pooled.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if pages == copied:
                    return True
            return False
        finally:
            pooled.close()


def _leave_it(connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA wal_autocheckpoint={NET_PAGES}")
