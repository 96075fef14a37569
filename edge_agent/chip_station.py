"""The contactless reader as the kiosk uses it: wait for one card, read its chip, judge it, tell the dialogue; on a thread of its own.

- One reading at a time. A new request, or ``stop``, gives up the one before: at the next phase it ends, and nothing of it is told.
- Nothing half-read leaves this module: what breaks is told as a code, and the card must be laid down anew.
- The next reading begins only once the card has left the reader: what failed once would fail again until it is laid down otherwise.
- Whatever a device or a card does ends as a ``ChipFailed``; the thread raises nothing, and logs codes and never what was read.
- A typed number is tried alone and once. Refusals of typed numbers are counted for the whole kiosk, not by card or person: after ``MOST_REFUSED`` within an
  hour no card is asked with one, so that nobody can use up a card's tries by beginning visit after visit.
- Secrets are made of the reading that is asked for, live in the request and go with it.

Example: ``ChipStation(place, kiosk_id="kiosk-1", means=means).begin(own_id, reading, tell)``
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import structlog

from edge_agent.chip.apdu import Card
from edge_agent.chip.drawing import Draw
from edge_agent.chip.files import Link, LinkMemory
from edge_agent.chip.session import ChipReader, Opening
from edge_agent.kiosk.chip_states import NO_MORE_NUMBERS, NOT_OPENED, ChipPhase
from edge_agent.kiosk.events import Event
from edge_agent.kiosk.news import ChipFailed, ChipProgressed, ChipTaken
from residence.clock import VIETNAM, Clock
from residence.credentials.chip.access_keys import has_details, keys_of
from residence.credentials.chip.capture import Capture
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claiming import claim
from residence.credentials.chip.naming import reading_of
from residence.credentials.chip.trust_store import TrustStore
from residence.credentials.evidence import Reading
from residence.errors import LuutruError, Refused

LOOK_SECONDS: Final = 0.3  # how soon a reading that is given up is noticed while no card lies there
MOST_REFUSED: Final = 9  # three visits' worth
COUNTED_NS: Final = 3600 * 10**9
_STOPPED: Final = "chip.stopped"
_MAY_BE_GONE: Final = frozenset(
    {"chip.sm_broken", "chip.sm_padding", "chip.channel_closed", "chip.apdu", "chip.refused", NOT_OPENED}
)
_PHASES: Final[dict[str, ChipPhase]] = {"opening": "opening", "reading": "reading", "authenticating": "authenticating"}
log = structlog.get_logger("kiosk.chip")


class ResettableCard(Card, Protocol):
    """A card that can be powered off and on. ``about``: what cards of its kind say of themselves."""

    @property
    def about(self) -> bytes:
        """Return the answer to reset, or what stands for it."""
        ...

    def reset(self) -> None:
        """Begin anew with it."""
        ...


class CardPlace(Protocol):
    """Where cards are laid (``edge_agent/readers/pcsc.py``, ``pn532.py``). All calls come from one thread."""

    def wait(self, seconds: float, *, present: bool) -> bool:
        """Wait until a card lies there, or none does; ``Refused("chip.no_reader")`` when there is no reader."""
        ...

    def card(self) -> AbstractContextManager[ResettableCard]:
        """Return the card that lies there."""
        ...

    def close(self) -> None:
        """Give the reader back."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What readings are made with."""

    clock: Clock
    draw: Draw
    trust: Callable[[datetime], TrustStore]
    allow_bac: bool = True
    link: Callable[[], Link] = Link  # what the reader is known to pass; what it was found to pass is remembered by kind of card


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    own_id: str
    reading: Reading | None = field(repr=False)  # None: whomever the chip names
    tell: Callable[[Event], None]
    given_up: threading.Event
    can: str = field(default="", repr=False)  # typed


class ChipStation:
    """One reader. ``open_place`` is asked for each reading, so that a reader that is plugged in later is found."""

    def __init__(self, open_place: Callable[[], CardPlace], *, kiosk_id: str, means: Means) -> None:
        self._open_place = open_place
        self._kiosk_id = kiosk_id
        self._means = means
        self._links = LinkMemory(means.link)
        self._request: _Request | None = None
        self._thread: threading.Thread | None = None
        self._refused: deque[int] = deque(maxlen=MOST_REFUSED)  # when typed numbers did not open a card
        self._must_leave = False  # a card that was read, or failed, has to leave first

    def begin(self, own_id: str, reading: Reading | None, tell: Callable[[Event], None], *, can: str = "") -> None:
        """Wait for a card and read it for this declaration; ``can`` was typed to open it."""
        before = self._thread
        self.stop()
        request = _Request(own_id=own_id, reading=reading, tell=tell, given_up=threading.Event(), can=can)
        self._request = request
        self._thread = threading.Thread(target=self._work, args=(request, before), name="kiosk-chip", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up the reading in hand; it ends by itself at its next phase."""
        if self._request is not None:
            self._request.given_up.set()
            self._request = None

    def _work(self, request: _Request, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        try:
            told: Event = self._read(request)
        except LuutruError as error:
            if error.code == _STOPPED:
                self._must_leave = False  # nothing is wrong with the card that lies there
            log.info("chip not read", code=error.code)
            told = ChipFailed(own_id=request.own_id, code=error.code)
        except Exception as error:  # noqa: BLE001 - a device or a card may do anything; the person goes on without
            log.error("chip failed", error=type(error).__name__)  # noqa: TRY400 - its frames would hold what was read
            told = ChipFailed(own_id=request.own_id, code="chip.channel_closed")
        if not request.given_up.is_set():
            request.tell(told)

    def _read(self, request: _Request) -> ChipTaken:
        if request.can and self._has_refused_often():
            raise Refused(NO_MORE_NUMBERS)
        place = self._open_place()
        try:
            self._wait(place, request)
            _still_wanted(request)
            self._must_leave = True
            capture = self._take(place, request)
        except LuutruError as error:
            if request.can and error.code == NOT_OPENED:
                self._refused.append(self._means.clock.monotonic_ns())
            # What a hand pulls away may look broken in many ways; the person is told the one that helps.
            if error.code in _MAY_BE_GONE and place.wait(LOOK_SECONDS, present=False):
                raise Refused("chip.card_gone", "", error.code) from None
            raise
        finally:
            place.close()
        now = self._means.clock.now()
        bound_to = binding(self._kiosk_id, request.own_id)
        reading = request.reading or reading_of(capture, today=now.astimezone(VIETNAM).date())
        claimed = claim(reading, capture, self._means.trust(now), now=now, bound_to=bound_to)
        named = reading if request.reading is None else None
        return ChipTaken(own_id=request.own_id, evidence=claimed.evidence, reading=named)

    def _take(self, place: CardPlace, request: _Request) -> Capture:
        with place.card() as card:
            reader = ChipReader(
                card,
                draw=self._means.draw,
                clock=self._means.clock,
                link=self._links.link(card.about),
                report=lambda phase: self._progress(request, phase),
                reset=card.reset,
            )
            return reader.read(self._opening(request), bound_to=binding(self._kiosk_id, request.own_id))

    def _wait(self, place: CardPlace, request: _Request) -> None:
        while self._must_leave:
            _still_wanted(request)
            self._must_leave = not place.wait(LOOK_SECONDS, present=False)
        while True:
            _still_wanted(request)
            if place.wait(LOOK_SECONDS, present=True):
                return

    def _progress(self, request: _Request, phase: str) -> None:
        _still_wanted(request)
        if phase in _PHASES:
            request.tell(ChipProgressed(own_id=request.own_id, phase=_PHASES[phase]))

    def _has_refused_often(self) -> bool:
        full = len(self._refused) == MOST_REFUSED
        return full and self._means.clock.monotonic_ns() - self._refused[0] < COUNTED_NS

    def _opening(self, request: _Request) -> Opening:
        person = request.reading.person if request.reading else None
        details = person is None or has_details(person)  # a code that can be worn is on Vietnamese cards
        if request.can or person is None:  # what was shown was tried before
            return Opening(can=request.can, allow_bac=False, details=details)
        keys = keys_of(person)
        return Opening(can=keys.can, mrz_keys=keys.mrz_keys, allow_bac=self._means.allow_bac, details=details)


def _still_wanted(request: _Request) -> None:
    if request.given_up.is_set():
        raise Refused(_STOPPED)
