"""The contactless reader as the kiosk uses it: wait for one card, read its chip, judge it, tell the dialogue; on a thread of its own.

- Nothing half-read leaves this module: what breaks is told as a code, and the card must be laid down anew.
- The next reading begins only once the card has left the reader: what failed once would fail again until it is laid down otherwise.
- A typed number is tried alone and once. Refusals of typed numbers are counted for the whole kiosk, not by card or person: after ``MOST_REFUSED`` within an
  hour no card is asked with one, so that nobody can use up a card's tries by beginning visit after visit. What a person without a card typed about
  themselves is typed, too: whoever types twelve digits has chosen the six a chip is asked with.
- A refusal stays a refusal when the card is pulled away after it.
- Secrets are made of the reading that is asked for, live in the request and go with it.

Example: ``ChipStation(place, kiosk_id="kiosk-1", means=means).begin(own_id, reading, tell)``
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from edge_agent.chip.apdu import Card
from edge_agent.chip.drawing import Draw
from edge_agent.chip.files import Link, LinkMemory
from edge_agent.chip.one_at_a_time import STOPPED, OneAtATime, Request, still_wanted
from edge_agent.chip.session import ChipReader, Opening
from edge_agent.chip.taken import was_called_wrong
from edge_agent.kiosk.chip_states import NO_MORE_NUMBERS, NOT_OPENED, ChipPhase
from edge_agent.kiosk.news import ChipProgressed, ChipTaken
from residence.clock import VIETNAM, Clock
from residence.credentials.chip.access_keys import has_details, keys_of
from residence.credentials.chip.capture import Capture
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claiming import claim
from residence.credentials.chip.naming import reading_of
from residence.credentials.chip.trust_store import TrustStore
from residence.errors import LuutruError, Refused

LOOK_SECONDS: Final = 0.3  # how soon a reading that is given up is noticed while no card lies there
MOST_REFUSED: Final = 9  # three visits' worth
COUNTED_NS: Final = 3600 * 10**9
_MAY_BE_GONE: Final = frozenset(
    {"chip.sm_broken", "chip.sm_padding", "chip.channel_closed", "chip.apdu", "chip.refused", NOT_OPENED}
)
_TYPED: Final = frozenset({"typed", "spoken"})
_PHASES: Final[dict[str, ChipPhase]] = {"opening": "opening", "reading": "reading", "authenticating": "authenticating"}


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


def _is_typed(request: Request) -> bool:
    """Tell whether somebody typed what the card is asked with."""
    return bool(request.can) or (request.reading is not None and request.reading.evidence.source in _TYPED)


class ChipStation(OneAtATime):
    """One reader. ``open_place`` is asked for each reading, so that a reader that is plugged in later is found."""

    def __init__(self, open_place: Callable[[], CardPlace], *, kiosk_id: str, means: Means) -> None:
        super().__init__()
        self._open_place = open_place
        self._kiosk_id = kiosk_id
        self._means = means
        self._links = LinkMemory(means.link)
        self._refused: deque[int] = deque(maxlen=MOST_REFUSED)  # when typed numbers did not open a card
        self._must_leave = False  # a card that was read, or failed, has to leave first

    def read(self, request: Request) -> ChipTaken:
        """Read the card that is laid down next."""
        if _is_typed(request) and self._has_refused_often():
            raise Refused(NO_MORE_NUMBERS)
        place = self._open_place()
        try:
            self._wait(place, request)
            still_wanted(request)
            self._must_leave = True
            capture = self._take(place, request)
        except LuutruError as error:
            if _is_typed(request) and error.code == NOT_OPENED:
                self._refused.append(self._means.clock.monotonic_ns())
            if error.code == STOPPED:
                self._must_leave = False  # nothing is wrong with the card that lies there
            # What a hand pulls away may look broken in many ways; the person is told the one that helps.
            if error.code in _MAY_BE_GONE and not was_called_wrong(error) and place.wait(LOOK_SECONDS, present=False):
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

    def _take(self, place: CardPlace, request: Request) -> Capture:
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

    def _wait(self, place: CardPlace, request: Request) -> None:
        while self._must_leave:
            still_wanted(request)
            self._must_leave = not place.wait(LOOK_SECONDS, present=False)
        while True:
            still_wanted(request)
            if place.wait(LOOK_SECONDS, present=True):
                return

    def _progress(self, request: Request, phase: str) -> None:
        still_wanted(request)
        if phase in _PHASES:
            request.tell(ChipProgressed(own_id=request.own_id, phase=_PHASES[phase]))

    def _has_refused_often(self) -> bool:
        full = len(self._refused) == MOST_REFUSED
        return full and self._means.clock.monotonic_ns() - self._refused[0] < COUNTED_NS

    def _opening(self, request: Request) -> Opening:
        person = request.reading.person if request.reading else None
        details = person is None or has_details(person)  # a code that can be worn is on Vietnamese cards
        if request.can or person is None:  # what was shown was tried before
            return Opening(can=request.can, allow_bac=False, details=details)
        keys = keys_of(person)
        return Opening(can=keys.can, mrz_keys=keys.mrz_keys, allow_bac=self._means.allow_bac, details=details)
