"""Whether a credential opens a door: one pure function over the list, the door's rules and what the door remembers. No network.

- Whoever is on the list gets out, always: no schedule, window, passback, lock-down or lockout holds anybody inside.
- Inwards, in this order: known, not revoked, list not over, this door, window, lock-down, schedule, PIN, passback, second person.
- A card's bare number, which can be copied or counted up, is let in only where the door says that it is enough; out it is let anywhere.
- Soft anti-passback only says so; hard refuses until its time of forgiveness is over or an operator forgives everybody.
- A duress PIN opens as any other does, and is told apart only in what is written down.
- Where the clock is not confirmed, no window and no schedule is held against a person, except a window that was over before the newest
  time that is certain; the event says how the clock was.
- Too many unknown or wrong credentials within a minute lock the reader for a while: inwards, for everybody. Too many wrong PINs of one
  credential shut that one out for longer. Nothing but time makes them forgotten (``guessing.py``).

Example: ``decide(Presented(token=token, kind="pass"), situation).said``
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from edge_agent.door.guessing import ATTEMPTS_WITHIN_NS, WrongPins, is_shut_out, recent, with_one_more
from edge_agent.door.lists import DoorBook
from edge_agent.door.schedules import is_on
from firmware_config.doors import DoorSection, ScheduleSection
from residence.clock import VIETNAM, TimeState
from residence.doors.words import AccessEvent, DoorMode
from residence.wire.door_list import (
    ALONE,
    ANY_TIME,
    EXTENDED,
    NO_PASSBACK,
    OVERRIDE,
    PIN_ALWAYS,
    DoorCredential,
    TokenKind,
    pin_hash,
    seconds,
    token_hash,
)

Side = Literal["entry", "exit"]
_SECOND: Final = 1_000_000_000


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """A token held to a reader. ``flaw`` says why it cannot count although it was read (an old pass, say)."""

    token: bytes
    kind: TokenKind
    side: Side = "entry"
    pin: str = ""
    flaw: AccessEvent | None = None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Now, and how far that is to be believed. ``floor``: the newest time that is certain."""

    wall: datetime
    monotonic_ns: int
    time_state: TimeState
    floor: datetime

    @property
    def believed(self) -> bool:
        """Tell whether a door may stand open by the wall clock, which harms nobody."""
        return self.time_state in {"synced", "rtc_only"}

    @property
    def confirmed(self) -> bool:
        """Tell whether the wall clock may be held against a person."""
        return self.time_state == "synced"


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The site's schedules and holidays."""

    schedules: tuple[ScheduleSection, ...] = ()
    holidays: tuple[str, ...] = ()


class Stood(msgspec.Struct, frozen=True, kw_only=True):
    """On which side somebody was let through last, and when by the wall clock."""

    side: Side
    at: datetime


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one door remembers from one decision to the next. ``stood``, ``wrong_pins`` and ``duress_ns`` outlive a restart; the rest need not."""

    stood: dict[bytes, Stood] = {}
    forgiven: int = 0
    failures_ns: tuple[int, ...] = ()
    wrong_pins: WrongPins = {}
    duress_ns: int = 0  # when somebody was made to open it; 0 is never
    locked_until_ns: int = 0
    partner: bytes = b""
    partner_until_ns: int = 0
    first_card_on: date | None = None


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decision rests on but the credential."""

    door: DoorSection
    book: DoorBook
    memory: Memory
    moment: Moment
    calendar: Calendar


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``said`` is shown to the person; ``besides`` is only written down."""

    said: AccessEvent
    memory: Memory
    opens: bool = False
    extended: bool = False
    besides: tuple[AccessEvent, ...] = ()
    credential: bytes = b""  # the hash, when it is on the list
    looked_at_pin: bool = False  # it tells whether the PIN was right, so it has to be counted before it is acted on


def decide(presented: Presented, situation: Situation) -> Decision:
    """Return whether the door opens, and why."""
    here = _forgiving(situation)
    hashed = token_hash(presented.token, presented.kind)
    entry = here.book.find(hashed)
    if presented.side == "exit" and entry is not None:
        return _granted(entry, presented, here)
    if here.memory.locked_until_ns > here.moment.monotonic_ns:
        return Decision(said=AccessEvent.DENIED_LOCKOUT, memory=here.memory)
    if entry is None:
        return _failed(AccessEvent.DENIED_UNKNOWN_CREDENTIAL, here)
    if presented.flaw is not None:
        return Decision(said=presented.flaw, memory=here.memory, credential=hashed)
    if presented.kind == "card" and here.door.least != "card-number":
        return Decision(said=AccessEvent.DENIED_POINT_NO_ACCESS_RIGHTS, memory=here.memory, credential=hashed)
    refusal = _refusal(entry, here)
    if refusal is not None:
        return Decision(said=refusal, memory=here.memory, credential=hashed)
    return _with_person(entry, presented, here)


def is_free(here: Situation) -> bool:
    """Tell whether the door is unlocked for everybody now by its schedule."""
    door, moment = here.door, here.moment
    if not door.free_schedule or not moment.believed:
        return False
    if door.first_card and here.memory.first_card_on != _today(moment):
        return False
    return _on(door.free_schedule, here)


def without_entry(memory: Memory, credential: bytes) -> Memory:
    """Return what is remembered when somebody was let in and did not go: nobody is inside for that."""
    return msgspec.structs.replace(memory, stood={each: how for each, how in memory.stood.items() if each != credential})


def _refusal(entry: DoorCredential, here: Situation) -> AccessEvent | None:
    """Say why nobody with this credential is let in here now."""
    door, book, moment = here.door, here.book, here.moment
    certain = moment.wall if moment.confirmed else moment.floor
    if entry.token_hash in book.revoked:
        return AccessEvent.DENIED_CREDENTIAL_DISABLED
    if book.stale(certain, grace=timedelta(hours=door.list_grace_hours)):
        return AccessEvent.DENIED_AUTHENTICATION_UNAVAILABLE
    if not book.admits(entry, door.name):
        return AccessEvent.DENIED_POINT_NO_ACCESS_RIGHTS
    if seconds(certain) >= entry.not_after:
        return AccessEvent.DENIED_CREDENTIAL_EXPIRED
    if moment.confirmed and seconds(certain) < entry.not_before:
        return AccessEvent.DENIED_CREDENTIAL_NOT_YET_ACTIVE
    if book.mode(door.name) is DoorMode.LOCK_DOWN and not entry.flags & OVERRIDE:
        return AccessEvent.DENIED_DENY_ALL
    bound = bool(door.schedule) and moment.confirmed and not entry.flags & ANY_TIME
    return AccessEvent.DENIED_OUT_OF_TIME_RANGE if bound and not _on(door.schedule, here) else None


def _with_person(entry: DoorCredential, presented: Presented, here: Situation) -> Decision:
    """Go on with a credential that may pass: who holds it, and with whom."""
    door, memory, hashed = here.door, here.memory, entry.token_hash
    besides: tuple[AccessEvent, ...] = ()
    if door.least == "token-and-pin" or entry.flags & PIN_ALWAYS:
        if not presented.pin:
            return Decision(said=AccessEvent.VERIFICATION_REQUIRED, memory=memory, credential=hashed)
        if is_shut_out(memory.wrong_pins, hashed, attempts=door.attempts, now_ns=here.moment.monotonic_ns):
            return Decision(said=AccessEvent.DENIED_LOCKOUT, memory=memory, credential=hashed)
        given = pin_hash(presented.token, presented.pin)
        if not entry.pin_hash or given not in {entry.pin_hash, entry.duress_hash}:
            return _mistyped(here, hashed)
        if given == entry.duress_hash:
            besides = (AccessEvent.DURESS,)
            here = msgspec.structs.replace(here, memory=msgspec.structs.replace(memory, duress_ns=here.moment.monotonic_ns))
        return msgspec.structs.replace(_let_pass(entry, presented, here, besides=besides), looked_at_pin=True)
    return _let_pass(entry, presented, here, besides=besides)


def _let_pass(entry: DoorCredential, presented: Presented, here: Situation, *, besides: tuple[AccessEvent, ...]) -> Decision:
    """Go on with somebody who is who they say: not inside already, and not alone where two must come."""
    door, memory, hashed = here.door, here.memory, entry.token_hash
    if _passes_back(entry, here):
        if door.passback == "hard":
            return Decision(said=AccessEvent.DENIED_PASSBACK, memory=memory, credential=hashed, besides=besides)
        besides += (AccessEvent.PASSBACK_DETECTED,)
    if not door.two_person or entry.flags & ALONE:
        return _granted(entry, presented, here, besides=besides)
    return _with_another(entry, presented, here, besides=besides)


def _with_another(entry: DoorCredential, presented: Presented, here: Situation, *, besides: tuple[AccessEvent, ...]) -> Decision:
    """Let two in together: the first waits for a second who is not the same."""
    memory, now = here.memory, here.moment.monotonic_ns
    waiting = memory.partner if memory.partner_until_ns > now else b""
    if waiting not in {b"", entry.token_hash}:
        return _granted(entry, presented, here, besides=(*besides, AccessEvent.ACCOMPANIMENT_BY))
    if waiting:
        said = AccessEvent.DENIED_NO_ACCOMPANIMENT
    else:
        said, until = AccessEvent.AUTHORIZATION_DELAYED, now + here.door.two_person_seconds * _SECOND
        memory = msgspec.structs.replace(memory, partner=entry.token_hash, partner_until_ns=until)
    return Decision(said=said, memory=memory, credential=entry.token_hash, besides=besides)


def _granted(entry: DoorCredential, presented: Presented, here: Situation, *, besides: tuple[AccessEvent, ...] = ()) -> Decision:
    memory, moment = here.memory, here.moment
    first = _today(moment) if presented.side == "entry" and moment.believed else memory.first_card_on
    remembered = msgspec.structs.replace(
        memory,
        stood={**memory.stood, entry.token_hash: Stood(side=presented.side, at=moment.wall)},
        partner=b"",
        partner_until_ns=0,
        first_card_on=first,
    )
    return Decision(
        said=AccessEvent.GRANTED,
        opens=True,
        extended=bool(entry.flags & EXTENDED),
        besides=besides,
        memory=remembered,
        credential=entry.token_hash,
    )


def _mistyped(here: Situation, credential: bytes) -> Decision:
    """Count one more wrong PIN against its credential and against the door."""
    now = here.moment.monotonic_ns
    memory = msgspec.structs.replace(here.memory, wrong_pins=with_one_more(here.memory.wrong_pins, credential, now_ns=now))
    here = msgspec.structs.replace(here, memory=memory)
    decision = _failed(AccessEvent.DENIED_INCORRECT_AUTHENTICATION_FACTOR, here, credential=credential)
    decision = msgspec.structs.replace(decision, looked_at_pin=True)
    if decision.besides or not is_shut_out(memory.wrong_pins, credential, attempts=here.door.attempts, now_ns=now):
        return decision
    return msgspec.structs.replace(decision, besides=(AccessEvent.LOCKOUT_MAX_ATTEMPTS,))


def _failed(said: AccessEvent, here: Situation, *, credential: bytes = b"") -> Decision:
    """Count one more unknown or wrong credential, and lock the reader when there were too many."""
    door, memory, now = here.door, here.memory, here.moment.monotonic_ns
    counted = (*recent(memory.failures_ns, within_ns=ATTEMPTS_WITHIN_NS, now_ns=now), now)
    if len(counted) < door.attempts:
        return Decision(said=said, memory=msgspec.structs.replace(memory, failures_ns=counted), credential=credential)
    locked = msgspec.structs.replace(memory, failures_ns=(), locked_until_ns=now + door.lockout_seconds * _SECOND)
    return Decision(said=said, memory=locked, besides=(AccessEvent.LOCKOUT_MAX_ATTEMPTS,), credential=credential)


def _passes_back(entry: DoorCredential, here: Situation) -> bool:
    """Tell whether this credential is inside already, as far as that can be known."""
    if here.door.passback == "off" or entry.flags & NO_PASSBACK:
        return False
    stood = here.memory.stood.get(entry.token_hash)
    if stood is None or stood.side == "exit":
        return False
    return abs(here.moment.wall - stood.at) < timedelta(minutes=here.door.forgive_minutes)


def _forgiving(here: Situation) -> Situation:
    """Begin anew when the operator has forgiven."""
    if here.memory.forgiven == here.book.forgiven:
        return here
    memory = msgspec.structs.replace(here.memory, stood={}, forgiven=here.book.forgiven)
    return msgspec.structs.replace(here, memory=memory)


def _on(schedule: str, here: Situation) -> bool:
    return is_on(schedule, schedules=here.calendar.schedules, holidays=here.calendar.holidays, now=here.moment.wall)


def _today(moment: Moment) -> date:
    return moment.wall.astimezone(VIETNAM).date()
