"""The number that opens a chip, typed: asked for when what was shown does not open it, counted, tried once each, and kept nowhere."""

from __future__ import annotations

from datetime import date

import chip_parts as chips
import msgspec
import pytest
from chip_parts import Citizen, JudgingClock, Place, pki, store_of
from factories import EVENING, StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_page_parts import LOBBY, card_seen, make_profile, moment, running_kiosk
from simulators.card.citizen import dg13
from structlog.testing import capture_logs

from edge_agent import agent as agent_module
from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.session import ChipReader, Opening
from edge_agent.chip_station import ChipStation, Means
from edge_agent.kiosk import effects as effects_of
from edge_agent.kiosk import events as happen
from edge_agent.kiosk.chip_states import MOST_SHOWN, MOST_TYPED, AskChip, ChipShown, LayCard, TypeCan
from edge_agent.kiosk.chip_step import CONSENT_TEXT
from edge_agent.kiosk.dialogue import begin, step
from edge_agent.kiosk.identifying import from_card
from edge_agent.kiosk.states import ChooseUnit, ConfirmPerson, Idle, ShowCard
from luutru.system import random_bytes
from residence.credentials.chip.carried import ChipEvidence, binding
from residence.credentials.chip.claims import judge_claim
from residence.credentials.chip.naming import reading_of
from residence.errors import Malformed
from residence.people.letters import without_accents
from residence.stays.declaration import Reason

PROFILE = make_profile(LOBBY + "[chip]\nenabled = true\n")
OWN = "019f4ad3-7580-7000-8000-0000000000aa"
CAN = "246802"
NOT_OPENED = happen.ChipFailed(own_id=OWN, code="chip.not_opened")
OPENING = happen.ChipProgressed(own_id=OWN, phase="opening")
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
        OPENING,
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


TO_CARD = (happen.Started(), happen.PurposeChosen(purpose="stay"))
WORN = (happen.Cancelled(), *TO_CARD, happen.CodeWorn(fresh_id=OWN), happen.ChipAllowed(fresh_id=OWN))


def named(visit):
    """What a reader tells of a chip that names somebody, for a visit in which nobody was known."""
    evidence = msgspec.structs.replace(chips.READING.evidence, level=5, source="chip", chip=ChipEvidence(sod=b"sod"))
    reading = msgspec.structs.replace(chips.READING, evidence=evidence)
    return happen.ChipTaken(own_id=visit.screen.own_id, evidence=evidence, reading=reading)


def test_of_a_card_whose_code_is_worn_the_chip_says_who_it_is_after_a_yes_and_the_number():
    visit = Visit(*WORN[:-1])
    assert isinstance(visit.screen, AskChip)
    visit.does(WORN[-1])
    assert isinstance(visit.screen, TypeCan)
    visit.does(happen.CanTyped(text=chips.CAN))
    assert (visit.asked, visit.effects[0].reading) == (["", chips.CAN], None)
    visit.does(named(visit))
    assert isinstance(visit.screen, ChipShown)
    visit.does(happen.ChipNoted())
    assert isinstance(visit.screen, ConfirmPerson)
    visit.does(happen.PersonConfirmed(fresh_id="019f4ad3-7580-7000-8000-0000000000ab"))
    assert isinstance(visit.screen, ChooseUnit)
    draft = visit.screen.draft
    assert (draft.reading.person.full_name, draft.own_id, draft.reading.evidence.chip.consent.text) == (
        chips.PERSON.full_name,
        OWN,
        CONSENT_TEXT,
    )


@pytest.mark.parametrize(
    "way",
    [
        (happen.WentBack(),),
        (happen.ChipSkipped(),),
        (happen.CanTyped(text=CAN), happen.WentBack()),
        (happen.CanTyped(text=CAN), happen.ChipSkipped()),
        (happen.CanTyped(text=CAN), happen.ChipFailed(own_id=OWN, code="chip.no_reader")),
        (happen.CanTyped(text=CAN), happen.ChipFailed(own_id=OWN, code="chip.nobody"), happen.ChipSkipped()),
        (
            *(each for number in range(MOST_TYPED) for each in (happen.CanTyped(text=f"24680{number}"), NOT_OPENED)),
            happen.ChipSkipped(),
        ),
    ],
    ids=["back", "without", "back from laying", "without from laying", "no reader", "names nobody", "refused"],
)
def test_from_a_worn_card_every_way_out_leads_to_the_other_ways_in(way):
    visit = Visit(*WORN, *way)
    assert isinstance(visit.screen, ShowCard)
    no_reader = isinstance(way[-1], happen.ChipFailed)
    assert (visit.screen.hint.code if visit.screen.hint else "") == ("chip.no_reader" if no_reader else "")


def test_the_person_a_chip_named_is_somebody_else_and_the_kiosk_asks_again():
    visit = Visit(*WORN, happen.CanTyped(text=CAN))
    visit.does(named(visit), happen.ChipNoted(), happen.NotMe())
    assert isinstance(visit.screen, ShowCard)


@pytest.mark.parametrize("purpose", ["entry", "extend", "leave", "correct", "withdraw"])
def test_only_a_stay_begins_with_a_chip(purpose):
    screen = ShowCard(purpose=purpose)
    assert from_card(screen, happen.CodeWorn(fresh_id=OWN), PROFILE, moment(StandingClock())) == (screen, ())
    without = ShowCard(purpose="stay")
    assert from_card(without, happen.CodeWorn(fresh_id=OWN), make_profile(LOBBY), moment(StandingClock())) == (without, ())


def read_worn(country, **groups):
    """The reading of a card in memory of which nothing was shown."""
    citizen = Citizen(country)
    citizen.groups.update(groups.pop("groups", {}))
    card = citizen.card(**groups)
    reader = ChipReader(card, draw=FromBytes(random_bytes), clock=JudgingClock(), reset=card.reset)
    return reading_of(reader.read(Opening(can=chips.CAN)), today=date(2026, 7, 10))


def test_a_chip_names_its_holder_with_the_accents_of_its_details_if_they_are_of_the_same_name():
    country = pki.Country()
    whole = read_worn(country)
    assert (whole.person.full_name, whole.person.personal_number) == (chips.PERSON.full_name, chips.NUMBER)
    assert (whole.person.name_quality, whole.evidence.level, whole.evidence.source) == ("full", 1, "chip")
    other = dg13({2: chips.PERSON.full_name.replace("Khôi", "Khoa")})
    for details in (b"\x6d\x00", other):
        plain = read_worn(country, groups={13: details})
        assert (plain.person.full_name, plain.person.name_quality) == (without_accents(chips.PERSON.full_name).upper(), "mrz")
    with pytest.raises(Malformed, match=r"chip\.nobody"):
        read_worn(country, groups={1: b"\x61\x00"})


def test_at_a_running_kiosk_a_card_with_a_worn_code_is_declared_with_what_its_chip_says():
    country, place = pki.Country(), Place()
    with running_kiosk(LOBBY + "[chip]\nenabled = true\n", chips=lambda _profile: station(place, country)) as kiosk:
        for event in (*TO_CARD, *WORN[3:], happen.CanTyped(text=chips.CAN)):
            kiosk.agent.act(event).result(5)
        place.lay(Citizen(country).card())
        kiosk.wait_for(lambda: isinstance(kiosk.screen, ChipShown), seconds=30)
        for event in (happen.ChipNoted(), happen.PersonConfirmed(fresh_id=OWN), happen.UnitChosen(unit="1203"), happen.NightsChosen(nights=1), happen.ReasonChosen(reason=Reason.VISIT), happen.Confirmed(fresh_id=OWN)):  # fmt: skip
            kiosk.agent.act(event).result(5)
        (message,) = kiosk.outbox.messages
    assert (message.person.full_name, message.evidence.source, message.evidence.level) == (chips.PERSON.full_name, "chip", 5)
    found = judge_claim(
        message.evidence, message.person, bound_to=binding("kiosk-lobby-1", OWN), store=store_of(country), now=EVENING
    )
    assert (found.level, found.doubt) == (5, "")


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


def test_going_back_while_the_chip_is_opened_costs_the_try_it_may_have_cost_the_card():
    visit = Visit()
    for _ in range(3):
        visit.does(OPENING, happen.WentBack(), happen.PersonConfirmed(fresh_id=OWN))
    assert (visit.asked, visit.screen.phase) == (["", ""], "stopped")
    visit.types(CAN).does(OPENING, happen.WentBack(), happen.PersonConfirmed(fresh_id=OWN)).types(CAN)
    assert (visit.asked, visit.screen.problem.code) == (["", "", CAN], "chip.can_wrong")


def test_going_back_before_a_card_lies_there_costs_nothing():
    visit = Visit()
    for _ in range(5):
        visit.does(happen.WentBack(), happen.PersonConfirmed(fresh_id=OWN))
    assert isinstance(visit.screen, LayCard)
    assert (visit.screen.draft.unopened, len(visit.asked)) == ((), 6)
    visit.does(NOT_OPENED)
    assert visit.screen.draft.unopened == ("",)


def test_a_step_that_fails_gives_the_reader_of_chips_up_too(monkeypatch):
    place = Place()
    reader = station(place, pki.Country())
    with running_kiosk(LOBBY + "[chip]\nenabled = true\n", chips=lambda _profile: reader) as kiosk:
        kiosk.show(chips.QR)
        for event in (
            happen.PurposeChosen(purpose="stay"),
            happen.PersonConfirmed(fresh_id=OWN),
            happen.ChipAllowed(fresh_id=OWN),
        ):
            kiosk.agent.act(event).result(5)
        assert place.awaited.wait(20)
        step = agent_module.step

        def failing(state, event, **how):
            return 1 / 0 if isinstance(event, happen.Touched) else step(state, event, **how)

        monkeypatch.setattr(agent_module, "step", failing)
        kiosk.agent.act(happen.Touched()).result(5)
        assert reader._request is None
