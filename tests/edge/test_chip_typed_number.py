"""The number that opens a chip, typed: asked for when what was shown does not open it, counted, tried once each, and kept nowhere."""

from __future__ import annotations

import chip_parts as chips
import msgspec
import pytest
from chip_parts import Citizen, JudgingClock, Place, pki, store_of
from factories import StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_page_parts import LOBBY, card_seen, make_profile, moment, running_kiosk
from structlog.testing import capture_logs

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip_station import ChipStation, Means
from edge_agent.kiosk import effects as effects_of
from edge_agent.kiosk import events as happen
from edge_agent.kiosk.chip_states import MOST_SHOWN, MOST_TYPED, ChipShown, LayCard, TypeCan
from edge_agent.kiosk.dialogue import begin, step
from edge_agent.kiosk.states import ChooseUnit, Idle
from luutru.system import random_bytes
from residence.stays.declaration import Reason

PROFILE = make_profile(LOBBY + "[chip]\nenabled = true\n")
OWN = "019f4ad3-7580-7000-8000-0000000000aa"
CAN = "246802"
NOT_OPENED = happen.ChipFailed(own_id=OWN, code="chip.not_opened")
GONE = happen.ChipFailed(own_id=OWN, code="chip.card_gone")
TO_LAYING = (
    happen.Started(),
    happen.PurposeChosen(purpose="stay"),
    card_seen(chips.QR),
    happen.PersonConfirmed(fresh_id=OWN),
    happen.ChipAllowed(fresh_id=OWN),
)


class Visit:
    """Somebody before a kiosk that reads chips."""

    def __init__(self, *events):
        self.clock = StandingClock()
        self.state, self.asked, self.effects = begin(PROFILE, moment(self.clock)), [], ()
        self.does(*TO_LAYING, *events)

    @property
    def screen(self):
        return self.state.screen

    def does(self, *events):
        for event in events:
            self.state, self.effects = step(self.state, event, profile=PROFILE, now=moment(self.clock))
            self.asked += [each.can for each in self.effects if isinstance(each, effects_of.ReadChip)]
        return self

    def types(self, number):
        return self.does(happen.CanWanted(), happen.CanTyped(text=number))


def whole(value):
    """Everything a value holds, also what its repr leaves out."""
    return msgspec.json.encode(msgspec.to_builtins(value, builtin_types=(bytes,), str_keys=True)).decode()


def test_a_chip_that_what_was_shown_does_not_open_is_opened_with_a_typed_number():
    visit = Visit(NOT_OPENED, happen.CanWanted())
    assert isinstance(visit.screen, TypeCan)
    visit.does(happen.CanTyped(text=" 246 802 "))
    assert isinstance(visit.screen, LayCard)
    assert visit.asked == ["", CAN]


@pytest.mark.parametrize("text", ["", "24680", "2468023", "24680a", "２４６８０２", "24 68 0"], ids=repr)
def test_what_is_not_six_digits_is_said_and_no_card_is_asked(text):
    visit = Visit(NOT_OPENED).types(text)
    assert (visit.screen.problem.code, visit.asked) == ("kiosk.can_unreadable", [""])


@pytest.mark.parametrize("before", [(), (GONE,) * 4, (happen.ChipFailed(own_id=OWN, code="chip.apdu"),) * 4], ids=len)
def test_it_is_asked_for_only_when_the_card_refused_what_was_shown(before):
    visit = Visit(*before).types(CAN)
    assert isinstance(visit.screen, LayCard)
    assert CAN not in visit.asked


def test_a_refused_number_may_be_typed_again_but_none_is_tried_twice():
    visit = Visit(NOT_OPENED).types(CAN).does(NOT_OPENED)
    assert (type(visit.screen), visit.screen.problem.code) == (TypeCan, "chip.can_wrong")
    for known in (CAN, chips.CAN):  # typed before; the one that was shown
        visit.does(happen.CanTyped(text=known))
        assert (visit.screen.problem.code, visit.asked) == ("chip.can_wrong", ["", CAN])
    visit.does(happen.CanTyped(text="246803"))
    assert visit.asked == ["", CAN, "246803"]


def test_after_the_last_try_only_going_on_without_is_left_even_after_back_and_yes():
    visit = Visit(NOT_OPENED)
    for number in range(MOST_TYPED):
        visit.types(f"24680{number}").does(NOT_OPENED)
    spent = list(visit.asked)
    assert (visit.screen.phase, visit.screen.problem.code) == ("stopped", "chip.no_more_numbers")
    visit.types("999999").does(happen.ChipAllowed(fresh_id=OWN))
    assert visit.asked == spent
    visit.does(happen.WentBack(), happen.PersonConfirmed(fresh_id=OWN), NOT_OPENED)  # the second and last try of what was shown
    visit.types("999999").does(happen.WentBack(), happen.PersonConfirmed(fresh_id=OWN))
    assert visit.asked == [*spent, ""]
    visit.does(happen.ChipSkipped())
    assert isinstance(visit.screen, ChooseUnit)


def test_a_card_pulled_away_is_asked_again_with_the_same_number():
    visit = Visit(NOT_OPENED).types(CAN).does(GONE)
    assert visit.asked == ["", CAN, CAN]


def test_back_leads_to_the_question_before_and_without_is_on_the_screen():
    visit = Visit(NOT_OPENED, happen.CanWanted(), happen.WentBack())
    assert (visit.screen.phase, visit.screen.problem.code) == ("stopped", "chip.not_opened")
    visit.does(happen.CanWanted(), happen.ChipSkipped())
    assert isinstance(visit.screen, ChooseUnit)


@pytest.mark.parametrize("end", ["taken", "skipped", "stopped", "timed out"])
def test_no_number_outlives_the_screens_of_the_chip(end):
    visit = Visit(NOT_OPENED).types("246801").does(NOT_OPENED, happen.CanTyped(text=CAN))
    assert CAN in whole(visit.state)
    assert CAN not in repr(visit.state)
    assert CAN not in repr(visit.effects)
    assert CAN not in repr(happen.CanTyped(text=CAN))
    evidence = visit.screen.draft.reading.evidence
    if end == "timed out":
        visit.clock.pass_time(seconds=200)
    visit.does(
        {
            "taken": happen.ChipTaken(own_id=OWN, evidence=evidence),
            "skipped": happen.ChipSkipped(),
            "stopped": happen.Cancelled(),
            "timed out": happen.Ticked(),
        }[end]
    )
    assert isinstance(visit.screen, {"taken": ChipShown, "skipped": ChooseUnit}.get(end, Idle))
    assert not any(number in whole(visit.state) for number in (CAN, "246801"))


happened = st.sampled_from(
    [
        happen.CanWanted(),
        *(happen.CanTyped(text=each) for each in (CAN, "246801", "246803", "246804", "246805", chips.CAN, "1")),
        happen.ChipAllowed(fresh_id=OWN),
        happen.ChipSkipped(),
        happen.WentBack(),
        happen.PersonConfirmed(fresh_id=OWN),
        NOT_OPENED,
        GONE,
        happen.ChipProgressed(own_id=OWN, phase="opening"),
    ]
)


@given(rest=st.lists(happened, max_size=60))
@settings(deadline=None, max_examples=100)
def test_whatever_happens_in_a_visit_the_card_refuses_a_known_number_of_times(rest):
    visit, refused = Visit(), []
    for event in rest:
        before = visit.screen
        waits = isinstance(before, LayCard) and before.phase != "stopped"
        visit.does(event)
        if event == NOT_OPENED and waits:
            refused.append(before.can)
    typed = [each for each in refused if each]
    assert refused.count("") <= MOST_SHOWN
    assert len(typed) == len(set(typed)) <= MOST_TYPED
    assert chips.CAN not in typed
    if isinstance(visit.screen, ChooseUnit):
        assert visit.screen.draft.unopened == ()


def station(place, country):
    """The kiosk's reader of chips over a place for cards in memory."""
    store = store_of(country)
    means = Means(clock=JudgingClock(), draw=FromBytes(random_bytes), trust=lambda _now: store)
    return ChipStation(lambda: place, kiosk_id="kiosk-lobby-1", means=means)


def test_at_a_running_kiosk_the_card_opens_and_nothing_that_is_kept_or_logged_holds_the_number():
    country, place = pki.Country(), Place()
    card = Citizen(country).card(can=CAN, mrz_key="X" * 24)
    with (
        capture_logs() as logs,
        running_kiosk(LOBBY + "[chip]\nenabled = true\n", chips=lambda _profile: station(place, country)) as kiosk,
    ):

        def does(*events):
            for event in events:
                kiosk.agent.act(event).result(5)

        kiosk.show(chips.QR)
        does(happen.PurposeChosen(purpose="stay"), happen.PersonConfirmed(fresh_id=OWN), happen.ChipAllowed(fresh_id=OWN))
        place.lay(card)
        kiosk.wait_for(lambda: isinstance(kiosk.screen, LayCard) and kiosk.screen.phase == "stopped", seconds=30)
        refused = card.is_.wrong_tokens
        place.take_away()
        place.awaited.clear()
        does(happen.CanWanted(), happen.CanTyped(text=CAN))
        assert place.awaited.wait(20)
        card.reset()
        place.lay(card)
        kiosk.wait_for(lambda: isinstance(kiosk.screen, ChipShown), seconds=30)
        assert card.is_.wrong_tokens == refused  # not one more
        does(happen.ChipNoted(), happen.UnitChosen(unit="1203"), happen.NightsChosen(nights=1))
        does(happen.ReasonChosen(reason=Reason.VISIT), happen.Confirmed(fresh_id=OWN))
        (message,) = kiosk.outbox.messages
        assert message.evidence.level == 5
        assert CAN not in msgspec.json.encode(message).decode()
        assert CAN not in whole(kiosk.agent.view().state)
    assert CAN not in repr(logs)
