"""What comes to a door's keeper from a person, and what a page may show of the door.

- ``reader`` goes with everything, so that the answer is shown where the person stands.

Example: ``keeper.turn(Carded(card=card_number("wiegand", 26, data), reader="outside"))``
"""

from __future__ import annotations

import msgspec

from residence.doors.cards import CardNumber
from residence.doors.words import DoorAlarm, DoorMode, DoorStatus, LockStatus


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader of codes read."""

    payload: bytes
    reader: str


class Carded(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader of cards read."""

    card: CardNumber
    reader: str


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """A PIN somebody typed."""

    pin: str


class DoorView(msgspec.Struct, frozen=True, kw_only=True):
    """A door as a page may show it. ``said`` is empty again after a few seconds; ``challenge`` is 0 while the clock is confirmed."""

    name: str
    status: DoorStatus
    lock: LockStatus
    alarm: DoorAlarm
    mode: DoorMode
    said: str = ""
    challenge: int = 0
    wants_pin: bool = False
