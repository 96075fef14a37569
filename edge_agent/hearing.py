"""Whether a kiosk still hears cards: a scanner behind a sticker, or a camera that looks at the wall, says of itself that it is well.

- Every reading of anything counts as heard, also of what is no card.
- A visit in which a card was asked for and nothing was read counts against the readers, whatever came of it: whoever typed everything may
  have tried a card first. Counted in a row; one reading ends the row. One such visit means nothing, many mean that somebody should look.
- It knows the screens' kinds and that something was read, never what.

Example: ``agent = KioskAgent(readers=hearing.at(readers), ...); agent.watch(hearing.watch)``
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from edge_agent.kiosk.states import Gathering, ShowCard
from edge_agent.kiosk.view import View
from edge_agent.readers.port import Capture, Deliver, Reader, Report


class Hearing:
    """What one kiosk heard last. Safe to call from several threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._unread = 0
        self._visit = 0
        self._asked = self._heard = False

    def at(self, readers: Sequence[Reader]) -> tuple[Reader, ...]:
        """Return the readers with an ear at each."""
        return tuple(_Heard(each, self.heard) for each in readers)

    def heard(self) -> None:
        """Note that something was read."""
        with self._lock:
            self._read_at, self._unread, self._heard = self._now(), 0, True

    def watch(self, view: View) -> None:
        """Look at a change of the screen."""
        with self._lock:
            if view.visit != self._visit:
                if self._asked and not self._heard:
                    self._unread += 1
                self._visit, self._asked, self._heard = view.visit, False, False
            self._asked = self._asked or isinstance(view.state.screen, (ShowCard, Gathering))

    @property
    def read_at(self) -> datetime | None:
        """Return when something was read last, since this start."""
        return self._read_at

    @property
    def unread(self) -> int:
        """Return how many visits in a row asked for a card in vain."""
        return self._unread


class _Heard:
    """A reader with an ear at it."""

    def __init__(self, reader: Reader, heard: Callable[[], None]) -> None:
        self._reader = reader
        self._heard = heard

    @property
    def name(self) -> str:
        return self._reader.name

    def start(self, deliver: Deliver, report: Report) -> None:
        def hand_on(capture: Capture) -> None:
            self._heard()
            deliver(capture)

        self._reader.start(hand_on, report)

    def stop(self) -> None:
        self._reader.stop()
