"""A door, its list and its clock for tests, on throw-away keys."""

from __future__ import annotations

import hashlib
import random
from datetime import timedelta

import msgspec
from factories import EVENING, StandingClock
from kiosk_parts import KEYS, make_outbox

from edge_agent.door.deciding import Calendar, Decision, Memory, Moment, Presented, Situation, decide
from edge_agent.door.keeper import DoorKeeper, Parts
from edge_agent.door.lists import DoorBook
from edge_agent.door.machine import Ticked
from edge_agent.door.papers import DoorPapers
from edge_agent.door.pins import open_pins
from edge_agent.door.shown import Shown
from edge_agent.door.wires import Wires
from edge_agent.event_book import EventBook
from firmware_config.doors import DoorSection, ScheduleSection
from residence.clock import rfc3339
from residence.wire.door_list import DoorCredential, DoorListPart, DoorOrders, pin_hash, seconds, sign_part, token_hash
from residence.wire.door_pass import sign_pass

SITE = "blk-hoa-binh"
DAY = timedelta(days=1)
DOOR = DoorSection(name="lobby", output_pin=17, contact_pin=27, exit_pin=22)
NO_CALENDAR = Calendar()
OFFICE = ScheduleSection(name="office", days=("mon", "tue", "wed", "thu", "fri"), begin="08:00", end="18:00")
MORNING_OFF = ScheduleSection(name="office", days=("holiday",), begin="09:00", end="10:00")


def token_of(name: str) -> bytes:
    """The token of an invented stay."""
    return hashlib.sha256(name.encode()).digest()[:16]


def entry(name: str, *, flags: int = 0, doors: int = 1, start=EVENING - DAY, end=EVENING + DAY, pin: str = "") -> DoorCredential:
    token = token_of(name)
    return DoorCredential(
        token_hash=token_hash(token, "pass"),
        doors=doors,
        not_before=seconds(start),
        not_after=seconds(end),
        flags=flags,
        pin_hash=pin_hash(token, pin) if pin else b"",
        duress_hash=pin_hash(token, pin[:-1] + str((int(pin[-1]) + 1) % 10)) if pin else b"",
    )


def part(*entries: DoorCredential, **changes) -> DoorListPart:
    usual = DoorListPart(
        site=SITE,
        version=1,
        part=0,
        parts=1,
        issued=rfc3339(EVENING - DAY),
        expires=rfc3339(EVENING + 6 * DAY),
        doors=("lobby", "garage"),
        entries=entries,
    )
    return msgspec.structs.replace(usual, **changes)


def book(*entries: DoorCredential, orders: DoorOrders | None = None, **changes) -> DoorBook:
    made = DoorBook().with_part(part(*entries, **changes))
    return made.with_orders(orders) if orders else made


def orders(**changes) -> DoorOrders:
    return msgspec.structs.replace(DoorOrders(site=SITE, serial=1, issued=rfc3339(EVENING)), **changes)


class Doorway:
    """One door with its memory: show a token, let time pass, look at what came of it."""

    def __init__(
        self, held: DoorBook, *, door: DoorSection = DOOR, calendar: Calendar = NO_CALENDAR, now=EVENING, **door_changes
    ):
        self.book = held
        self.door = msgspec.structs.replace(door, **door_changes)
        self.calendar = calendar
        self.memory = Memory()
        self.moment = Moment(wall=now, monotonic_ns=1_000_000_000, time_state="synced", floor=now - 30 * DAY)

    def show(self, name: str, *, side="entry", pin: str = "", flaw=None) -> Decision:
        presented = Presented(token=token_of(name), kind="pass", side=side, pin=pin, flaw=flaw)
        decision = decide(presented, self.situation)
        self.memory = decision.memory
        return decision

    @property
    def situation(self) -> Situation:
        return Situation(door=self.door, book=self.book, memory=self.memory, moment=self.moment, calendar=self.calendar)

    def pass_time(self, **parts: float) -> None:
        step = timedelta(**parts)
        self.moment = msgspec.structs.replace(
            self.moment,
            wall=self.moment.wall + step,
            monotonic_ns=self.moment.monotonic_ns + int(step.total_seconds() * 1e9),
        )


class Relay:
    """An output that obeys at once, for tests of everything but the relay."""

    def __init__(self):
        self.driven = None
        self.leases = []

    def drive(self, lease) -> None:
        self.driven = lease.driven
        self.leases.append(lease.milliseconds)

    def close(self) -> None:
        self.driven = None


class Kiosk:
    """A kiosk's store with one door on pretended wires and a clock that stands: everything but its thread is the real thing."""

    def __init__(self, folder, *, papers=(), clock=None, synced=True, calendar=NO_CALENDAR, **door_changes):
        self.clock = clock or StandingClock()
        self.synced = synced
        self.outbox = make_outbox(folder / "kiosk.db", clock=self.clock, clock_synced=lambda: self.synced)
        self.store = self.outbox._store
        self.papers = DoorPapers(self.store, keyring=lambda: KEYS.keyring, site=SITE)
        for name, payload in papers:
            self.papers.take(name, payload)
        self.log = EventBook(self.outbox, random_bytes=random.Random(7).randbytes)
        self.door = msgspec.structs.replace(DOOR, pins="pretend", **door_changes)
        self.pins = open_pins("pretend")
        self.relay = Relay()
        self.signalled = []
        parts = Parts(
            papers=self.papers,
            log=self.log,
            output=self.relay,
            wires=Wires(self.door, pins=self.pins),
            moment=self.moment,
            keyring=lambda: KEYS.keyring,
            random_bytes=random.Random(8).randbytes,
            calendar=calendar,
            signal=lambda reader, lamp: self.signalled.append((reader, lamp)),
        )
        self.keeper = DoorKeeper(self.door, parts=parts)

    def moment(self) -> Moment:
        times = self.outbox.times()
        return Moment(
            wall=self.clock.now(), monotonic_ns=times.monotonic_ns, time_state=times.time_state, floor=self.outbox.floor()
        )

    def show(self, name: str, *, challenge: int = 0, reader: str = "camera") -> None:
        text = sign_pass(token_of(name), KEYS.door_pass, now=self.clock.now(), challenge=challenge)
        self.keeper.turn(Shown(payload=text.encode(), reader=reader))

    def pass_time(self, seconds: float) -> None:
        """Let time pass as a living agent meets it."""
        while seconds > 0:
            self.clock.pass_time(seconds=min(seconds, 0.25))
            self.keeper.turn(Ticked())
            seconds -= 0.25

    def written(self) -> list[str]:
        return [f"{each.what} {each.detail}".strip() for each in self.log.waiting(1000)]


def listing(*entries, **changes) -> tuple[str, bytes]:
    """A list in one part as it comes, with its topic's last level."""
    return "0", sign_part(part(*entries, **changes), KEYS.door_list)
