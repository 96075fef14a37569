"""The log's process: what waits is published every few seconds until asked to stop.

- It alone holds the log's key; neither gateway nor web server could write the log.
- A registry that is out of reach, a disk that is full: said in the log of the process, and tried again at the next turn. A log that would
  sign a second view ends the process with the code, for that needs a person.
- What processes handed over past the database is published with the rest; what the registry has no more is told as an error of its own.

Example: ``run(LogProcess(registry="sqlite:///registry.db", folder=Path("log"), key=Path("keys/log.key"), every=2.0))``
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError

from luutru.system import random_bytes
from luutru.transparency.asking import Witness, asking
from luutru.transparency.key_files import read_signer_file
from registry.database import connect
from registry.handing_over import Handing
from registry.key_notes import Shredded
from registry.log_files import LogFiles
from registry.publishing_looks import Turn, turn
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


def run(process: LogProcess, stopping: threading.Event | None = None) -> Turn | None:
    """Publish once, or until told to stop; returns the last turn that succeeded."""
    stop = stopping or _stops_on_signal()
    signer, ask = read_signer_file(process.key), asking(process.witnesses)
    handing = Handing(process.handed) if process.handed else None
    registry = connect(process.registry, vault=Vault(_NoKeys(), random_bytes=random_bytes))
    last = None
    with LogFiles(process.folder).writing() as files:
        files.put_key(signer.key, witnesses=[each.key for each in process.witnesses])
        while True:
            try:
                last = turn(registry, files, signer=signer, ask=ask, handing=handing)
                _tell(last, handing)
            except (DBAPIError, OSError) as error:
                if process.every is None:
                    raise
                log.warning("not published", why=type(error).__name__)
            if process.every is None or stop.wait(process.every):
                break
    registry.close()
    return last


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
