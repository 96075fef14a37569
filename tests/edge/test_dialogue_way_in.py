"""The code for a phone on the kiosk's result: offered to whom a chip spoke for, once the registry said yes, asked for, and gone with the screen."""

from __future__ import annotations

import dataclasses

import pytest
from kiosk_page_parts import LOBBY, make_profile
from kiosk_states import COPYABLE, FIRST, GENUINE, STATES, TICKET, WITH_CHIP, page_of
from kiosk_walks import walk

from edge_agent.kiosk import effects, events
from edge_agent.kiosk.look_up import said_by_code
from edge_agent.kiosk.states import Idle, Result, WayIn
from edge_agent.kiosk.way_in import may_open

PAGE = 'way_in_url = "https://example.org/sign-in/kiosk"\n'
CHIP = "[chip]\nenabled = true\n[page]\n"
ACCEPTED = STATES["chip-accepted"].screen


def walked(*more, page=PAGE):
    return walk(*WITH_CHIP, *more, text=LOBBY + CHIP + page)


def test_it_is_asked_for_shown_and_left_again_and_nothing_of_it_stays():
    state, done = walked(events.WayInWanted())
    assert done[-1] == effects.SignTicket(declaration_id=FIRST, own_code=ACCEPTED.own_code)
    assert isinstance(state.screen, Result)
    state, _ = walked(events.WayInWanted(), TICKET)
    profile = make_profile(LOBBY + CHIP + PAGE)
    assert said_by_code(state.screen, "0", profile) == f"https://example.org/sign-in/kiosk#{TICKET.text}"
    assert TICKET.text not in repr(state)
    assert walked(events.WayInWanted(), TICKET, events.WentBack())[0].screen == ACCEPTED
    assert walked(events.WayInWanted(), TICKET, events.Cancelled())[0].screen == Idle()


NOT_OFFERED = {
    "before the registry has accepted": {"standing": "received"},
    "when it conflicts": {"standing": "conflicting"},
    "without a chip that is worth enough": {"chip": "short"},
    "without a chip": {"chip": ""},
    "where the slip has no code of one's own": {"own_code": ""},
}


@pytest.mark.parametrize("changes", NOT_OFFERED.values(), ids=NOT_OFFERED)
def test_it_is_not_offered(changes):
    profile = make_profile(LOBBY + CHIP + PAGE)
    assert may_open(ACCEPTED, profile)
    assert not may_open(dataclasses.replace(ACCEPTED, **changes), profile)


@pytest.mark.parametrize(("page", "offered"), [("", False), (PAGE, True), (PAGE + "way_in_level = 4\n", True)])
def test_only_where_the_profile_names_the_page(page, offered):
    state, done = walked(events.WayInWanted(), page=page)
    assert isinstance(done[-1], effects.SignTicket) is offered
    assert isinstance(state.screen, Result)


@pytest.mark.parametrize("ticket", [dataclasses.replace(TICKET, text=""), dataclasses.replace(TICKET, declaration_id="another")])
def test_a_kiosk_that_makes_none_and_a_ticket_of_another_visit_change_nothing(ticket):
    assert walked(events.WayInWanted(), ticket)[0].screen == ACCEPTED


def test_the_button_stands_on_the_result_and_the_code_on_a_screen_of_its_own():
    assert 'value="my-page"' in page_of("chip-accepted", "en")
    assert 'value="my-page"' not in page_of("accepted", "en")
    assert isinstance(STATES["chip-way-in"].screen, WayIn)
    assert "Scan this with your own phone" in page_of("chip-way-in", "en")


def test_whose_chip_could_be_a_copy_is_told_so_and_of_another_way_unless_the_profile_takes_it():
    told = page_of("chip-page-elsewhere", "en")
    assert "is not enough to open your page here" in told
    assert "ask the commune police" in told
    assert 'value="my-page"' not in told
    assert "is not enough to open your page here" not in page_of("chip-accepted", "en")
    copyable = tuple(COPYABLE if each is GENUINE else each for each in WITH_CHIP)
    state, _ = walk(*copyable, text=LOBBY + CHIP + PAGE + "way_in_level = 4\n")
    assert may_open(state.screen, make_profile(LOBBY + CHIP + PAGE + "way_in_level = 4\n"))
