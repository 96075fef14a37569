"""The logs' process: what waits is published every few seconds until asked to stop, looks and, with a key of its own, statements.

- It alone holds the log's key; neither gateway nor web server could write the log.
- A registry that is out of reach, a disk that is full: said in the log of the process, and tried again at the next turn. A log that would
  sign a second view ends the process with the code, for that needs a person.
- The log of statements lies in ``statements`` below the log of looks. With ``closing`` its receipts promise nothing from now on.
- What processes handed over past the database is published with the rest; what the registry has no more is told as an error of its own.

Example: ``run(LogProcess(registry="sqlite:///registry.db", folder=Path("log"), key=Path("keys/log.key"), every=2.0))``
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError

from luutru.system import random_bytes, system_clock
from luutru.transparency.asking import Witness, asking
from luutru.transparency.key_files import read_signer_file
from registry import publishing_statements
from registry.database import Registry, connect
from registry.handing_over import Handing
from registry.key_notes import Shredded
from registry.log_files import STATEMENTS, LogFiles
from registry.publishing_looks import Turn, turn
from registry.publishing_statements import StatementsTurn
from registry.vault import Vault
from residence.errors import Untrusted

log = structlog.get_logger("luutru.log")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogProcess:
    """What the process is told. See docs/settings.md."""

    registry: str
    folder: Path
    key: Path
    witnesses: tuple[Witness, ...] = ()
    every: float | None = None  # seconds; None: one turn
    handed: Path | None = None  # where looks are handed over past the database; None: nobody does
    statements_key: Path | None = None  # None: no place is promised to statements
    closing: bool = False


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The last turn of each log that succeeded."""

    looks: Turn | None = None
    statements: StatementsTurn | None = None


class _NoKeys:
    """A key provider without keys: this process opens nothing of anybody's."""

    def period_key(self, kek_id: str, *, create: bool = False) -> bytes:
        """Refuse."""
        raise Untrusted("vault.key_retired", "", f"{kek_id} {create}")

    def generation(self, period: str) -> str:
        """Refuse."""
        raise Untrusted("vault.key_retired", "", period)

    def turn(self) -> tuple[int, int]:
        """Nothing ever changes."""
        return (0, 0)

    def shredded(self) -> dict[str, Shredded]:
        """Nobody was erased as far as this process knows: it opens nobody."""
        return {}

    def shred(self, given: Shredded) -> None:
        """Refuse."""
        raise Untrusted("vault.key_retired", "", given.subject_id)

    def period_keys(self) -> list[str]:
        """Return none."""
        return []

    def index_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Refuse."""
        raise Untrusted("vault.key_retired", "", purpose)


def run(process: LogProcess, stopping: threading.Event | None = None) -> Done:
    """Publish once, or until told to stop; returns the last turns that succeeded."""
    stop = stopping or _stops_on_signal()
    signer, ask = read_signer_file(process.key), asking(process.witnesses)
    handing = Handing(process.handed) if process.handed else None
    registry = connect(process.registry, vault=Vault(_NoKeys(), random_bytes=random_bytes))
    last = Done()
    with LogFiles(process.folder).writing() as files, _statements(process, registry) as publish:
        files.put_key(signer.key, witnesses=[each.key for each in process.witnesses])
        while True:
            try:
                looks = turn(registry, files, signer=signer, ask=ask, handing=handing)
                _tell(looks, handing)
                last = Done(looks=looks, statements=publish())
            except (DBAPIError, OSError) as error:
                if process.every is None:
                    raise
                log.warning("not published", why=type(error).__name__)
            if process.every is None or stop.wait(process.every):
                break
    registry.close()
    return last


@contextmanager
def _statements(process: LogProcess, registry: Registry) -> Iterator[Callable[[], StatementsTurn | None]]:
    """Give what publishes all that is owed to statements; without a key of theirs nothing is."""
    if process.statements_key is None:
        yield lambda: None
        return
    signer, ask, clock = read_signer_file(process.statements_key), asking(process.witnesses), system_clock()
    with LogFiles(process.folder / STATEMENTS).writing() as files:
        files.put_key(signer.key, witnesses=[each.key for each in process.witnesses])

        def publish() -> StatementsTurn:
            while True:
                done = publishing_statements.turn(
                    registry, files, signer=signer, now=clock.now(), ask=ask, closing=process.closing
                )
                _tell_statements(done)
                if not (done.owed and done.published):
                    return done

        yield publish


def _tell_statements(done: StatementsTurn) -> None:
    if done.published:
        log.info("statements published", entries=done.published, size=done.size)
    if done.void or done.astray:
        log.error("statements that were promised a place are not in the registry any more", void=done.void, astray=done.astray)


def _tell(done: Turn, handing: Handing | None) -> None:
    if done.published:
        log.info("published", entries=done.published, size=done.size)
    if done.missed:
        log.error(
            "looks that were handed over are not in the registry as they were made; they stand in the log", looks=done.missed
        )
    if handing and (aside := handing.unreadable()):
        log.error("files handed over cannot be read and lie aside", files=aside)


def _stops_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop
