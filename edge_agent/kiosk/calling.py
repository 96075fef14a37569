"""Calling a person: what the screen may say of it, and when.

- *Calling* until the authority's signed word says that the call stands on the operators' page (*heard*), *acknowledged* when an operator
  has seen it. After ``kiosk.call_seconds`` without that it says that nobody has answered, and names the telephone where there is one.
- The loudspeaker rings in any case, and what was entered stays. A call gives more time, like "I need more time".
- Pressed again, an open call rings again; one that was answered, or that nobody answered, is made anew.
- An answer never goes back: what comes late or twice changes nothing.

Example: ``called(state, "018f...", now)`` gives the state with the call and what is to be done about it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edge_agent.kiosk.effects import CallPerson, Effect, EndCall, Play
from edge_agent.kiosk.news import CallAnswered
from edge_agent.kiosk.states import Call, CallStanding, Idle, Moment, State
from firmware_config.profiles import KioskProfile

OPEN: Final = frozenset({"calling", "heard"})
_ORDER: Final[dict[CallStanding, int]] = {"calling": 0, "heard": 1, "unanswered": 2, "acknowledged": 3}


def called(state: State, fresh_id: str, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    """Ring, and tell the operators unless they are being told."""
    unhurried = state.unhurried or not isinstance(state.screen, Idle)
    if state.calling is not None and state.calling.standing in OPEN:
        return replace(state, unhurried=unhurried), (Play(cue="call"),)
    call = Call(call_id=fresh_id, since_ns=now.monotonic_ns)
    return replace(state, calling=call, unhurried=unhurried), (Play(cue="call"), CallPerson(call_id=fresh_id))


def ended(state: State) -> tuple[State, tuple[Effect, ...]]:
    """Go on without: the person has come, or is not wanted any more."""
    return replace(state, calling=None), ((EndCall(),) if state.calling is not None else ())


def answered(state: State, event: CallAnswered) -> tuple[State, tuple[Effect, ...]]:
    """Say what came of the call on the screen."""
    call = state.calling
    if call is None or call.call_id != event.call_id or _ORDER[event.answer] <= _ORDER[call.standing]:
        return state, ()
    cue: tuple[Effect, ...] = (Play(cue="accepted"),) if event.answer == "acknowledged" else ()
    return replace(state, calling=replace(call, standing=event.answer)), cue


def waited(state: State, profile: KioskProfile, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    """Say after a while that nobody has answered."""
    call = state.calling
    if call is None or call.standing not in OPEN or not _too_long(call, profile, now):
        return state, ()
    return replace(state, calling=replace(call, standing="unanswered")), (Play(cue="attention"),)


def _too_long(call: Call, profile: KioskProfile, now: Moment) -> bool:
    return (now.monotonic_ns - call.since_ns) / 1e9 >= profile.kiosk.call_seconds
