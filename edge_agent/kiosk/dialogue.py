"""The check-in dialogue: a pure state machine, ``step(state, event, *, profile, now) -> (state, effects)``.

- Every screen has a way out (back, stop) and a time-out: a warning after ``warn_after_seconds`` without an act, a wipe
  ``wipe_after_warning_seconds`` later. "I need more time" starts both anew, as often as the person asks, and from then on the
  warning of this visit comes ``PATIENCE`` times later; so it does while screens are read aloud, for a prompt must not be cut off by it.
- "Call a person" rings and shows how to reach one, over any screen; what was entered stays, and so does the time-out.
- Going to ``Idle`` from anywhere is a wipe: nothing of the person is left, the language goes back to the first.
- An act after the time-out meets ``Idle``, never the screen of the person before, even when no tick came between.
- One confirmation keeps once: ``Confirmed`` leaves ``Review`` for ``Keeping``, which answers to nothing but the outbox.
- The screen says what the outbox said, never more: ``Result`` begins with *kept* only after ``KeptSafely``.

Example: ``state, effects = step(begin(profile, now), event, profile=profile, now=now)``
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from edge_agent.kiosk import calling, changing, chip_step, following, gathering, hosting, identifying, own_words, staying, way_in
from edge_agent.kiosk.chip_states import AskChip, ChipShown, LayCard, TypeCan
from edge_agent.kiosk.effects import Effect, Play, PrintSlip, Wipe
from edge_agent.kiosk.events import (
    Act,
    CallEnded,
    Cancelled,
    CardSeen,
    ContrastChosen,
    Event,
    Guided,
    LanguageChosen,
    MoreTime,
    PersonCalled,
    SlipWanted,
    TextSizeChosen,
    VoiceTurned,
    WentBack,
)
from edge_agent.kiosk.gathering import PROGRESS
from edge_agent.kiosk.news import CallAnswered, HostAnswered, KeepingFailed, KeptSafely, SettlementChanged, SlipDone, Ticked
from edge_agent.kiosk.own_words import aloud
from edge_agent.kiosk.path_states import AskPathCode, PathShown
from edge_agent.kiosk.states import (
    AskHost,
    AskPermitted,
    AskReceipt,
    ChooseChange,
    ChooseNights,
    ChoosePurpose,
    ChooseReason,
    ChooseUnit,
    ConfirmPerson,
    Gathering,
    Idle,
    Keeping,
    Moment,
    NothingDue,
    NotKept,
    OwnWords,
    PartyResult,
    Result,
    Review,
    Screen,
    ShowCard,
    Standing,
    State,
    TellReason,
    Typing,
    WayIn,
)
from firmware_config.profiles import KioskProfile

LOUDEST: Final = 3
PATIENCE: Final = 4  # WCAG 2.2.1: ten times the limit in all, and here as often as it is asked for


def begin(profile: KioskProfile, now: Moment) -> State:
    """Return the state of a kiosk nobody stands at."""
    return State(screen=Idle(), language=profile.kiosk.languages[0], acted_ns=now.monotonic_ns)


def step(state: State, event: Event, *, profile: KioskProfile, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    """Return what the screen becomes when ``event`` happens at ``now``, and what is to be done about it."""
    if _expired(state, profile, now):
        fresh, wiped = _wiped(state, profile, now)
        after, effects = step(fresh, event, profile=profile, now=now)
        return after, wiped + effects
    match event:
        case Ticked():
            state, rung = calling.waited(state, profile, now)
            passed, effects = _pass_time(state, profile, now)
            return passed, rung + effects
        case CallAnswered():
            return calling.answered(state, event)
        case Cancelled():
            return _wiped(state, profile, now)
        case LanguageChosen() | VoiceTurned() | ContrastChosen() | TextSizeChosen() | MoreTime() | PersonCalled() | CallEnded():
            return _aside(state, event, profile, now)
        case Guided(hint=hint):
            # Not an act: a card left lying in view must not hold the screen, whatever the camera says of it.
            screen = state.screen
            return (replace(state, screen=replace(screen, guide=hint)) if isinstance(screen, ShowCard) else state), ()
        case _:
            return _moved(state, event, profile, now)


def _moved(state: State, event: Event, profile: KioskProfile, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    """Let the screen answer."""
    screen, effects = _advance(state.screen, event, profile, now)
    if isinstance(screen, Idle) and not isinstance(state.screen, Idle):
        return _wiped(state, profile, now)
    moved = replace(state, screen=screen)
    if isinstance(event, Act) or screen != state.screen:
        moved = _acted(moved, now)
    if isinstance(screen, NothingDue) and screen != state.screen:
        effects = (*effects, Play(cue="done"))
    return moved, effects


def _aside(
    state: State,
    event: LanguageChosen | VoiceTurned | ContrastChosen | TextSizeChosen | MoreTime | PersonCalled | CallEnded,
    profile: KioskProfile,
    now: Moment,
) -> tuple[State, tuple[Effect, ...]]:
    """Take what concerns the visit and not the screen."""
    match event:
        case LanguageChosen(language=language):
            known = language in profile.kiosk.languages
            return _acted(replace(state, language=language) if known else state, now), ()
        case VoiceTurned(level=level):
            return _acted(replace(state, voice=min(max(level, 0), LOUDEST)), now), ()
        case ContrastChosen(high=high):
            return _acted(replace(state, contrast=high), now), ()
        case TextSizeChosen(large=large):
            return _acted(replace(state, large=large), now), ()
        case MoreTime():
            return _acted(replace(state, unhurried=not isinstance(state.screen, Idle)), now), ()
        case PersonCalled():
            state, effects = calling.called(state, event.fresh_id, now)
            return _acted(state, now), effects
        case CallEnded():
            state, effects = calling.ended(state)
            return _acted(state, now), effects


def seconds_left(state: State, *, profile: KioskProfile, now: Moment) -> float | None:
    """Return how long until the screen is wiped; None while nobody is here."""
    if isinstance(state.screen, Idle):
        return None
    return max(0.0, _warn_after(state, profile) + profile.page.wipe_after_warning_seconds - _quiet(state, now))


def _warn_after(state: State, profile: KioskProfile) -> int:
    listening = state.voice or aloud(state.screen)  # what is heard takes longer than what is read
    return profile.page.warn_after_seconds * (PATIENCE if state.unhurried or listening else 1)


def _quiet(state: State, now: Moment) -> float:
    return (now.monotonic_ns - state.acted_ns) / 1e9


def _expired(state: State, profile: KioskProfile, now: Moment) -> bool:
    return seconds_left(state, profile=profile, now=now) == 0.0


def _acted(state: State, now: Moment) -> State:
    return replace(state, acted_ns=now.monotonic_ns, warning=False)


def _wiped(state: State, profile: KioskProfile, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    if isinstance(state.screen, Idle):
        return begin(profile, now), ()
    return begin(profile, now), (Wipe(),)


def _pass_time(state: State, profile: KioskProfile, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    if isinstance(state.screen, Idle):
        # A language somebody chose and walked away from goes back to the first, too.
        waiting = profile.kiosk.call_seconds if state.calling else 0
        long_ago = _quiet(state, now) >= profile.page.warn_after_seconds + waiting
        return (begin(profile, now) if long_ago else state), ()
    if state.warning or _quiet(state, now) < _warn_after(state, profile):
        return state, ()
    return replace(state, warning=True), (Play(cue="attention"),)


def _advance(screen: Screen, event: Event, profile: KioskProfile, now: Moment) -> tuple[Screen, tuple[Effect, ...]]:  # noqa: C901, PLR0911, PLR0912 - one case per screen
    match screen:
        case Idle():
            return identifying.from_idle(screen, event, profile, now)
        case ChoosePurpose():
            return identifying.from_purpose(screen, event, profile, now)
        case ShowCard():
            return identifying.from_card(screen, event, profile, now)
        case Typing():
            return identifying.from_typing(screen, event, profile, now)
        case ConfirmPerson():
            return identifying.from_person(screen, event, profile, now)
        case AskChip() | LayCard() | TypeCan() | ChipShown():
            return chip_step.advance(screen, event, profile, now)
        case ChooseUnit():
            return staying.from_unit(screen, event, profile)
        case ChooseNights():
            return staying.from_nights(screen, event, profile, now)
        case ChooseReason():
            return staying.from_reason(screen, event, profile, now)
        case TellReason():
            return staying.from_telling(screen, event, profile, now)
        case Review() if screen.draft.members is not None:
            return gathering.from_group_review(screen, event, profile, now)
        case Review():
            return staying.from_review(screen, event, profile, now)
        case AskPathCode() | PathShown():
            return following.advance(screen, event)
        case OwnWords():
            return own_words.from_own_words(screen, event)
        case AskPermitted() | ChooseChange() | AskReceipt() | Gathering() | AskHost():
            return _advance_further(screen, event, profile, now)
        case Keeping():
            return _from_keeping(screen, event, profile)
        case PartyResult():
            return gathering.from_party(screen, event, profile)
        case Result():
            return _from_result(screen, event, profile, now)
        case WayIn():
            return way_in.from_way_in(screen, event)
        case NothingDue() | NotKept():
            return (Idle() if isinstance(event, WentBack) else screen), ()
        case _:
            assert_never(screen)


def _advance_further(
    screen: AskPermitted | ChooseChange | AskReceipt | Gathering | AskHost, event: Event, profile: KioskProfile, now: Moment
) -> tuple[Screen, tuple[Effect, ...]]:
    seen = identifying.read(event.capture, profile, now) if isinstance(event, CardSeen) else None
    match screen:
        case AskPermitted():
            return changing.from_permitted(screen, event, profile)
        case ChooseChange():
            return changing.from_choosing(screen, event, profile)
        case AskReceipt():
            return changing.from_receipt(screen, event, profile, now)
        case Gathering():
            return gathering.from_gathering(screen, event, seen, profile=profile, now=now)
        case AskHost():
            return hosting.from_host(screen, event, seen, profile=profile, now=now)


def _from_keeping(screen: Keeping, event: Event, profile: KioskProfile) -> tuple[Screen, tuple[Effect, ...]]:
    match event:
        case KeptSafely(declaration_id=about, code=code, own_code=own) if about == screen.declaration_id:
            kept = Result(declaration_id=about, statement=screen.statement, code=code, own_code=own, chip=screen.chip)
            kept = replace(kept, change=screen.change)
            if screen.statement == "paperless" and profile.printer.device:  # what they have instead of a paper, unasked
                return replace(kept, slip="printing"), (Play(cue="kept"), PrintSlip())
            return kept, (Play(cue="kept"),)
        case KeepingFailed(declaration_id=about, code=code) if about == screen.declaration_id:
            return NotKept(code=code), (Play(cue="problem"),)
        case _:
            return screen, ()


def _from_result(screen: Result, event: Event, profile: KioskProfile, now: Moment) -> tuple[Screen, tuple[Effect, ...]]:
    match event:
        case CardSeen() if screen.statement == "desk":  # a family's cards, held up in a row
            return identifying.from_idle(Idle(), event, profile, now)
        case SettlementChanged() if event.declaration_id == screen.declaration_id:
            if PROGRESS[event.standing] <= PROGRESS[screen.standing]:
                return screen, ()
            return _settled(screen, event), _cue_of(event.standing)
        case HostAnswered(declaration_id=about, answer=answer) if about == screen.declaration_id and answer != screen.host:
            return replace(screen, host=answer), (Play(cue="accepted" if answer == "confirmed" else "problem"),)
        case SlipWanted() if profile.printer.device and screen.slip != "printing":
            return replace(screen, slip="printing"), (PrintSlip(),)
        case SlipDone(code=code, outcome=outcome) if code == screen.code:
            return replace(screen, slip=outcome), ()
        case _:
            return way_in.from_result(screen, event, profile)


def _settled(screen: Result, event: SettlementChanged) -> Result:
    receipt = event.receipt
    if receipt is None:
        return replace(screen, standing=event.standing)
    findings = tuple(finding.code for finding in receipt.findings)
    return replace(screen, standing=event.standing, due=receipt.due, on_time=receipt.on_time, findings=findings, log=event.place)


def _cue_of(standing: Standing) -> tuple[Effect, ...]:
    if standing == "accepted":
        return (Play(cue="accepted"),)
    return (Play(cue="problem"),) if standing in {"refused", "conflicting"} else ()
