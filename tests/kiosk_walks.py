"""The roads a person takes through the kiosk's dialogue, as events; and how to walk them."""

from __future__ import annotations

from factories import StandingClock, make_id
from kiosk_page_parts import LOBBY, card_seen, make_profile, moment

from edge_agent.kiosk.dialogue import begin, step
from edge_agent.kiosk.events import (
    Confirmed,
    NightsChosen,
    NoCard,
    PersonConfirmed,
    PurposeChosen,
    ReasonChosen,
    Started,
    Typed,
    UnitChosen,
)
from edge_agent.kiosk.news import KeptSafely
from residence.stays.declaration import Reason

ID = make_id()


def walk(*events, text=LOBBY, clock=None):
    """Return the last state and all effects of a walk that begins at idle."""
    clock = clock or StandingClock()
    profile = make_profile(text)
    state, effects = begin(profile, moment(clock)), []
    for event in events:
        clock.pass_time(seconds=1)
        state, made = step(state, event, profile=profile, now=moment(clock))
        effects += made
    return state, effects


STAY = PurposeChosen(purpose="stay")
TO_PERSON = (Started(), STAY, card_seen())
TO_NIGHTS = (*TO_PERSON, PersonConfirmed(), UnitChosen(unit="1203"))
TO_REVIEW = (*TO_NIGHTS, NightsChosen(nights=2), ReasonChosen(reason=Reason.VISIT))
KEPT = (*TO_REVIEW, Confirmed(fresh_id=ID), KeptSafely(declaration_id=ID, code="AAAA-BBBB-CCCC"))
NAME = Typed(asked="name", text="Nguyễn Thị Bình")
TYPED = (
    Started(),
    STAY,
    NoCard(),
    NAME,
    Typed(asked="birth", text="00001967"),
    Typed(asked="sex", text="female"),
    Typed(asked="nationality", text="VNM"),
    Typed(asked="number", text=""),
    Typed(asked="helper", text="Lê Văn Giúp"),
)
