"""What one door is: its lock, its wires, its times, and whom it lets in when. Part of a kiosk's profile (docs/doors.md).

- A pin is a BCM number on the kiosk's header; a wire that is not there is left out, and its state is then unknown or not asked for.
- Wires that warn (contact, tamper, fire) are loops that are closed while all is well, so a cut wire warns, too.
- Times have the bounds of EN 60839-11-1 where an open text names them: a release of 3 s at least, an open time of 10 s at least.
- Several ``[[schedules]]`` of one name add up. Days on the list of holidays count as holidays, whatever weekday they are.

Example: ``DoorSection(name="lobby", output_pin=17, contact_pin=27).unlock_seconds``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from residence.errors import Malformed

Lock = Literal["fail-secure", "fail-safe"]
Level = Literal["high", "low"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
Pin = Annotated[int, msgspec.Meta(ge=0, le=63)]
DoorName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Date = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class ScheduleSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time of day on some days, in Vietnam's time."""

    name: DoorName
    days: Annotated[tuple[Day, ...], msgspec.Meta(min_length=1)]
    begin: Clock = "00:00"
    end: Clock = "24:00"


class DoorSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One door with its lock and its readers."""

    name: DoorName  # as the authority's list names it
    lock: Lock = "fail-secure"  # fail-secure: without power locked (a strike); fail-safe: without power open (a magnet)
    pins: Literal["gpio", "pretend"] = "gpio"  # pretend: no wires, for a demonstration
    output_pin: Pin
    output_active: Level = "high"  # the level that switches the relay on
    contact_pin: Pin | None = None
    contact_open: Level = "high"
    exit_pin: Pin | None = None
    exit_pressed: Level = "low"
    exit_unlocks: bool = True  # False: the handle opens by itself, the button only says that it is used
    tamper_pin: Pin | None = None
    tamper_alarm: Level = "high"
    fire_pin: Pin | None = None
    fire_alarm: Level = "high"
    unlock_seconds: Annotated[int, msgspec.Meta(ge=3, le=60)] = 5
    extended_seconds: Annotated[int, msgspec.Meta(ge=3, le=180)] = 15
    held_seconds: Annotated[int, msgspec.Meta(ge=10, le=3600)] = 30
    schedule: str = ""  # when passes open; empty: always
    free_schedule: str = ""  # when the door is unlocked for everybody; empty: never
    first_card: bool = False  # free only from the first pass of the day on
    two_person: bool = False
    two_person_seconds: Annotated[int, msgspec.Meta(ge=5, le=120)] = 20
    passback: Literal["off", "soft", "hard"] = "off"
    forgive_minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080)] = 240
    exit_readers: tuple[str, ...] = ()  # readers on the inside; all others are on the outside
    attempts: Annotated[int, msgspec.Meta(ge=1, le=50)] = 5  # unknown or wrong, within a minute
    lockout_seconds: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 60
    least: Literal["card-number", "token", "token-and-pin"] = "token"  # what is enough, the weakest first (ADR 70)
    list_grace_hours: Annotated[int, msgspec.Meta(ge=0, le=720)] = 72  # how long an expired list still counts


def check_doors(doors: Sequence[DoorSection], schedules: Sequence[ScheduleSection]) -> None:
    """Refuse doors that cannot work as they are set: ``Malformed("profile.invalid_setting")``."""
    known = {each.name for each in schedules} | {""}
    if len({each.name for each in doors}) != len(doors):
        raise Malformed("profile.invalid_setting", "/doors", "two doors of one name")
    for place, door in enumerate(doors):
        pointer = f"/doors/{place}"
        for setting in ("schedule", "free_schedule"):
            if getattr(door, setting) not in known:
                raise Malformed("profile.invalid_setting", f"{pointer}/{setting}", "there is no such schedule")
        if door.passback != "off" and not door.exit_readers:
            raise Malformed("profile.invalid_setting", f"{pointer}/passback", "needs a reader on the inside")
        wires = [door.output_pin, door.contact_pin, door.exit_pin, door.tamper_pin, door.fire_pin]
        used = [each for each in wires if each is not None]
        if len(set(used)) != len(used):
            raise Malformed("profile.invalid_setting", f"{pointer}/output_pin", "one pin for two wires")
    for place, schedule in enumerate(schedules):
        if schedule.begin >= schedule.end:
            raise Malformed("profile.invalid_setting", f"/schedules/{place}/end", "not after its beginning")
