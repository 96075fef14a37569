"""What becomes of a stay declared before: longer, over now, another room, or not true at all.

- The kiosk holds no list of who stays: longer and over now are stated by the person with a card, and the registry finds the stay.
- Another room and "not me" are about one declaration; its receipt code names it, typed or shown as QR. The outbox knows the codes
  of what was kept here; any other code gets a sentence, and nothing is changed.
- A correction says everything again. When the first declaration was made is in its id, so the arrival is not asked twice.
- A foreigner whose passport was read is asked for the end of the permitted stay, which no passport says.

Example: ``draft_for("extend", reading).change.kind == "extension"``
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from edge_agent.kiosk.asking import VIETNAMESE, whole_day
from edge_agent.kiosk.changes import Change, ChangeKind
from edge_agent.kiosk.draft import Draft, TypedPerson
from edge_agent.kiosk.effects import Effect, LookUp
from edge_agent.kiosk.events import CardSeen, CodeGiven, Event, PurposeChosen, Typed, WentBack
from edge_agent.kiosk.news import CodeFound
from edge_agent.kiosk.path_states import AskPathCode
from edge_agent.kiosk.states import (
    AskPermitted,
    AskReceipt,
    ChooseChange,
    ChooseNights,
    ChoosePurpose,
    ChooseUnit,
    ConfirmPerson,
    Moment,
    Purpose,
    Screen,
    ShowCard,
)
from edge_agent.kiosk.staying import first_question, judged
from firmware_config.profiles import KioskProfile
from residence.credentials.evidence import Reading
from residence.errors import Malformed, Problem, problem
from residence.wire.receipts import parse_receipt_code

CHANGES: Final[dict[Purpose, ChangeKind]] = {
    "extend": "extension",
    "leave": "departure",
    "correct": "correction",
    "withdraw": "withdrawal",
}
LONGEST_CODE: Final = 20
CODE: Final = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")

Move = tuple[Screen, tuple[Effect, ...]]


def draft_for(purpose: Purpose, reading: Reading, typed: TypedPerson | None = None) -> Draft:
    """Return the draft that a person's reading begins."""
    change = Change(kind=CHANGES[purpose]) if purpose in CHANGES else None
    return Draft(reading=reading, typed=typed, change=change, members=() if purpose == "group" else None)


def purpose_of(draft: Draft) -> Purpose:
    """Return what a draft was begun for, so that "this is not me" asks again for the same."""
    if draft.change is not None:
        return next(purpose for purpose, kind in CHANGES.items() if kind == draft.change.kind)
    return "stay" if draft.members is None else "group"


def from_choosing(screen: ChooseChange, event: Event, profile: KioskProfile) -> Move:
    """Take what is to change."""
    match event:
        case PurposeChosen(purpose="extend" | "leave" | "correct" | "withdraw" as purpose):
            if screen.reading is not None:
                return ConfirmPerson(draft=draft_for(purpose, screen.reading)), ()
            return ShowCard(purpose=purpose), ()
        case PurposeChosen(purpose="path"):
            return AskPathCode(), ()
        case WentBack() if profile.kiosk.kind == "lobby":
            return ChoosePurpose(reading=None), ()
        case WentBack():
            return ShowCard(purpose="stay"), ()
        case _:
            return screen, ()


def after_person(draft: Draft, profile: KioskProfile, now: Moment) -> Screen:
    """Return the first question after "yes, this is me"."""
    match draft.change:
        case Change(kind="extension"):
            return ChooseNights(draft=draft)
        case Change(kind="departure"):
            return judged(draft, profile, now)
        case Change():
            return AskReceipt(draft=draft)
        case _:
            return after_identity(draft, profile)


def after_identity(draft: Draft, profile: KioskProfile) -> Screen:
    """Return the first question about a new stay: of a foreigner whose passport was read, the end of the permitted stay."""
    if draft.typed is None and draft.reading.person.nationality not in {None, VIETNAMESE}:
        return AskPermitted(draft=draft)
    return first_question(draft, profile)


def from_permitted(screen: AskPermitted, event: Event, profile: KioskProfile) -> Move:
    """Take the end of the permitted stay; it may be skipped, the rules then warn."""
    match event:
        case Typed(asked="permitted", text=text):
            last = whole_day(text, "/permitted_stay_until")
            if isinstance(last, Problem):
                return replace(screen, problem=last), ()
            return first_question(replace(screen.draft, permitted_until=last), profile), ()
        case WentBack():
            return ConfirmPerson(draft=screen.draft), ()
        case _:
            return screen, ()


def from_receipt(screen: AskReceipt, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Take the receipt code, have it looked for, go on with what it names."""
    match event:
        case CodeGiven(text=text):
            return _look_for(screen, text)
        case CardSeen(capture=capture):
            shown = CODE.search(capture.payload.decode("utf-8", "replace").upper())
            return _look_for(screen, shown[0]) if shown else (screen, ())
        case CodeFound(code=code, declaration_id=found) if screen.waiting and code == screen.tried:
            if found is None:
                return replace(screen, waiting=False, problem=problem("kiosk.code_unknown", "/about")), ()
            return _about(screen.draft, found, profile, now), ()
        case WentBack():
            return ConfirmPerson(draft=screen.draft), ()
        case _:
            return screen, ()


def _look_for(screen: AskReceipt, text: str) -> Move:
    try:
        code = parse_receipt_code(text)
    except Malformed as error:
        return replace(screen, tried=text.strip()[:LONGEST_CODE], problem=problem(error.code, "/about"), waiting=False), ()
    return replace(screen, tried=code, problem=None, waiting=True), (LookUp(code=code),)


def _about(draft: Draft, declaration_id: str, profile: KioskProfile, now: Moment) -> Screen:
    """Go on with a change whose declaration was found."""
    kind: ChangeKind = draft.change.kind if draft.change else "withdrawal"
    known = replace(draft, change=Change(kind=kind, about=declaration_id, arrival=_made_at(declaration_id)))
    if kind == "withdrawal":
        return judged(known, profile, now)
    return ChooseUnit(draft=known) if profile.asks_unit else ChooseNights(draft=known)


def _made_at(declaration_id: str) -> datetime:
    """Return when a declaration was made: a UUIDv7 begins with its milliseconds."""
    return datetime.fromtimestamp((UUID(declaration_id).int >> 80) / 1000, UTC)
