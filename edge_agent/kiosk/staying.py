"""How the stay is put together: unit, nights, reason, review, and the declaration made from them.

- The unit is one of the profile's; where the profile lists none and the premises kind needs one, it is typed freely.
- 1 to 29 nights: from 30 days on it is temporary residence (Residence Law Art. 27), which is not declared here.
- A stay ends at noon, local time. Before 05:00 the night that is ending counts as the first.
- A reason that says nothing by itself (*another reason*) is told in words, as the rules want it.
- A change of an earlier stay goes through the same questions and says only what changes (``changing.py``).
- The rules are asked before the person confirms, so nobody is surprised by the registry later; what they say never hides the
  button: an honest statement with a gap is kept and judged, it is not turned away at the door.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final

from edge_agent.kiosk import way_in
from edge_agent.kiosk.changes import ChangeKind
from edge_agent.kiosk.draft import Draft
from edge_agent.kiosk.effects import Effect, Keep
from edge_agent.kiosk.events import (
    Confirmed,
    Event,
    HostWanted,
    NightsChosen,
    ReasonChosen,
    ReasonTold,
    UnitChosen,
    WentBack,
    WordsWanted,
)
from edge_agent.kiosk.own_words import words_of
from edge_agent.kiosk.states import (
    AskHost,
    ChooseNights,
    ChooseReason,
    ChooseUnit,
    ConfirmPerson,
    Gathering,
    Keeping,
    Moment,
    OwnWords,
    Review,
    Screen,
    Statement,
    TellReason,
)
from firmware_config.profiles import KioskProfile
from residence.clock import VIETNAM, rfc3339
from residence.errors import problem
from residence.people.letters import stored_form
from residence.people.names import check_text
from residence.places.premises import PremisesKind
from residence.stays.check import LONGEST, check_declaration
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.stays.reasons import NEEDS_TEXT

MOST_NIGHTS: Final = 29
# Where a resident has guests; in lodgings the house declares.
HOMES: Final = frozenset({PremisesKind.HOUSEHOLD, PremisesKind.APARTMENT_BLOCK, PremisesKind.RENTAL_HOUSE})
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


def from_nights(screen: ChooseNights, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Take the number of nights."""
    match event:
        case NightsChosen(nights=nights) if 1 <= nights <= MOST_NIGHTS:
            draft = replace(screen.draft, nights=nights)
            return (judged(draft, profile, now) if _is(draft, "extension") else ChooseReason(draft=draft)), ()
        case WentBack():
            asked_unit = profile.asks_unit and not _is(screen.draft, "extension")
            return (ChooseUnit(draft=screen.draft) if asked_unit else ConfirmPerson(draft=screen.draft)), ()
        case _:
            return screen, ()


def from_reason(screen: ChooseReason, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Take the reason; one that needs words leads to the question for them."""
    match event:
        case ReasonChosen(reason=reason) if reason in REASONS and reason in NEEDS_TEXT:
            return TellReason(draft=replace(screen.draft, reason=reason)), ()
        case ReasonChosen(reason=reason) if reason in REASONS:
            return _reasoned(replace(screen.draft, reason=reason, reason_text=None), profile, now), ()
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
            return _reasoned(replace(screen.draft, reason_text=words), profile, now), ()
        case WentBack():
            return ChooseReason(draft=screen.draft), ()
        case _:
            return screen, ()


def _reasoned(draft: Draft, profile: KioskProfile, now: Moment) -> Screen:
    """Go on after the last question about the stay: a group says next who else is there."""
    return judged(draft, profile, now) if draft.members is None else Gathering(draft=draft)


def judged(draft: Draft, profile: KioskProfile, now: Moment) -> Review:
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
            statement: Statement = "paperless" if screen.draft.typed and screen.draft.typed.paperless else "stay"
            worth = way_in.worth_of(declaration.evidence, profile)
            change = screen.draft.change.kind if screen.draft.change else None
            keeping = Keeping(declaration_id=own_id, statement=statement, chip=worth, change=change)
            return keeping, (Keep(declaration=declaration),)
        case HostWanted() if can_have_host(screen.draft, profile):
            return AskHost(draft=screen.draft), ()
        case WordsWanted() if words_of(screen.draft):
            return OwnWords(review=screen), ()
        case WentBack():
            return _before_review(screen.draft), ()
        case _:
            return screen, ()


def _before_review(draft: Draft) -> Screen:
    if draft.change is not None and draft.change.kind in {"departure", "withdrawal"}:
        return ConfirmPerson(draft=draft)
    if _is(draft, "extension"):
        return ChooseNights(draft=draft)
    return TellReason(draft=draft) if draft.reason in NEEDS_TEXT else ChooseReason(draft=draft)


def _is(draft: Draft, kind: ChangeKind) -> bool:
    return draft.change is not None and draft.change.kind == kind


def can_have_host(draft: Draft, profile: KioskProfile) -> bool:
    """Tell whether a resident could confirm this: at homes, for whoever declares for themselves."""
    return profile.role == "self" and profile.premises.kind in HOMES and draft.change is None and draft.members is None


def begins(draft: Draft, now: datetime) -> datetime:
    """Return when the stay begins: now, or when the declaration being corrected was made."""
    return draft.change.arrival if draft.change is not None and draft.change.arrival is not None else now


def leaving(arrival: datetime, nights: int) -> datetime:
    """Return when a stay of ``nights`` that begins at ``arrival`` is planned to end, in Vietnam's time."""
    local = arrival.astimezone(VIETNAM)
    first_evening = local.date() - timedelta(days=1 if local.time() < NIGHT_ENDS else 0)
    return datetime.combine(first_evening + timedelta(days=nights), LEAVING_TIME, VIETNAM)


def declaration_of(draft: Draft, *, declaration_id: str, profile: KioskProfile, now: Moment) -> StayDeclaration:
    """Return the declaration the person is about to confirm. It begins now, but for a correction."""
    declared_at = now.wall.astimezone(VIETNAM).replace(microsecond=0)
    arrival = begins(draft, declared_at).astimezone(VIETNAM).replace(microsecond=0)
    change, typed = draft.change, draft.typed
    return StayDeclaration(
        declaration_id=declaration_id,
        declared_at=rfc3339(declared_at),
        kind=change.kind if change else "arrival",
        about=change.about if change else None,
        person=draft.reading.person,
        evidence=draft.reading.evidence,
        declarant=_declarant(draft, profile),
        premises_id=profile.premises.id,
        unit=draft.unit,
        arrival=rfc3339(arrival),
        planned_departure=_until(draft, arrival),
        reason=draft.reason,
        reason_text=draft.reason_text,
        permitted_stay_until=typed.permitted_until if typed else draft.permitted_until,
        note=typed.words if typed else None,
    )


def _until(draft: Draft, arrival: datetime) -> str | None:
    """Return the planned end; who leaves now has left, and what is taken back has none."""
    if draft.change is not None and draft.change.kind in {"departure", "withdrawal"}:
        return rfc3339(arrival) if draft.change.kind == "departure" else None
    return rfc3339(leaving(arrival, draft.nights))


_NO_WORDS: Final = (problem("declaration.reason_text_missing", "/reason_text"),)
_NO_ID: Final = "00000000-0000-7000-8000-000000000000"  # judged on the screen, never sent


def _declarant(draft: Draft, profile: KioskProfile) -> Declarant:
    helper = draft.typed.helper if draft.typed else None
    if draft.host is not None:
        return Declarant(role="household", name=draft.host, helper=helper)
    name = profile.kiosk.declarant_name if profile.role == "facility" else None
    return Declarant(role=profile.role, name=name, helper=helper)


def _unit_named(text: str, profile: KioskProfile) -> str | None:
    wanted = " ".join(text.split())
    if not profile.premises.units:
        return wanted if 0 < len(wanted) <= LONGEST_UNIT else None
    by_name = {unit.casefold(): unit for unit in profile.premises.units}
    return by_name.get(wanted.casefold())
