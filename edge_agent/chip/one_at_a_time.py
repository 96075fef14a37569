"""One reading of a chip at a time, on a thread of its own: what every kind of chip reader of a kiosk has in common.

- A new request, or ``stop``, gives up the one before: at its next look it ends, and nothing of it is told.
- Whatever a device or a card does ends as a ``ChipFailed``; the thread raises nothing, and logs codes and never what was read.

Example: ``class Station(OneAtATime)`` with ``read(request)``, which returns ``ChipTaken`` or raises one of our errors.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from edge_agent.kiosk.events import Event
from edge_agent.kiosk.news import ChipFailed, ChipTaken
from residence.credentials.evidence import Reading
from residence.errors import LuutruError, Refused

STOPPED: Final = "chip.stopped"
log = structlog.get_logger("kiosk.chip")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One reading that is asked for."""

    own_id: str
    reading: Reading | None = field(repr=False)  # None: whomever the chip names
    tell: Callable[[Event], None]
    given_up: threading.Event
    can: str = field(default="", repr=False)  # typed


class OneAtATime(ABC):
    """The thread around a reading. ``begin`` and ``stop`` may be called from any one thread."""

    def __init__(self) -> None:
        self._request: Request | None = None
        self._thread: threading.Thread | None = None

    def begin(self, own_id: str, reading: Reading | None, tell: Callable[[Event], None], *, can: str = "") -> None:
        """Wait for a card and read it for this declaration; ``can`` was typed to open it."""
        before = self._thread
        self.stop()
        request = Request(own_id=own_id, reading=reading, tell=tell, given_up=threading.Event(), can=can)
        self._request = request
        self._thread = threading.Thread(target=self._work, args=(request, before), name="kiosk-chip", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up the reading in hand; it ends by itself at its next look."""
        if self._request is not None:
            self._request.given_up.set()
            self._request = None

    @abstractmethod
    def read(self, request: Request) -> ChipTaken:
        """Read the card that is laid down next, or raise why not."""

    def _work(self, request: Request, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        try:
            told: Event = self.read(request)
        except LuutruError as error:
            log.info("chip not read", code=error.code)
            told = ChipFailed(own_id=request.own_id, code=error.code)
        except Exception as error:  # noqa: BLE001 - a device or a card may do anything; the person goes on without
            log.error("chip failed", error=type(error).__name__)  # noqa: TRY400 - its frames would hold what was read
            told = ChipFailed(own_id=request.own_id, code="chip.channel_closed")
        if not request.given_up.is_set():
            request.tell(told)


def still_wanted(request: Request) -> None:
    """Raise ``Refused("chip.stopped")`` once the reading is given up."""
    if request.given_up.is_set():
        raise Refused(STOPPED)
