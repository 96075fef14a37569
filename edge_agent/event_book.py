"""What happened at a kiosk's readers and doors, durable beside the outbox, in order, until the authority has said that it is kept.

- One book a kiosk, with a door or without. One row an event, committed before ``append`` returns, under the same rules as a declaration: WAL,
  synchronous=FULL, a power cut loses nothing that was appended. The number is taken in the transaction that stores the row, so it has no gaps.
- Every row has both clocks and how far the wall clock was believed; the order is the number's alone. ``door`` is empty where a reader stands
  at no door.
- Events may use the reserve that declarations leave alone. When not even that is left, the door goes on, and how many were lost is the
  first thing written when there is room again: a gap is never silent.
- What anybody can make without end (codes that open nothing, a plug that is shaken, the exit button, a door swung to and fro) stops at
  ``MOST_CHATTER`` that wait, counted as lost: it may take the room neither of declarations nor of what a door grants or raises an alarm for.
- ``who`` is a pseudonym of a day: HMAC under a key that is drawn anew each day and lives in memory only. The list's hash is never stored.
- Rows go only when the authority says so; never for age, never for younger ones.

Example: ``book.append(door="lobby", what=AccessEvent.GRANTED, who=book.pseudonym(credential))``
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

import structlog

from edge_agent.outbox import Outbox
from edge_agent.store import Cursor, Store, remember
from residence.clock import VIETNAM, parse_instant
from residence.doors.words import AccessEvent, DoorFact
from residence.errors import Refused
from residence.wire.door_events import LONGEST, DoorEvent
from residence.wire.times import Times

PSEUDONYM_BYTES: Final = 8
MOST_CHATTER: Final = 400_000  # four times what is promised; some 96 of the 256 MiB
_CHATTER: Final = frozenset(
    {
        DoorFact.READER,
        DoorFact.REQUEST_TO_EXIT,
        DoorFact.STATUS,
        DoorFact.LOCK,
        AccessEvent.VERIFICATION_REQUIRED,
        *(each for each in AccessEvent if each.startswith("denied")),
    }
)
_COLUMNS: Final = "sequence, boot_id, monotonic_ns, wall, time_state, door, what, detail, who"
_log = structlog.get_logger("kiosk.events")


class EventBook:
    """One kiosk's events. Safe to call from several threads."""

    def __init__(self, outbox: Outbox, *, random_bytes: Callable[[int], bytes]) -> None:
        self._store = outbox.store
        self._times = outbox.times
        self._floor = outbox.clock_floor
        self._answered = outbox.answered
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
                if what in _CHATTER and self._waiting_numbers() >= MOST_CHATTER:
                    raise Refused("outbox.disk_full", "", "too many of its kind wait")  # noqa: TRY301 - lost like any other
                with self._store.transaction() as cursor:
                    if self._lost:
                        _insert(cursor, self._store, times, (door, DoorFact.EVENTS_LOST, str(self._lost), ""))
                    sequence = _insert(cursor, self._store, times, (door, what, detail[:LONGEST], who))
                    self._floor.said(cursor, times, event=sequence)
            except Refused as error:
                self._lost += 1
                if self._lost.bit_count() == 1:  # each power of two: a flood floods no log
                    _log.error("event lost", code=error.code, lost=self._lost)
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

    def _waiting_numbers(self) -> int:
        """Return how many wait, from the first number and the last: to count a hundred thousand rows would take longer than to write one."""
        first = self._store.read("SELECT min(sequence) FROM door_events")[0][0]
        return 0 if first is None else int(self._store.fact("door_sequence") or 0) - int(first) + 1

    def depth(self) -> int:
        """Return how many events wait."""
        return int(self._store.read("SELECT count(*) FROM door_events")[0][0])

    def kept(self, up_to: int, *, at: datetime) -> None:
        """Let go of what the authority has. ``at``: when it signed that."""

        def forget(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM door_events WHERE sequence <= ?", (up_to,))

        self._store.write_from_reserve(forget)
        self._answered(at, event=up_to)


def _insert(cursor: Cursor, store: Store, times: Times, about: tuple[str, str, str, str]) -> int:
    sequence = int(store.fact("door_sequence") or 0) + 1
    clocks = (times.boot_id, times.monotonic_ns, times.wall, times.time_state)
    cursor.execute(f"INSERT INTO door_events({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", (sequence, *clocks, *about))
    remember(cursor, "door_sequence", str(sequence))
    return sequence


def _event(row: Any) -> DoorEvent:
    return DoorEvent(*row)
