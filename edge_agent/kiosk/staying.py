"""How the stay is put together: unit, nights, reason, review, and the declaration made from them.

- The unit is one of the profile's; where the profile lists none and the premises kind needs one, it is typed freely.
- 1 to 29 nights: from 30 days on it is temporary residence (Residence Law Art. 27), which is not declared here.
- A stay ends at noon, local time. Before 05:00 the night that is ending counts as the first.
- A reason that says nothing by itself (*another reason*) is told in words, as the rules want it.
- The rules are asked before the person confirms, so nobody is surprised by the registry later; what they say never hides the
  button: an honest statement with a gap is kept and judged, it is not turned away at the door.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final

from edge_agent.kiosk.events import (
    Confirmed,
    Effect,
    Event,
    Keep,
    NightsChosen,
    ReasonChosen,
    ReasonTold,
    UnitChosen,
    WentBack,
)
from edge_agent.kiosk.states import (
    ChooseNights,
    ChooseReason,
    ChooseUnit,
    ConfirmPerson,
    Draft,
    Keeping,
    Moment,
    Review,
    Screen,
    TellReason,
)
from firmware_config.profiles import KioskProfile
from residence.clock import VIETNAM, rfc3339
from residence.errors import problem
from residence.people.letters import stored_form
from residence.people.names import check_text
from residence.stays.check import LONGEST, check_declaration
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.stays.reasons import NEEDS_TEXT

MOST_NIGHTS: Final = 29
LEAVING_TIME: Final = time(12, 0)
NIGHT_ENDS: Final = time(5, 0)
LONGEST_UNIT: Final = 20
# The reasons offered on the screen; the registry knows more.
REASONS: Final[tuple[Reason, ...]] = (
    Reason.FAMILY_VISIT,
    Reason.VISIT,
    Reason.TOURISM,
    Reason.WORK,
    Reason.STUDY,
    Reason.MEDICAL,
    Reason.BUSINESS,
    Reason.OTHER,
)

Move = tuple[Screen, tuple[Effect, ...]]


def first_question(draft: Draft, profile: KioskProfile) -> Screen:
    """Return the first question about the stay at this place."""
    return ChooseUnit(draft=draft) if profile.asks_unit else ChooseNights(draft=draft)


def from_unit(screen: ChooseUnit, event: Event, profile: KioskProfile) -> Move:
    """Take the apartment or room."""
    match event:
        case UnitChosen(unit=text):
            unit = _unit_named(text, profile)
            if unit is None:
                return replace(screen, tried=text.strip()[:LONGEST_UNIT], problem=problem("kiosk.unit_unknown", "/unit")), ()
            return ChooseNights(draft=replace(screen.draft, unit=unit)), ()
        case WentBack():
            return ConfirmPerson(draft=screen.draft), ()
        case _:
            return screen, ()


def from_nights(screen: ChooseNights, event: Event, profile: KioskProfile) -> Move:
    """Take the number of nights."""
    match event:
        case NightsChosen(nights=nights) if 1 <= nights <= MOST_NIGHTS:
            return ChooseReason(draft=replace(screen.draft, nights=nights)), ()
        case WentBack():
            back = ChooseUnit(draft=screen.draft) if profile.asks_unit else ConfirmPerson(draft=screen.draft)
            return back, ()
        case _:
            return screen, ()


def from_reason(screen: ChooseReason, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Take the reason; one that needs words leads to the question for them."""
    match event:
        case ReasonChosen(reason=reason) if reason in REASONS and reason in NEEDS_TEXT:
            return TellReason(draft=replace(screen.draft, reason=reason)), ()
        case ReasonChosen(reason=reason) if reason in REASONS:
            return _judged(replace(screen.draft, reason=reason, reason_text=None), profile, now), ()
        case WentBack():
            return ChooseNights(draft=screen.draft), ()
        case _:
            return screen, ()


def from_telling(screen: TellReason, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Take the reason in words."""
    match event:
        case ReasonTold(text=text):
            words = stored_form(" ".join(text.split()))
            wrong = check_text(words, "/reason_text", longest=LONGEST["reason_text"]) if words else _NO_WORDS
            if wrong:
                return replace(screen, tried=words, problem=wrong[0]), ()
            return _judged(replace(screen.draft, reason_text=words), profile, now), ()
        case WentBack():
            return ChooseReason(draft=screen.draft), ()
        case _:
            return screen, ()


def _judged(draft: Draft, profile: KioskProfile, now: Moment) -> Review:
    """Ask the rules about all of it."""
    declaration = declaration_of(draft, declaration_id=_NO_ID, profile=profile, now=now)
    result = check_declaration(declaration, premises=profile.place(), rules=profile.choices.rules, now=now.wall)
    return Review(draft=draft, problems=tuple(result.problems))


def from_review(screen: Review, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Keep it, once."""
    match event:
        case Confirmed(fresh_id=fresh_id):
            own_id = screen.draft.own_id or fresh_id  # a chip was bound to the first
            declaration = declaration_of(screen.draft, declaration_id=own_id, profile=profile, now=now)
            return Keeping(declaration_id=own_id, statement="stay"), (Keep(declaration=declaration),)
        case WentBack():
            told = screen.draft.reason in NEEDS_TEXT
            return (TellReason(draft=screen.draft) if told else ChooseReason(draft=screen.draft)), ()
        case _:
            return screen, ()


def leaving(arrival: datetime, nights: int) -> datetime:
    """Return when a stay of ``nights`` that begins at ``arrival`` is planned to end, in Vietnam's time."""
    local = arrival.astimezone(VIETNAM)
    first_evening = local.date() - timedelta(days=1 if local.time() < NIGHT_ENDS else 0)
    return datetime.combine(first_evening + timedelta(days=nights), LEAVING_TIME, VIETNAM)


def declaration_of(draft: Draft, *, declaration_id: str, profile: KioskProfile, now: Moment) -> StayDeclaration:
    """Return the declaration the person is about to confirm. It begins now."""
    arrival = now.wall.astimezone(VIETNAM).replace(microsecond=0)
    return StayDeclaration(
        declaration_id=declaration_id,
        declared_at=rfc3339(arrival),
        person=draft.reading.person,
        evidence=draft.reading.evidence,
        declarant=_declarant(draft, profile),
        premises_id=profile.premises.id,
        unit=draft.unit,
        arrival=rfc3339(arrival),
        planned_departure=rfc3339(leaving(arrival, draft.nights)),
        reason=draft.reason,
        reason_text=draft.reason_text,
        permitted_stay_until=draft.typed.permitted_until if draft.typed else None,
    )


_NO_WORDS: Final = (problem("declaration.reason_text_missing", "/reason_text"),)
_NO_ID: Final = "00000000-0000-7000-8000-000000000000"  # judged on the screen, never sent


def _declarant(draft: Draft, profile: KioskProfile) -> Declarant:
    helper = draft.typed.helper if draft.typed else None
    name = profile.kiosk.declarant_name if profile.role == "facility" else None
    return Declarant(role=profile.role, name=name, helper=helper)


def _unit_named(text: str, profile: KioskProfile) -> str | None:
    wanted = " ".join(text.split())
    if not profile.premises.units:
        return wanted if 0 < len(wanted) <= LONGEST_UNIT else None
    by_name = {unit.casefold(): unit for unit in profile.premises.units}
    return by_name.get(wanted.casefold())
