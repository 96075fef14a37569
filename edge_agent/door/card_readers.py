"""The OSDP readers of one line, at work for the door's keeper: cards, keys, lids, inputs in; lamps and sounds out.

- A card counts only from a reader on its Secure Channel, with a key of its own; the process on the line lets nothing else through.
- Digits are a PIN once ``#`` is pressed, ``*`` begins anew, and what was begun and left is forgotten after ten seconds.
- The first word about an input is what is, and no event. A reader that is lost makes what it watched unknown: neither open nor shut. A lid
  that was open when it was lost stays open until it is said to be shut.
- A reader lost, back, tampered with or without mains is an event of the door; lost and back show in the kiosk's health, a lid is an alarm.

Example: ``CardReaders("/dev/edge/rs485-0", sections, keys=keys, keeper=keeper, log=log, clock=clock)``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from edge_agent.door.keeper import DoorKeeper
from edge_agent.door.machine import ContactSaid, ExitAsked
from edge_agent.door.machine import TamperSaid as DoorTampered
from edge_agent.event_book import EventBook
from edge_agent.osdp.watching import OsdpLine
from edge_agent.osdp.words import CardSaid, InputsSaid, KeysSaid, Lamp, LineOrder, LinkSaid, ReaderOnLine, Said, TamperSaid
from edge_agent.readers.port import Deliver, ReaderHealth, Report
from firmware_config.door_readers import DoorReaderSection
from residence.clock import Clock
from residence.doors.cards import card_number
from residence.doors.words import DoorFact, DoorStatus
from residence.errors import Malformed
from residence.wire.state import DOOR_LINE

KEYS_NS: Final = 10_000_000_000
LONGEST_PIN: Final = 12
_log = structlog.get_logger("kiosk.door")


class CardReaders:
    """One line's readers, as a reader of the kiosk. ``keys``: name of the reader -> its Secure Channel key."""

    def __init__(
        self,
        device: str,
        sections: Sequence[DoorReaderSection],
        *,
        keys: Mapping[str, bytes],
        keeper: DoorKeeper,
        log: EventBook,
        hear: Report,
        clock: Clock,
    ) -> None:
        self.name: Final = f"{DOOR_LINE}{sections[0].name}"
        self._sections = {each.name: each for each in sections}
        self._keeper = keeper
        self._log = log
        self._note_health = hear  # in the event book, not without end
        self._clock = clock
        self._report: Report = lambda _health: None
        self._secure = dict.fromkeys(self._sections, False)
        self._typed: dict[str, tuple[str, int]] = {}
        self._inputs: dict[str, tuple[bool, ...]] = {}
        self._lids: dict[str, tuple[bool, bool]] = {}  # open, and on its reserve; kept while a reader is lost
        on_line = tuple(ReaderOnLine(name=each.name, address=each.address, key=keys[each.name]) for each in sections)
        order = LineOrder(device=device, baud_rate=sections[0].baud_rate, readers=on_line)
        self._line = OsdpLine(order, hear=self.hear)

    def start(self, deliver: Deliver, report: Report) -> None:  # noqa: ARG002 - what these readers read is the door's alone
        """Begin; lost until a reader is on its channel."""
        self._report = report
        self._report(ReaderHealth(reader=self.name, state="lost", code="osdp.reader_lost", at_ns=self._clock.monotonic_ns()))
        self._line.start()

    def stop(self) -> None:
        """End."""
        self._line.stop()

    def show(self, reader: str, lamp: Lamp) -> None:
        """Have a reader of this line show something."""
        if reader in self._sections:
            self._line.show(reader, lamp)

    def hear(self, said: Said) -> None:
        """Take one word of the line."""
        match said:
            case CardSaid():
                self._card(said)
            case KeysSaid():
                self._keys(said)
            case TamperSaid():
                self._lid_and_power(said)
            case InputsSaid():
                self._watched(said)
            case LinkSaid():
                self._linked(said)
            case _:
                pass

    def _card(self, said: CardSaid) -> None:
        try:
            card = card_number(said.format, said.bits, said.data)
        except Malformed as error:
            _log.warning(error.code, reader=said.reader)
            return
        self._keeper.show_card(card, reader=said.reader)

    def _keys(self, said: KeysSaid) -> None:
        now = self._clock.monotonic_ns()
        typed, since = self._typed.pop(said.reader, ("", now))
        typed = typed if now - since < KEYS_NS else ""
        for key in said.keys:
            if key == "#":
                self._keeper.type_pin(typed)
                typed = ""
            else:
                typed = "" if key == "*" else (typed + key)[-LONGEST_PIN:]
        if typed:
            self._typed[said.reader] = (typed, now)

    def _lid_and_power(self, said: TamperSaid) -> None:
        """Note what changed; a reader that says that all is well when it is first heard has told nothing new."""
        before = self._lids.get(said.reader, (False, False))
        self._lids[said.reader] = (said.tamper, said.power)
        self._keeper.take(DoorTampered(on=said.tamper, where=said.reader))
        if said.tamper is not before[0]:
            self._note(f"{'opened' if said.tamper else 'closed'} {said.reader}")
        if said.power is not before[1]:
            self._note(f"{'power-lost' if said.power else 'power-back'} {said.reader}")

    def _watched(self, said: InputsSaid) -> None:
        section, before = self._sections[said.reader], self._inputs.get(said.reader)
        self._inputs[said.reader] = said.on
        contact, pressed = _at(said.on, section.contact_input), _at(said.on, section.exit_input)
        if contact is not None:
            self._keeper.take(ContactSaid(status=DoorStatus.OPENED if contact else DoorStatus.CLOSED))
        if pressed and before is not None and not _at(before, section.exit_input):
            self._keeper.take(ExitAsked())

    def _linked(self, said: LinkSaid) -> None:
        good = said.state == "secure"
        if good is self._secure[said.reader]:
            return
        self._secure[said.reader] = good
        now, lost = self._clock.monotonic_ns(), "osdp.reader_lost"
        self._note_health(ReaderHealth(reader=said.reader, state="ok" if good else "lost", code="" if good else lost, at_ns=now))
        if not good:
            self._inputs.pop(said.reader, None)
            if self._sections[said.reader].contact_input is not None:
                self._keeper.take(ContactSaid(status=DoorStatus.UNKNOWN))
        all_good = all(self._secure.values())
        self._report(ReaderHealth(reader=self.name, state="ok" if all_good else "lost", code="" if all_good else lost, at_ns=now))

    def _note(self, detail: str) -> None:
        self._log.append(door=self._keeper.door.name, what=DoorFact.READER, detail=detail)


def _at(on: tuple[bool, ...], place: int | None) -> bool | None:
    """Return an input, or None when it is not asked for or not there."""
    return on[place] if place is not None and place < len(on) else None
