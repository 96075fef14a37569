"""The door of a kiosk, made from its profile: list, relay, wires and keeper put together. It writes into the kiosk's event book.

- A profile without ``[[doors]]`` has none, and nothing of this is started.
- Readers that speak OSDP (``[[door_readers]]``) belong to the door; those of one line share a process.
- It stands on the outbox's store, keyring and clocks: there is one database and one judgement of the time on a kiosk.

Example: ``door = door_of(profile, outbox, book, hear=events.hear); door.keeper.start()``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import structlog

from luutru import system
from residence.clock import parse_instant
from residence.errors import LuutruError, Refused

if TYPE_CHECKING:
    from edge_agent.door.card_readers import CardReaders
    from edge_agent.door.deciding import Moment
    from edge_agent.door.keeper import DoorKeeper
    from edge_agent.door.panel import DoorPanel
    from edge_agent.door.papers import DoorPapers
    from edge_agent.event_book import EventBook
    from edge_agent.osdp.words import Lamp
    from edge_agent.outbox import Outbox
    from edge_agent.readers.port import Reader, Report
    from firmware_config.door_readers import DoorReaderSection
    from firmware_config.doors import DoorSection
    from firmware_config.profiles import KioskProfile

_log = structlog.get_logger("luutru.kiosk")


@dataclass(frozen=True, kw_only=True, slots=True)
class KioskDoor:
    """One door and what serves it."""

    keeper: DoorKeeper
    papers: DoorPapers
    lines: tuple[CardReaders, ...] = ()

    def panel(self) -> DoorPanel:
        """Return the door's own page."""
        from edge_agent.door.panel import DoorPanel

        return DoorPanel(self.keeper, random_bytes=system.random_bytes, has_reader=bool(self.lines))

    def listening(self, readers: Sequence[Reader]) -> tuple[Reader, ...]:
        """Return the readers with the door's ear at each, and the door's own."""
        from edge_agent.door.listening import DoorListening

        return (*(DoorListening(each, keeper=self.keeper) for each in readers), *self.lines)


def papers_of(profile: KioskProfile, outbox: Outbox) -> DoorPapers:
    """Return the lists and orders in a kiosk's store."""
    from edge_agent.door.papers import DoorPapers

    heard = outbox.clock_floor.heard
    return DoorPapers(outbox.store, keyring=lambda: outbox.anchor.keyring, site=profile.kiosk.site, heard=heard)


def door_of(profile: KioskProfile, outbox: Outbox, log: EventBook, *, hear: Report) -> KioskDoor | None:
    """Return the profile's door, nothing started; None when it has none. ``hear`` is told how its own readers are."""
    if not profile.doors:
        return None
    from edge_agent.door.deciding import Calendar
    from edge_agent.door.keeper import DoorKeeper, Parts
    from edge_agent.door.output import HeldOutput
    from edge_agent.door.wires import Wires

    door = profile.doors[0]
    lines: list[CardReaders] = []

    def signal(reader: str, lamp: Lamp) -> None:
        for each in lines:
            each.show(reader, lamp)

    papers = papers_of(profile, outbox)
    parts = Parts(
        papers=papers,
        log=log,
        output=HeldOutput(door, monotonic=outbox.clock.monotonic_ns),
        wires=Wires(door, pins=_pins(door)),
        moment=lambda: moment_of(outbox),
        keyring=lambda: outbox.anchor.keyring,
        random_bytes=system.random_bytes,
        calendar=Calendar(schedules=profile.schedules, holidays=profile.holidays),
        signal=signal,
    )
    keeper = DoorKeeper(door, parts=parts)
    lines += _lines(profile, keeper, outbox, log=log, hear=hear)
    return KioskDoor(keeper=keeper, papers=papers, lines=tuple(lines))


def _lines(profile: KioskProfile, keeper: DoorKeeper, outbox: Outbox, *, log: EventBook, hear: Report) -> list[CardReaders]:
    """Return the OSDP lines; a reader that has no key yet is left out, and said to be lost."""
    from edge_agent.door.card_readers import CardReaders

    keys = _keys(profile, log)
    with_key = sorted((each for each in profile.door_readers if each.name in keys), key=_device)
    return [
        CardReaders(device, tuple(sections), keys=keys, keeper=keeper, log=log, hear=hear, clock=outbox.clock)
        for device, sections in groupby(with_key, key=_device)
    ]


def _device(section: DoorReaderSection) -> str:
    return section.device


def _keys(profile: KioskProfile, log: EventBook) -> dict[str, bytes]:
    from edge_agent.osdp.keys import load_key
    from residence.doors.words import DoorFact

    keys = {}
    for each in profile.door_readers:
        try:
            keys[each.name] = load_key(profile.path(each.key_setting))
        except LuutruError as error:
            _log.error(error.code, reader=each.name, detail=error.detail)
            log.append(door=profile.doors[0].name, what=DoorFact.READER, detail=f"lost {each.name} {error.code}")
    return keys


def _pins(door: DoorSection) -> Any:
    """Open the pins; a machine without them still takes declarations, and its door's state is unknown."""
    from edge_agent.door.pins import open_pins

    try:
        return open_pins(door.pins)
    except Refused as error:
        _log.error(error.code, door=door.name, detail=error.detail)
        return None


def moment_of(outbox: Outbox) -> Moment:
    """Read the kiosk's clocks as a door judges them."""
    from edge_agent.door.deciding import Moment

    times = outbox.times()
    return Moment(
        wall=parse_instant(times.wall), monotonic_ns=times.monotonic_ns, time_state=times.time_state, floor=outbox.floor()
    )
