"""Who stands here: purpose, card, typed answers, "is this you?".

- A card is believed exactly as far as ``residence.credentials`` says; what the person types is level 0 and says so.
- A code that is no card leaves the person on the same screen with a sentence, never with a full stop.
- "I have no card" asks one question after the other (``asking.py``). Nobody is sent away.
- A hotel desk and a guard post skip the question of purpose: whoever is brought there stays the night.
- At the entrance a card is kept at once. A name from a machine-readable zone is compared first: no check digit covers it.
- At a desk that says so, a card goes to the clerk's open page and nothing is asked here; whoever has no card is asked as ever.
- "This is not me" forgets the reading at once.
"""

from __future__ import annotations

from dataclasses import replace

from edge_agent.kiosk.asking import FIRST, QUESTIONS, answered, comes, next_question, question_before, stated
from edge_agent.kiosk.changing import CHANGES, after_person, draft_for, purpose_of
from edge_agent.kiosk.chip_acts import CodeWorn
from edge_agent.kiosk.chip_step import after_person as after_person_by_chip
from edge_agent.kiosk.chip_step import of_worn_card
from edge_agent.kiosk.draft import Draft, TypedPerson
from edge_agent.kiosk.effects import Effect, KeepPresence, Play
from edge_agent.kiosk.events import (
    CardSeen,
    Event,
    NoCard,
    NoPapers,
    NotMe,
    PersonConfirmed,
    PurposeChosen,
    Started,
    Typed,
    WentBack,
)
from edge_agent.kiosk.gathering import with_typed
from edge_agent.kiosk.states import (
    ChooseChange,
    ChoosePurpose,
    ConfirmPerson,
    Gathering,
    Idle,
    Keeping,
    Moment,
    NothingDue,
    Screen,
    ShowCard,
    Statement,
    Typing,
)
from edge_agent.readers.port import Capture
from firmware_config.profiles import KioskProfile
from residence.clock import VIETNAM, rfc3339
from residence.credentials.evidence import Reading
from residence.credentials.reading import MrzOutcome, PayloadOutcome, read_mrz, read_payload
from residence.errors import Problem, problem
from residence.wire.messages import Presence

Move = tuple[Screen, tuple[Effect, ...]]


def from_idle(screen: Idle, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Begin: a touch asks for the purpose, a card goes ahead of the question."""
    match event:
        case Started():
            return (ChoosePurpose() if _asks_purpose(profile) else ShowCard(purpose="stay")), ()
        case CardSeen(capture=capture, fresh_id=fresh_id):
            reading = read(capture, profile, now)
            if isinstance(reading, Problem):
                return ShowCard(purpose="stay", hint=reading), (Play(cue="problem"),)
            if _to_desk_page(profile):
                return _kept(reading, fresh_id, profile, now, for_desk=True)
            if profile.kiosk.presence and _asks_purpose(profile):
                return ChoosePurpose(reading=reading, fresh_id=fresh_id), (Play(cue="card-read"),)
            return ConfirmPerson(draft=Draft(reading=reading)), (Play(cue="card-read"),)
        case _:
            return screen, ()


def from_purpose(screen: ChoosePurpose, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Only a night's stay is declared; the others end here, and nothing is made."""
    match event:
        case PurposeChosen(purpose="stay" | "group" as purpose) if screen.reading is not None:
            return ConfirmPerson(draft=draft_for(purpose, screen.reading)), ()
        case PurposeChosen(purpose="stay" | "group" as purpose):
            return ShowCard(purpose=purpose), ()
        case PurposeChosen(purpose="change"):
            return ChooseChange(reading=screen.reading), ()
        case PurposeChosen(purpose="entry") if profile.kiosk.presence and screen.reading is not None:
            return _at_the_entrance(screen.reading, screen.fresh_id, profile, now)
        case PurposeChosen(purpose="entry") if profile.kiosk.presence:
            return ShowCard(purpose="entry"), ()
        case PurposeChosen(purpose="resident" | "day-visit" as why):
            return NothingDue(why=why), ()
        case WentBack():
            return Idle(), ()
        case _:
            return screen, ()


def from_card(screen: ShowCard, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Wait for a card, or for "I have no card"."""
    match event:
        case CardSeen(capture=capture, fresh_id=fresh_id):
            reading = read(capture, profile, now)
            if isinstance(reading, Problem):
                return replace(screen, hint=reading), (() if reading == screen.hint else (Play(cue="problem"),))
            if screen.purpose == "entry":
                return _at_the_entrance(reading, fresh_id, profile, now)
            if screen.purpose == "stay" and _to_desk_page(profile):
                return _kept(reading, fresh_id, profile, now, for_desk=True)
            return ConfirmPerson(draft=draft_for(screen.purpose, reading)), (Play(cue="card-read"),)
        case CodeWorn() if takes_worn_cards(screen, profile):
            return of_worn_card(screen.purpose, event, profile), ()
        case _:
            return _without_card(screen, event, profile)


def _without_card(screen: ShowCard, event: Event, profile: KioskProfile) -> Move:
    """Go on without a card, or to what a desk may do instead; the way back leads where the question came from."""
    match event:
        case NoCard() if screen.purpose == "entry":
            return NothingDue(why="entry-without-card"), ()
        case NoCard():
            return Typing(asked=FIRST, typed=TypedPerson(has_reader=profile.chip.enabled), purpose=screen.purpose), ()
        case NoPapers() if screen.purpose in {"stay", "group"}:
            return Typing(asked=FIRST, typed=TypedPerson(paperless=True), purpose=screen.purpose), ()
        case PurposeChosen(purpose="group" | "change" as purpose) if not _asks_purpose(profile):
            return (ShowCard(purpose="group") if purpose == "group" else ChooseChange()), ()
        case WentBack() if screen.purpose in CHANGES:
            return ChooseChange(), ()
        case WentBack() if _asks_purpose(profile):
            return ChoosePurpose(), ()
        case WentBack():
            return (ShowCard(purpose="stay") if screen.purpose == "group" else Idle()), ()
        case _:
            return screen, ()


def takes_worn_cards(screen: ShowCard, profile: KioskProfile) -> bool:
    """Tell whether a card whose code cannot be read may be read by its chip here."""
    return profile.chip.enabled and not profile.chip.model and screen.purpose in {"stay", "group"}


def from_typing(screen: Typing, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Take one typed answer and ask the next question; a card shown meanwhile takes its place."""
    match event:
        case Typed(asked=asked, text=text) if asked == screen.asked:
            answer = answered(screen.typed, asked, text, now)
            return (replace(screen, problem=answer) if isinstance(answer, Problem) else _after(screen, answer, profile)), ()
        case CardSeen(capture=capture):
            reading = read(capture, profile, now)
            if isinstance(reading, Problem) or screen.group is not None:
                return screen, ()
            return ConfirmPerson(draft=draft_for(screen.purpose, reading)), (Play(cue="card-read"),)
        case WentBack():
            before = question_before(screen.asked, screen.typed)
            if before is None and screen.group is not None:
                return Gathering(draft=screen.group), ()
            return (replace(screen, asked=before, problem=None) if before else ShowCard(purpose=screen.purpose)), ()
        case _:
            return screen, ()


def from_person(screen: ConfirmPerson, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Go on with this person, or forget them."""
    match event:
        case PersonConfirmed() if screen.entering is not None:
            return _kept(screen.draft.reading, screen.entering, profile, now)
        case PersonConfirmed(fresh_id=fresh_id):
            if screen.draft.change is not None:
                return after_person(screen.draft, profile, now), ()
            return after_person_by_chip(screen.draft, fresh_id, profile)
        case NotMe():
            return ShowCard(purpose=purpose_of(screen.draft) if screen.entering is None else "entry"), ()
        case WentBack() if screen.draft.typed is not None:
            last = next(each for each in reversed(QUESTIONS) if comes(each, screen.draft.typed))
            return Typing(asked=last, typed=screen.draft.typed, purpose=purpose_of(screen.draft)), ()
        case WentBack() if screen.draft.change is not None:
            return ShowCard(purpose=purpose_of(screen.draft)), ()
        case WentBack():
            return (ChoosePurpose() if _asks_purpose(profile) else ShowCard(purpose="stay")), ()
        case _:
            return screen, ()


def _asks_purpose(profile: KioskProfile) -> bool:
    return profile.kiosk.kind == "lobby"


def _to_desk_page(profile: KioskProfile) -> bool:
    return profile.kiosk.kind == "hotel-desk" and profile.kiosk.to_desk_page


def read(capture: Capture, profile: KioskProfile, now: Moment) -> Reading | Problem:
    """Return the reading, or the problem that says best why there is none."""
    today = now.wall.astimezone(VIETNAM).date()
    outcome: PayloadOutcome | MrzOutcome
    if capture.kind == "mrz":
        lines = capture.payload.decode("ascii", "replace").splitlines()
        outcome = read_mrz(lines, reader=capture.reader, today=today, no_expiry=profile.choices.no_expiry)
    else:
        outcome = read_payload(capture.payload, reader=capture.reader, today=today, policy=profile.choices.card)
    return outcome.reading or _first_error(outcome.problems) or problem("kiosk.no_card_in_code")


def _at_the_entrance(reading: Reading, fresh_id: str, profile: KioskProfile, now: Moment) -> Move:
    if reading.person.name_quality == "mrz":
        return ConfirmPerson(draft=Draft(reading=reading), entering=fresh_id), (Play(cue="card-read"),)
    return _kept(reading, fresh_id, profile, now)


def _kept(reading: Reading, fresh_id: str, profile: KioskProfile, now: Moment, *, for_desk: bool = False) -> Move:
    presence = Presence(
        declaration_id=fresh_id,
        seen_at=rfc3339(now.wall.astimezone(VIETNAM)),
        kind="entry",
        premises_id=profile.premises.id,
        person=reading.person,
        evidence=reading.evidence,
        for_desk=for_desk,
    )
    statement: Statement = "desk" if for_desk else "entry"
    return Keeping(declaration_id=fresh_id, statement=statement), (KeepPresence(presence=presence),)


def _after(screen: Typing, typed: TypedPerson, profile: KioskProfile) -> Screen:
    following = next_question(screen.asked, typed)
    if screen.group is not None and following in {None, "helper"}:  # the leader is the helper
        return with_typed(screen.group, stated(typed, profile), typed)
    if following is not None:
        return replace(screen, asked=following, typed=typed, problem=None)
    return ConfirmPerson(draft=draft_for(screen.purpose, stated(typed, profile), typed))


def _first_error(problems: tuple[Problem, ...]) -> Problem | None:
    return next((each for each in problems if each.severity == "error"), None)
