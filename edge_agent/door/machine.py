"""What a door does: one pure state machine over grants, wires, orders and time. It says what the lock shall be, never more than a lease ahead.

- ``released`` is the one question that matters: whether the door shall be unlocked now. True only while a grant or a request to exit runs,
  while the fire contact is on, or while the door is free by order or schedule.
- Unknown is a state of its own. A contact that is not known opens no alarm and closes none; the first word of a wire after a start is what
  is, not something that happened, and is written down as no event.
- A grant that comes late (``LATE_NS`` after it was decided) does nothing: the person has gone, and somebody else may stand there.
- Lock-down ends a running grant and holds nobody inside: the exit button and the fire contact still unlock.
- A door that shuts behind somebody ends the grant it was opened by. A grant or a press of the button while it stands open is somebody else's, or was
  not used yet: it runs on for its own time, and whether they went through the open door is not known, so it is never called no entry.
- A relay of which nobody can say what it does is a fault of the door, whatever else holds.
- An opening nobody asked for is forced; one that lasts is held too long; a grant that ends without an opening is no entry. A door that may be
  open for everybody (by order, schedule or fire) is held by nobody: its time counts from the end of that.

Example: ``state, logs = step(DoorState(), Granted(decided_ns=now), door=section, now_ns=now); released(state, now_ns=now)``
"""

from __future__ import annotations

from typing import Final

import msgspec

from firmware_config.doors import DoorSection
from residence.doors.words import AccessEvent, DoorAlarm, DoorFact, DoorMode, DoorStatus

SECOND_NS: Final = 1_000_000_000
LATE_NS: Final = 3 * SECOND_NS
GRACE_NS: Final = 1 * SECOND_NS  # between a lock that shuts and the word of the contact


class DoorState(msgspec.Struct, frozen=True, kw_only=True):
    """One door as far as it is known. Times are monotonic; 0 is never."""

    contact: DoorStatus = DoorStatus.UNKNOWN
    mode: DoorMode = DoorMode.NORMAL
    free: bool = False  # by schedule
    fire: bool = False
    faulty: bool = False  # nobody can say what the relay does
    tampered: frozenset[str] = frozenset()  # where somebody tampers: the loop, or a reader by its name
    unlock_until_ns: int = 0
    open_until_ns: int = 0  # the end of what was granted since the door opened
    expecting: bool = False  # somebody was let in and the door has not opened yet
    opened_ns: int = 0  # since when it stands open though it is not free
    free_until_ns: int = 0  # when the door was last free to be opened
    forced: bool = False
    held: bool = False


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to let somebody through, and when it was made."""

    decided_ns: int
    extended: bool = False
    entry: bool = True


class ExitAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The exit button was pressed."""


class ContactSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The contact changed, or was lost (unknown)."""

    status: DoorStatus


class TamperSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The loop that warns of tampering changed, or a reader's lid."""

    on: bool
    where: str = "loop"


class FireSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The fire panel's contact changed."""

    on: bool


class OutputSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The relay does what it is told, or nobody can say any more."""

    works: bool


class ModeOrdered(msgspec.Struct, frozen=True, kw_only=True):
    """The authority ordered a mode."""

    mode: DoorMode


class FreeBySchedule(msgspec.Struct, frozen=True, kw_only=True):
    """The schedule frees the door, or no more."""

    on: bool


class Ticked(msgspec.Struct, frozen=True, kw_only=True):
    """Time went by."""


DoorInput = Granted | ExitAsked | ContactSaid | TamperSaid | FireSaid | OutputSaid | ModeOrdered | FreeBySchedule | Ticked


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be written down."""

    what: str
    detail: str = ""


def released(state: DoorState, *, now_ns: int) -> bool:
    """Tell whether the door shall be unlocked at this moment."""
    return _for_everybody(state) or now_ns < state.unlock_until_ns


def alarm(state: DoorState) -> DoorAlarm:
    """Return what is wrong with the door, the worst first."""
    found = (
        (bool(state.tampered), DoorAlarm.TAMPER),
        (state.forced, DoorAlarm.FORCED_OPEN),
        (state.faulty, DoorAlarm.FAULT),
        (state.held, DoorAlarm.OPEN_TOO_LONG),
        (state.fire, DoorAlarm.EGRESS_OPEN),
        (state.mode is DoorMode.LOCK_DOWN, DoorAlarm.LOCK_DOWN),
        (state.mode is DoorMode.FREE_ACCESS, DoorAlarm.FREE_ACCESS),
    )
    return next((name for holds, name in found if holds), DoorAlarm.NORMAL)


def step(state: DoorState, event: DoorInput, *, door: DoorSection, now_ns: int) -> tuple[DoorState, tuple[Log, ...]]:
    """Return the state after one event, and what is to be written down."""
    after, logs = _ended(state, door, now_ns)
    after, more = _took(after, event, door, now_ns)
    if released(after, now_ns=now_ns):
        after = msgspec.structs.replace(after, free_until_ns=now_ns)
    if after.opened_ns and (_for_everybody(state) or _for_everybody(after)):
        after = msgspec.structs.replace(after, opened_ns=now_ns, held=False)
    if alarm(after) is not alarm(state):
        more += (Log(what=DoorFact.ALARM, detail=alarm(after)),)
    return after, logs + more


def _free(state: DoorState) -> bool:
    return state.mode is DoorMode.FREE_ACCESS or (state.free and state.mode is DoorMode.NORMAL)


def _for_everybody(state: DoorState) -> bool:
    return _free(state) or state.fire


def _took(state: DoorState, event: DoorInput, door: DoorSection, now_ns: int) -> tuple[DoorState, tuple[Log, ...]]:
    match event:
        case Granted():
            return _grant(state, event, door, now_ns)
        case ExitAsked():
            return _let_out(state, door, now_ns), (Log(what=DoorFact.REQUEST_TO_EXIT),)
        case ContactSaid(status=status):
            return _contact(state, status, now_ns)
        case ModeOrdered(mode=mode):
            return _order(state, mode)
        case TamperSaid() | FireSaid() | OutputSaid() | FreeBySchedule():
            return _stands(state, event), ()
        case Ticked():
            return state, ()


def _stands(state: DoorState, event: TamperSaid | FireSaid | OutputSaid | FreeBySchedule) -> DoorState:
    match event:
        case TamperSaid(on=on, where=where):
            return msgspec.structs.replace(state, tampered=state.tampered | {where} if on else state.tampered - {where})
        case FireSaid(on=on):
            return msgspec.structs.replace(state, fire=on)
        case OutputSaid(works=works):
            return msgspec.structs.replace(state, faulty=not works)
        case FreeBySchedule(on=on):
            return msgspec.structs.replace(state, free=on)


def _grant(state: DoorState, event: Granted, door: DoorSection, now_ns: int) -> tuple[DoorState, tuple[Log, ...]]:
    if not 0 <= now_ns - event.decided_ns <= LATE_NS:
        return state, (Log(what=DoorFact.GRANT_TOO_LATE),)
    length = door.extended_seconds if event.extended else door.unlock_seconds
    expecting = state.expecting or (event.entry and state.contact is not DoorStatus.OPENED)
    return msgspec.structs.replace(_unlocked(state, event.decided_ns + length * SECOND_NS), expecting=expecting), ()


def _let_out(state: DoorState, door: DoorSection, now_ns: int) -> DoorState:
    if not door.exit_unlocks:
        return msgspec.structs.replace(state, free_until_ns=now_ns + door.unlock_seconds * SECOND_NS)
    return _unlocked(state, now_ns + door.unlock_seconds * SECOND_NS)


def _unlocked(state: DoorState, until_ns: int) -> DoorState:
    """Return the state with the lock released until then, whatever the door does meanwhile if it stands open now."""
    lasting = max(state.open_until_ns, until_ns) if state.contact is DoorStatus.OPENED else state.open_until_ns
    return msgspec.structs.replace(state, unlock_until_ns=max(state.unlock_until_ns, until_ns), open_until_ns=lasting)


def _contact(state: DoorState, status: DoorStatus, now_ns: int) -> tuple[DoorState, tuple[Log, ...]]:
    before = state.contact
    if status is before:
        return state, ()
    after = msgspec.structs.replace(state, contact=status)
    logs = (Log(what=DoorFact.STATUS, detail=status),) if before is not DoorStatus.UNKNOWN else ()
    match status:
        case DoorStatus.OPENED:
            forced = (
                before is DoorStatus.CLOSED and not released(state, now_ns=now_ns) and now_ns > state.free_until_ns + GRACE_NS
            )
            return msgspec.structs.replace(after, opened_ns=now_ns, forced=forced, expecting=False, open_until_ns=0), logs
        case DoorStatus.CLOSED:
            # Whoever opened it is through: the lock waits for the end of nobody's time but of who was let in meanwhile.
            through = before is DoorStatus.OPENED
            until = max(now_ns, state.open_until_ns) if through else state.unlock_until_ns
            return msgspec.structs.replace(after, opened_ns=0, forced=False, held=False, unlock_until_ns=until), logs
        case DoorStatus.UNKNOWN:
            return msgspec.structs.replace(after, opened_ns=0), (Log(what=DoorFact.STATUS, detail=status),)


def _order(state: DoorState, mode: DoorMode) -> tuple[DoorState, tuple[Log, ...]]:
    if mode is state.mode:
        return state, ()
    ended = 0 if mode is DoorMode.LOCK_DOWN else state.unlock_until_ns
    lasting = 0 if mode is DoorMode.LOCK_DOWN else state.open_until_ns
    expecting = state.expecting and mode is not DoorMode.LOCK_DOWN
    after = msgspec.structs.replace(state, mode=mode, unlock_until_ns=ended, open_until_ns=lasting, expecting=expecting)
    return after, (Log(what=DoorFact.MODE, detail=mode),)


def _ended(state: DoorState, door: DoorSection, now_ns: int) -> tuple[DoorState, tuple[Log, ...]]:
    """Take into account what ended by time alone: a grant nobody used, a patience with an open door."""
    logs: tuple[Log, ...] = ()
    if state.expecting and now_ns >= state.unlock_until_ns and not _free(state):
        if state.contact is DoorStatus.CLOSED:
            logs = (Log(what=AccessEvent.NO_ENTRY_AFTER_GRANT),)
        state = msgspec.structs.replace(state, expecting=False)
    long_open = state.opened_ns and not _for_everybody(state) and now_ns - state.opened_ns > door.held_seconds * SECOND_NS
    if long_open and not state.held:
        state = msgspec.structs.replace(state, held=True)
    return state, logs
