"""What happened at the doors, durable beside the outbox, in order, until the authority has said that it is kept.

- One row an event, committed before ``append`` returns, under the same rules as a declaration: WAL, synchronous=FULL, a power cut loses
  nothing that was appended. The number is taken in the transaction that stores the row, so it has no gaps.
- Every row has both clocks and how far the wall clock was believed; the order is the number's alone.
- Events may use the reserve that declarations leave alone. When not even that is left, the door goes on, and how many were lost is the
  first thing written when there is room again: a gap is never silent.
- ``who`` is a pseudonym of a day: HMAC under a key that is drawn anew each day and lives in memory only. The list's hash is never stored.
- Rows go only when the authority says so; never for age, never for younger ones.

Example: ``log.append(door="lobby", what=AccessEvent.GRANTED, who=log.pseudonym(credential))``
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from datetime import date
from typing import Any, Final

import structlog

from edge_agent.store import Cursor, Store, remember
from residence.clock import VIETNAM, parse_instant
from residence.doors.words import DoorFact
from residence.errors import Refused
from residence.wire.door_events import LONGEST, DoorEvent
from residence.wire.times import Times

PSEUDONYM_BYTES: Final = 8
_COLUMNS: Final = "sequence, boot_id, monotonic_ns, wall, time_state, door, what, detail, who"
_log = structlog.get_logger("kiosk.door")


class DoorEventLog:
    """One kiosk's door events. Safe to call from several threads."""

    def __init__(self, store: Store, *, times: Callable[[], Times], random_bytes: Callable[[int], bytes]) -> None:
        self._store = store
        self._times = times
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self._lost = 0
        self._day: date | None = None
        self._key = b""

    def append(self, *, door: str, what: str, detail: str = "", who: str = "") -> bool:
        """Commit one event; False when there is no room for it, which is then counted."""
        with self._lock:
            times = self._times()
            try:
                if self._store.read_only:  # a number given out in memory would be given out again after the next start
                    raise Refused("outbox.disk_full")  # noqa: TRY301 - lost like any other
                with self._store.transaction() as cursor:
                    if self._lost:
                        _insert(cursor, self._store, times, (door, DoorFact.EVENTS_LOST, str(self._lost), ""))
                    _insert(cursor, self._store, times, (door, what, detail[:LONGEST], who))
            except Refused as error:
                self._lost += 1
                _log.error("door event lost", code=error.code, lost=self._lost)
                return False
            self._lost = 0
            return True

    def pseudonym(self, credential: bytes) -> str:
        """Return today's name for a credential; empty for none."""
        if not credential:
            return ""
        with self._lock:
            today = parse_instant(self._times().wall).astimezone(VIETNAM).date()
            if today != self._day:
                self._day, self._key = today, self._random_bytes(32)
            return hmac.digest(self._key, credential, "sha256")[:PSEUDONYM_BYTES].hex()

    def waiting(self, limit: int, *, after: int = 0) -> list[DoorEvent]:
        """Return events that are not known to be kept, oldest first."""
        query = f"SELECT {_COLUMNS} FROM door_events WHERE sequence > ? ORDER BY sequence LIMIT ?"  # noqa: S608 - a constant
        return [_event(row) for row in self._store.read(query, (after, limit))]

    def depth(self) -> int:
        """Return how many events wait."""
        return int(self._store.read("SELECT count(*) FROM door_events")[0][0])

    def kept(self, up_to: int) -> None:
        """Let go of what the authority has."""

        def forget(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM door_events WHERE sequence <= ?", (up_to,))

        self._store.write_from_reserve(forget)


def _insert(cursor: Cursor, store: Store, times: Times, about: tuple[str, str, str, str]) -> None:
    sequence = int(store.fact("door_sequence") or 0) + 1
    clocks = (times.boot_id, times.monotonic_ns, times.wall, times.time_state)
    cursor.execute(f"INSERT INTO door_events({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", (sequence, *clocks, *about))
    remember(cursor, "door_sequence", str(sequence))


def _event(row: Any) -> DoorEvent:
    return DoorEvent(*row)
