"""Every reason the kiosk offers can be declared: the one that needs words gets its question."""

from __future__ import annotations

import pytest
from factories import StandingClock, make_id
from kiosk_page_parts import LOBBY, card_seen, make_profile, moment

from edge_agent.kiosk import states as screens
from edge_agent.kiosk.dialogue import begin, step
from edge_agent.kiosk.effects import Keep
from edge_agent.kiosk.events import (
    Confirmed,
    NightsChosen,
    PersonConfirmed,
    PurposeChosen,
    ReasonChosen,
    ReasonTold,
    UnitChosen,
    WentBack,
)
from edge_agent.kiosk.staying import REASONS
from residence.stays.check import check_declaration
from residence.stays.declaration import Reason

PROFILE = make_profile(LOBBY)
TO_REASON = (card_seen(), PurposeChosen(purpose="stay"), PersonConfirmed(), UnitChosen(unit="1203"), NightsChosen(nights=2))
OTHER = ReasonChosen(reason=Reason.OTHER)
WORDS = ReasonTold(text="  Trông nhà hộ   bà ngoại ")


def walk(*events):
    clock = StandingClock()
    state, effects = begin(PROFILE, moment(clock)), []
    for event in (*TO_REASON, *events):
        clock.pass_time(seconds=1)
        state, made = step(state, event, profile=PROFILE, now=moment(clock))
        effects += made
    return state.screen, effects


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_offered_makes_a_declaration_without_an_error(reason):
    told = (WORDS,) if reason is Reason.OTHER else ()
    screen, effects = walk(ReasonChosen(reason=reason), *told, Confirmed(fresh_id=make_id()))
    assert isinstance(screen, screens.Keeping)
    (declaration,) = [each.declaration for each in effects if isinstance(each, Keep)]
    result = check_declaration(declaration, premises=PROFILE.place(), rules=PROFILE.choices.rules, now=StandingClock().now())
    assert not [each.code for each in result.problems if each.severity == "error"]
    assert declaration.reason is reason


def test_another_reason_is_told_in_words_and_the_words_are_declared():
    screen, effects = walk(OTHER, WORDS, Confirmed(fresh_id=make_id()))
    assert isinstance(screen, screens.Keeping)
    (declaration,) = [each.declaration for each in effects if isinstance(each, Keep)]
    assert (declaration.reason, declaration.reason_text) == (Reason.OTHER, "Trông nhà hộ bà ngoại")


@pytest.mark.parametrize("text", ["", "   ", "<b>xem</b>", "x" * 201])
def test_words_that_would_be_refused_are_asked_for_again(text):
    screen, _ = walk(OTHER, ReasonTold(text=text))
    assert isinstance(screen, screens.TellReason)
    assert screen.problem.severity == "error"
    assert isinstance(walk(OTHER, ReasonTold(text=text), WORDS)[0], screens.Review)


def test_going_back_keeps_the_words_until_another_reason_is_chosen():
    screen, _ = walk(OTHER, WORDS, WentBack())
    assert isinstance(screen, screens.TellReason)
    assert screen.draft.reason_text == "Trông nhà hộ bà ngoại"
    screen, _ = walk(OTHER, WORDS, WentBack(), WentBack(), ReasonChosen(reason=Reason.VISIT))
    assert isinstance(screen, screens.Review)
    assert screen.draft.reason_text is None


def test_the_words_are_in_no_log():
    screen, _ = walk(OTHER, WORDS)
    assert "Trông nhà" not in repr(screen)
    assert "Trông nhà" not in repr(WORDS)
