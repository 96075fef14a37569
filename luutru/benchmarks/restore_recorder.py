"""Who records while the machine is lost: declarations one after the other, each committed and receipted, and how far the archive was behind.

- A commit waits for the archive until the piece of the WAL it is in has been archived; the longest such wait is ``longest_wait``. ``look`` says up to where
  the archive reaches and where the registry is, both as text that sorts.
- It ends when its registry is gone, and knows what it was told had been recorded.

Example: ``with Recorder(registry, size, signer, look=lambda: look_at_archive(registry)) as recorder: time.sleep(10)``
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from luutru.benchmarks.register_rows import Size, person_of
from luutru.system import SystemClock, random_bytes
from registry.database import Registry
from registry.recording import record
from registry.statements import Statement
from residence.clock import rfc3339, uuid7_text
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.stays.rules import load_rule_book
from residence.wire.messages import STAY_DECLARATION
from residence.wire.signing import SigningKey

EVERY: Final = 0.02  # seconds
_ARCHIVED: Final = text("SELECT left(last_archived_wal, 24), pg_walfile_name(pg_current_wal_insert_lsn()) FROM pg_stat_archiver")

Look = Callable[[], tuple[str | None, str]]


def look_at_archive(registry: Registry) -> tuple[str | None, str]:
    """Return the newest archived piece of PostgreSQL's WAL, and the one that is written now."""
    with registry.reading() as connection:
        archived, piece = connection.execute(_ARCHIVED).one()
    return archived, piece


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration whose commit was answered."""

    declaration_id: str
    at: float  # monotonic seconds
    piece: str  # of the WAL


class Recorder:
    """Records in a thread of its own."""

    def __init__(self, registry: Registry, size: Size, signer: SigningKey, *, look: Look) -> None:
        self._registry, self._size, self._signer, self._look = registry, size, signer, look
        self._rules = load_rule_book()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.told: list[Told] = []
        self.longest_wait = 0.0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End."""
        self._ended.set()
        self._thread.join(30)

    def _run(self) -> None:
        oldest_waiting = 0
        try:
            for number in itertools.count():
                if self._ended.wait(EVERY):
                    return
                oldest_waiting = self._record_one(number, oldest_waiting)
        except DBAPIError:
            return  # the machine is gone

    def _record_one(self, number: int, oldest_waiting: int) -> int:
        """Record one, and look how far the archive is; returns the oldest that waits for it."""
        statement = self._statement(number)
        with self._registry.writing() as connection:
            recorded = record(
                connection,
                [statement],
                vault=self._registry.vault,
                rules=self._rules,
                signer=self._signer,
                now=statement.received_at,
                random_bytes=random_bytes,
            )
        at = time.monotonic()
        archived, piece = self._look()
        self.told.append(Told(declaration_id=recorded[0].declaration_id, at=at, piece=piece))
        while oldest_waiting < len(self.told) and self.told[oldest_waiting].piece <= (archived or ""):
            oldest_waiting += 1
        if oldest_waiting < len(self.told):
            self.longest_wait = max(self.longest_wait, time.monotonic() - self.told[oldest_waiting].at)
        return oldest_waiting

    def _statement(self, number: int) -> Statement:
        now = SystemClock().now()
        resident = number * 7919 % self._size.persons
        declaration = StayDeclaration(
            declaration_id=uuid7_text(now, random_bytes(10)),
            declared_at=rfc3339(now),
            person=person_of((resident + self._size.persons // 2) % self._size.persons),
            evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr"),
            declarant=Declarant(role="self"),
            premises_id=self._size.premises_of(resident),
            arrival=rfc3339(now),
            reason=Reason.VISIT,
        )
        body = msgspec.json.encode(declaration)
        digest = hashlib.sha256(body).hexdigest()
        return Statement(
            schema=STAY_DECLARATION, message=declaration, body=body, body_digest=digest, received_at=now, origin="web"
        )
