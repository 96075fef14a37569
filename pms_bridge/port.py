"""What every property-management system is to the bridge: two questions, and a booking as it stands now.

- ``in_house`` says which reservations are checked in, and when each was last changed, and nothing of anybody; ``read`` says the rest, of those
  that are new, changed or gone. So people's fields are fetched when there is something to say, and nothing is lost when nobody listened:
  what stands is asked, not what happened.
- An adapter takes what a statement needs and drops the rest: no contact, no price, no note, no picture.

Example: ``for booking in source.read(["R-77"]): booking.standing``
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Final, Literal, Protocol

import msgspec

from residence.clock import VIETNAM, rfc3339
from residence.credentials.chip.countries import TWO_LETTERS
from residence.errors import Refused

Sex = Literal["male", "female"]
Standing = Literal["expected", "in-house", "left", "cancelled", "no-show", "unknown"]
THREE_LETTERS: Final = {two: three for three, two in TWO_LETTERS.items() if three != "D"}
NIGHT: Final = timedelta(hours=30)  # an arrival's day lasts until six in the morning after
CITIZENS_NUMBER: Final = 12


class PmsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document by the system's own word for its kind."""

    kind: str
    number: str
    issuer: str | None = None  # three letters
    expiry: str | None = None


class PmsGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One guest of a booking. ``nationality``: three letters, None when the system does not say."""

    ref: str
    full_name: str
    room: str | None = None
    birth: str | None = None  # YYYY-MM-DD
    sex: Sex | None = None
    nationality: str | None = None
    document: PmsDocument | None = None


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One reservation now. ``arrival``, ``left``: RFC 3339; ``departure``: that or a day; ``people``: how many it is for."""

    reservation: str
    standing: Standing
    changed: str
    arrival: str
    departure: str | None = None
    left: str | None = None
    guests: tuple[PmsGuest, ...] = ()
    people: int | None = None


class Glimpse(msgspec.Struct, frozen=True, kw_only=True):
    """One reservation that is checked in. ``changed``: empty when the system does not say."""

    reservation: str
    changed: str


class PmsSource(Protocol):
    """A property-management system's one property."""

    def in_house(self) -> Sequence[Glimpse]:
        """Return every reservation that is checked in now."""
        ...

    def read(self, reservations: Sequence[str]) -> Iterator[Booking]:
        """Yield these reservations as they stand; one the system does not know has standing ``unknown``."""
        ...


def three_letters(code: object) -> str | None:
    """Return a country of two or three letters as three; None for what is neither.

    >>> three_letters("vn"), three_letters("VNM"), three_letters("?")
    ('VNM', 'VNM', None)
    """
    text = str(code or "").strip().upper()
    return THREE_LETTERS.get(text) or (text if text in TWO_LETTERS else None)


def vietnam_time(instant: datetime) -> str:
    """Return an instant as Vietnam's wall time, so that two of them compare as text."""
    return rfc3339(instant.astimezone(VIETNAM).replace(microsecond=0))


def arrival_on(day: str, *, changed: datetime | None, check_in_hour: int) -> str:
    """Return when somebody arrived of whom a system keeps the day alone: when it was changed, if that was in the day's night; else the hour."""
    try:
        begins = datetime.combine(datetime.fromisoformat(day[:10]).date(), time(), VIETNAM)
    except ValueError as error:
        raise Refused("pms.vendor_answer", detail="a day that is none") from error
    if changed is not None and begins <= changed < begins + NIGHT:
        return vietnam_time(changed)
    return vietnam_time(begins + timedelta(hours=check_in_hour))


def full_name(*parts: object) -> str:
    """Return a name of its parts as Vietnam writes it: family name first."""
    return " ".join(text for part in parts if (text := str(part or "").strip()))


def in_pieces(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield the items in lists of at most ``size``."""
    wanted = list(items)
    for at in range(0, len(wanted), size):
        yield wanted[at : at + size]
