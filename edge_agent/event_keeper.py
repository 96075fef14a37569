"""What a kiosk writes down of itself, with a door or without: its start, how its readers are, whether it hears cards, what its clock is worth.

- A reader lost, back, not as it was set, swamped, or met by a setup code is an event the moment it is said, before the screen is told.
- A reader that goes to and fro (a loose plug, somebody at it) is written down ``OFTEN`` times within ``SPAN_NS``, then once a minute, and how
  often it changed besides stands at the end ("lost serial:gm65 reader.device_lost +37"). The disk lasts, and how it is now is always told.
- ``UNREAD`` visits in a row that asked for a card in vain are an event, and so is the reading that ends the row.
- When the clock is worth something else than before, that is an event: by a confirmed moment the authority dates what came before it in the
  same start, events and declarations. What it is worth when the kiosk starts is what is, and stands in the first event anyway.

Example: ``keeper = EventKeeper(book, door="lobby", look=look); readers = keeper.at(readers); keeper.start()``
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

from edge_agent.event_book import EventBook
from edge_agent.readers.port import Deliver, Reader, ReaderHealth, Report
from residence.clock import TimeState
from residence.doors.words import DoorFact

OFTEN: Final = 30
SPAN_NS: Final = 600_000_000_000
RARELY_NS: Final = 60_000_000_000
UNREAD: Final = 5
LOOK_SECONDS: Final = 1.0
_log = structlog.get_logger("kiosk.events")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to be seen now. ``unread``: visits in a row that asked for a card in vain."""

    monotonic_ns: int
    time_state: TimeState
    unread: int = 0


class _Course(msgspec.Struct, kw_only=True):
    """How one reader went: when it was written down last, and what was not."""

    written_ns: tuple[int, ...] = ()
    held: str = ""
    passed_over: int = 0


class EventKeeper:
    """Writes down what no door does. Readers report from their own threads; the rest is looked at once a second."""

    def __init__(self, book: EventBook, *, look: Callable[[], Look], door: str = "", version: str = "") -> None:
        self._book = book
        self._look = look
        self._door = door
        self._version = version
        self._lock = threading.Lock()
        self._courses: dict[str, _Course] = {}
        self._time_state = ""
        self._unread = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def at(self, readers: Sequence[Reader]) -> tuple[Reader, ...]:
        """Return the readers with somebody who writes down how they are."""
        return tuple(_Noted(each, self.hear) for each in readers)

    def start(self) -> None:
        """Write down that the kiosk has started, and begin to look."""
        self._write(DoorFact.AGENT_STARTED, self._version)
        self.turn()
        self._thread = threading.Thread(target=self._work, name="events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End looking, and write down what was held back."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2)
        self._write_held(self._look().monotonic_ns, after_ns=0)

    def hear(self, health: ReaderHealth) -> None:
        """Write down how a reader is, or hold it back where it changes without end. A reader's thread is ended by no disk."""
        try:
            self._hear(health)
        except Exception:  # noqa: BLE001 - as the thread below
            _log.exception("events failed")

    def _hear(self, health: ReaderHealth) -> None:
        detail, now = f"{health.state} {health.reader} {health.code}".strip(), self._look().monotonic_ns
        with self._lock:
            course = self._courses.setdefault(health.reader, _Course())
            if course.held or _is_often(course, now):
                course.passed_over += bool(course.held)
                course.held = detail
            else:
                self._note(course, detail, now)

    def turn(self) -> None:
        """Look once: the clock, whether cards are heard, and what was held back."""
        seen = self._look()
        if seen.time_state != self._time_state:
            first, self._time_state = not self._time_state, seen.time_state
            if not first:
                self._write(DoorFact.CLOCK, seen.time_state)
        unread = seen.unread >= UNREAD
        if unread is not self._unread:
            self._unread = unread
            self._write(DoorFact.READER, f"unread {seen.unread}" if unread else "read again")
        self._write_held(seen.monotonic_ns, after_ns=RARELY_NS)

    def _write_held(self, now_ns: int, *, after_ns: int) -> None:
        with self._lock:
            for course in self._courses.values():
                if course.held and now_ns - course.written_ns[-1] >= after_ns:
                    besides = f" +{course.passed_over}" if course.passed_over else ""
                    self._note(course, course.held + besides, now_ns)

    def _note(self, course: _Course, detail: str, now_ns: int) -> None:
        course.written_ns = (*course.written_ns, now_ns)[-OFTEN:]
        course.held, course.passed_over = "", 0
        self._write(DoorFact.READER, detail)

    def _write(self, what: DoorFact, detail: str) -> None:
        self._book.append(door=self._door, what=what, detail=detail)

    def _work(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.turn()
            except Exception:  # noqa: BLE001 - the thread is an edge of this process; a failing disk must not end it
                _log.exception("events failed")


def _is_often(course: _Course, now_ns: int) -> bool:
    return len(course.written_ns) == OFTEN and now_ns - course.written_ns[0] < SPAN_NS


class _Noted:
    """A reader whose health is written down. What it reads is nobody's business here."""

    def __init__(self, reader: Reader, hear: Report) -> None:
        self._reader = reader
        self._hear = hear

    @property
    def name(self) -> str:
        return self._reader.name

    def start(self, deliver: Deliver, report: Report) -> None:
        def note(health: ReaderHealth) -> None:
            self._hear(health)
            report(health)

        self._reader.start(deliver, note)

    def stop(self) -> None:
        self._reader.stop()
