"""The chip between "is this you?" and the stay: asked for, laid down, pulled away, shown in plain words; never a condition."""

from __future__ import annotations

import dataclasses
import html

import msgspec
import pytest
from chip_parts import PASSPORT, QR
from factories import EVENING, StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, PackageLoader, StrictUndefined
from kiosk_page_parts import DESK, LOBBY, capture_of, card_seen, make_profile, moment

from edge_agent.kiosk import effects as effects_of
from edge_agent.kiosk import events as happen
from edge_agent.kiosk.chip_states import AskChip, ChipShown, LayCard
from edge_agent.kiosk.chip_step import CONSENT_TEXT, MOST_TRIES, PASSPORT_CONSENT_TEXT
from edge_agent.kiosk.dialogue import begin, step
from edge_agent.kiosk.showing import shown
from edge_agent.kiosk.states import AskPermitted, ChooseUnit, ConfirmPerson, Idle, Keeping
from edge_agent.kiosk.texts import Texts
from edge_agent.kiosk.view import Health, View
from edge_agent.voices.prompts import heard
from residence.credentials.chip.carried import ChipEvidence
from residence.errors import problem, sentence
from residence.stays.declaration import Reason

CHIP = "[chip]\nenabled = true\n"
ASKING = make_profile(LOBBY + CHIP)
STATE = make_profile(LOBBY + CHIP + "consent = false\n")
OWN, LATER = "019f4ad3-7580-7000-8000-0000000000aa", "019f4ad3-7580-7000-8000-0000000000ab"


class Visit:
    """Somebody before a kiosk: what happened, what the screen is, what the dialogue asked for."""

    def __init__(self, profile=ASKING):
        self.profile, self.clock = profile, StandingClock()
        self.state = begin(profile, moment(self.clock))
        self.effects = ()

    @property
    def screen(self):
        return self.state.screen

    def does(self, *events):
        for event in events:
            self.state, self.effects = step(self.state, event, profile=self.profile, now=moment(self.clock))
        return self

    def confirmed(self, text=QR):
        return self.does(
            happen.Started(), happen.PurposeChosen(purpose="stay"), card_seen(text), happen.PersonConfirmed(fresh_id=OWN)
        )

    def laying(self):
        self.confirmed()
        return self.does(happen.ChipAllowed(fresh_id=OWN)) if isinstance(self.screen, AskChip) else self

    def asked(self, kind):
        return [each for each in self.effects if isinstance(each, kind)]

    def taken(self, level=5, **checks):
        before = self.screen.draft.reading.evidence
        said = msgspec.structs.replace(before, level=level, checks={**before.checks, **checks}, chip=ChipEvidence(sod=b"sod"))
        return self.does(happen.ChipTaken(own_id=self.screen.own_id, evidence=said))

    def kept(self):
        self.does(happen.UnitChosen(unit="1203"), happen.NightsChosen(nights=1), happen.ReasonChosen(reason=Reason.VISIT))
        self.does(happen.Confirmed(fresh_id=LATER))
        (keep,) = self.asked(effects_of.Keep)
        return keep.declaration


def test_nothing_is_read_before_a_yes_and_which_words_were_shown_is_kept():
    visit = Visit().confirmed()
    assert isinstance(visit.screen, AskChip)
    assert not visit.asked(effects_of.ReadChip)
    visit.does(happen.ChipAllowed(fresh_id=OWN))
    (asked,) = visit.asked(effects_of.ReadChip)
    assert (asked.own_id, asked.reading.person.personal_number) == (OWN, "079095123456")
    visit.taken().does(happen.ChipNoted())
    declaration = visit.kept()
    assert declaration.declaration_id == OWN  # what the chip signed for
    assert declaration.evidence.level == 5
    assert (declaration.evidence.chip.consent.text, declaration.evidence.chip.consent.at[:16]) == (
        CONSENT_TEXT,
        "2026-07-10T14:00",
    )


def test_a_state_bodys_kiosk_does_not_ask_and_notes_no_consent():
    visit = Visit(STATE).confirmed()
    assert isinstance(visit.screen, LayCard)
    visit.taken().does(happen.ChipNoted())
    assert visit.kept().evidence.chip.consent is None


@pytest.mark.parametrize("profile", [make_profile(LOBBY), make_profile(DESK)], ids=["lobby", "desk"])
def test_where_there_is_no_chip_reader_nothing_changes(profile):
    visit = Visit(profile).confirmed()
    assert isinstance(visit.screen, ChooseUnit)


def test_who_types_or_has_no_personal_number_is_not_asked():
    visit = Visit().does(happen.Started(), happen.PurposeChosen(purpose="stay"), happen.NoCard())
    for asked, text in (
        ("name", "Nguyễn Thị Bình"),
        ("birth", "05111967"),
        ("sex", "female"),
        ("nationality", "VNM"),
        ("number", ""),
        ("helper", ""),
    ):
        visit.does(happen.Typed(asked=asked, text=text))
    visit.does(happen.PersonConfirmed(fresh_id=OWN))
    assert isinstance(visit.screen, ChooseUnit)


def typing(*answers):
    """Somebody without a card who types these answers after the usual ones."""
    before = (("name", "Lina Bo Oster"), ("birth", "15081981"), ("sex", "female"), ("nationality", "other"), ("country", "other"))
    events = [happen.Typed(asked=asked, text=text) for asked, text in (*before, ("code", "SWE"), *answers)]
    return Visit().does(happen.Started(), happen.PurposeChosen(purpose="stay"), happen.NoCard(), *events)


def test_a_passport_held_to_the_camera_is_asked_for_its_chip_and_then_for_the_permitted_stay():
    shown_to_camera = happen.CardSeen(capture=capture_of("\n".join(PASSPORT), kind="mrz"), fresh_id=LATER)
    visit = Visit().does(happen.Started(), happen.PurposeChosen(purpose="stay"), shown_to_camera)
    visit.does(happen.PersonConfirmed(fresh_id=OWN))
    assert isinstance(visit.screen, AskChip)
    page = rendered(dataclasses.replace(visit.state, language="en"))
    assert "May the chip of your passport be read?" in page
    visit.does(happen.ChipAllowed(fresh_id=OWN))
    assert "Lay the passport on the reader" in rendered(dataclasses.replace(visit.state, language="en"))
    visit.taken()
    assert visit.screen.draft.reading.evidence.chip.consent.text == PASSPORT_CONSENT_TEXT
    visit.does(happen.ChipNoted())
    assert isinstance(visit.screen, AskPermitted)
    visit.does(happen.Typed(asked="permitted", text="30092026"))
    assert visit.kept().permitted_stay_until == "2026-09-30"


@pytest.mark.parametrize(
    "way", [happen.ChipSkipped(), happen.ChipFailed(own_id=OWN, code="chip.no_reader")], ids=["no", "no reader"]
)
def test_a_passport_without_its_chip_goes_on_to_the_permitted_stay_too(way):
    shown_to_camera = happen.CardSeen(capture=capture_of("\n".join(PASSPORT), kind="mrz"), fresh_id=LATER)
    visit = Visit(STATE).does(happen.Started(), happen.PurposeChosen(purpose="stay"), shown_to_camera)
    visit.does(happen.PersonConfirmed(fresh_id=OWN), way)
    assert isinstance(visit.screen, AskPermitted)


def test_a_typed_passport_is_opened_with_its_expiry_which_may_be_skipped():
    to_expiry = (("passport", "X0S821763"), ("expires", "04072032"), ("permitted", ""), ("helper", ""))
    visit = typing(*to_expiry).does(happen.PersonConfirmed(fresh_id=OWN))
    assert isinstance(visit.screen, AskChip)
    assert visit.screen.draft.reading.person.document.expiry == "2032-07-04"
    without = typing(to_expiry[0], ("expires", ""), *to_expiry[2:]).does(happen.PersonConfirmed(fresh_id=OWN))
    assert isinstance(without.screen, ChooseUnit)
    wrong = typing(to_expiry[0], ("expires", "31022032"))
    assert wrong.screen.problem.code == "kiosk.date_unreadable"
    assert typing(("passport", "")).screen.asked == "permitted"


def test_who_typed_the_number_of_a_card_can_lay_it_too():
    visit = Visit().does(happen.Started(), happen.PurposeChosen(purpose="stay"), happen.NoCard())
    answers = {
        "name": "Nguyễn Hoàng Minh Khôi",
        "birth": "25121995",
        "sex": "male",
        "nationality": "VNM",
        "number": "079095123456",
        "helper": "",
    }
    visit.does(*(happen.Typed(asked=asked, text=text) for asked, text in answers.items()), happen.PersonConfirmed(fresh_id=OWN))
    assert isinstance(visit.screen, AskChip)


@pytest.mark.parametrize("where", ["asking", "waiting", "reading", "stopped"])
def test_going_on_without_the_chip_is_always_possible_and_declares_at_the_cards_level(where):
    visit = Visit().confirmed()
    if where != "asking":
        visit.does(happen.ChipAllowed(fresh_id=OWN))
    if where == "reading":
        visit.does(happen.ChipProgressed(own_id=OWN, phase="reading"))
    if where == "stopped":
        visit.does(happen.ChipFailed(own_id=OWN, code="chip.not_opened"))
    visit.does(happen.ChipSkipped())
    assert isinstance(visit.screen, ChooseUnit)
    assert bool(visit.asked(effects_of.StopChip)) is (where != "asking")
    declaration = visit.kept()
    assert (declaration.evidence.level, declaration.evidence.chip, declaration.declaration_id) == (1, None, LATER)


def test_a_hotel_desks_kiosk_asks_too_and_declares_for_the_house_with_what_the_chip_showed():
    visit = Visit(make_profile(DESK + CHIP)).does(happen.Started(), card_seen(QR), happen.PersonConfirmed(fresh_id=OWN))
    assert isinstance(visit.screen, AskChip)
    visit.does(happen.ChipAllowed(fresh_id=OWN)).taken(passive="passed", chip_auth="passed")
    assert isinstance(visit.screen, ChipShown)
    visit.does(happen.ChipNoted(), happen.UnitChosen(unit="101"), happen.NightsChosen(nights=1))
    visit.does(happen.ReasonChosen(reason=Reason.TOURISM), happen.Confirmed(fresh_id=LATER))
    (keep,) = visit.asked(effects_of.Keep)
    said = keep.declaration
    assert (said.declaration_id, said.evidence.level, said.unit) == (OWN, 5, "101")
    assert (said.declarant.role, said.evidence.chip.consent.text) == ("facility", CONSENT_TEXT)


def test_a_card_pulled_away_is_said_and_begins_again_and_nothing_half_read_is_used():
    visit = Visit().laying().does(happen.ChipProgressed(own_id=OWN, phase="authenticating"))
    assert visit.screen.phase == "authenticating"
    visit.does(happen.ChipFailed(own_id=OWN, code="chip.card_gone"))
    assert (visit.screen.phase, visit.screen.problem.code, visit.screen.tries) == ("waiting", "chip.card_gone", 2)
    assert visit.asked(effects_of.ReadChip)
    assert visit.screen.draft.reading.evidence.chip is None
    visit.does(happen.ChipProgressed(own_id=OWN, phase="opening"))
    assert visit.screen.problem is None


def test_after_too_many_tries_the_person_decides():
    visit = Visit().laying()
    for _ in range(MOST_TRIES):
        visit.does(happen.ChipFailed(own_id=OWN, code="chip.card_gone"))
    assert visit.screen.phase == "stopped"
    assert not visit.asked(effects_of.ReadChip)
    visit.does(happen.ChipAllowed(fresh_id=LATER))
    assert (visit.screen.phase, visit.screen.own_id) == ("waiting", OWN)
    assert visit.asked(effects_of.ReadChip)


def test_a_chip_that_does_not_open_is_not_tried_again_by_itself():
    visit = Visit().laying().does(happen.ChipFailed(own_id=OWN, code="chip.not_opened"))
    assert (visit.screen.phase, visit.screen.problem.code) == ("stopped", "chip.not_opened")
    assert not visit.asked(effects_of.ReadChip)


def test_a_reader_that_is_not_there_is_no_question_to_the_person():
    visit = Visit().laying().does(happen.ChipFailed(own_id=OWN, code="chip.no_reader"))
    assert isinstance(visit.screen, ChooseUnit)
    assert visit.kept().evidence.level == 1


def test_what_comes_of_an_earlier_reading_is_not_heard():
    visit = Visit().laying()
    before = visit.screen
    visit.does(
        happen.ChipProgressed(own_id=LATER, phase="reading"),
        happen.ChipFailed(own_id=LATER, code="chip.card_gone"),
        happen.ChipTaken(own_id=LATER, evidence=before.draft.reading.evidence),
    )
    assert visit.screen == before
    visit.does(happen.ChipSkipped(), happen.ChipTaken(own_id=OWN, evidence=before.draft.reading.evidence))
    assert isinstance(visit.screen, ChooseUnit)


def test_back_and_stop_give_the_reading_up_and_forget_it():
    visit = Visit().laying().does(happen.WentBack())
    assert isinstance(visit.screen, ConfirmPerson)
    assert visit.asked(effects_of.StopChip)
    visit = Visit().laying().taken()
    assert isinstance(visit.screen, ChipShown)
    visit.does(happen.Cancelled())
    assert isinstance(visit.screen, Idle)
    assert visit.asked(effects_of.Wipe)


def test_whoever_goes_back_after_the_chip_was_read_is_not_asked_again():
    visit = Visit().laying().taken().does(happen.WentBack(), happen.PersonConfirmed(fresh_id=LATER))
    assert isinstance(visit.screen, ChooseUnit)
    assert visit.kept().declaration_id == OWN


def test_somebody_else_after_not_me_gets_nothing_of_the_chip_before():
    visit = (
        Visit().laying().taken().does(happen.WentBack(), happen.NotMe(), card_seen(QR), happen.PersonConfirmed(fresh_id=LATER))
    )
    assert isinstance(visit.screen, AskChip)
    assert visit.screen.draft.reading.evidence.chip is None


happened = st.sampled_from(
    [
        happen.ChipAllowed(fresh_id=OWN),
        happen.ChipSkipped(),
        happen.ChipNoted(),
        happen.ChipProgressed(own_id=OWN, phase="reading"),
        happen.ChipProgressed(own_id=LATER, phase="opening"),
        happen.ChipFailed(own_id=OWN, code="chip.card_gone"),
        happen.ChipFailed(own_id=OWN, code="chip.not_opened"),
        happen.ChipFailed(own_id=OWN, code="chip.no_reader"),
        happen.WentBack(),
        happen.NotMe(),
        happen.PersonConfirmed(fresh_id=OWN),
        card_seen(QR),
        happen.UnitChosen(unit="1203"),
        happen.NightsChosen(nights=2),
        happen.ReasonChosen(reason=Reason.VISIT),
        happen.Confirmed(fresh_id=LATER),
        happen.Ticked(),
    ]
)


@given(rest=st.lists(happened, max_size=25), consent=st.booleans())
@settings(deadline=None, max_examples=150)
def test_whatever_happens_nothing_is_read_without_a_yes_and_no_evidence_is_kept_that_was_not_taken(rest, consent):
    visit = Visit(ASKING if consent else STATE).confirmed()
    for event in rest:
        asking = isinstance(visit.screen, AskChip)
        visit.does(event)
        if visit.asked(effects_of.ReadChip) and consent:
            assert visit.screen.draft.consent is not None
            assert isinstance(event, (happen.ChipAllowed, happen.ChipFailed)) or not asking
        for keep in visit.asked(effects_of.Keep):
            assert keep.declaration.evidence.chip is None
        if isinstance(visit.screen, Keeping):
            assert not any("079095123456" in str(getattr(visit.screen, each.name)) for each in dataclasses.fields(visit.screen))


def test_every_code_a_reading_can_end_with_has_a_sentence_without_values():
    for code in (
        "chip.card_gone",
        "chip.too_slow",
        "chip.sm_broken",
        "chip.apdu",
        "chip.not_opened",
        "chip.no_reader",
        "chip.stopped",
    ):
        assert sentence(code).vi


def rendered(state, profile=ASKING):
    templates = Environment(loader=PackageLoader("edge_agent.kiosk"), autoescape=True, undefined=StrictUndefined)
    health = Health(connection="up", depth=0, oldest_unsent_at=None, full=False, readers=())
    view = View(state=state, version=1, visit=1, health=health, seconds_left=20.0)
    context = shown(view, profile=profile, now=EVENING)
    return html.unescape(
        templates.get_template("screen.html").render({**context, **heard(state), "can_speak": False, "token": "t", "deck": ()})
    )


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("phase", ["waiting", "opening", "reading", "authenticating", "stopped"])
def test_every_phase_says_what_happens_and_offers_to_go_on_without(phase, language):
    visit = Visit().laying()
    why = problem("chip.card_gone") if phase in {"waiting", "stopped"} else None
    state = dataclasses.replace(
        visit.state, language=language, screen=dataclasses.replace(visit.screen, phase=phase, problem=why)
    )
    page = rendered(state)
    words = Texts(language)
    assert words("chip.without") in page
    assert (words("chip.lay_card") if why else words("chip.keep_card")) in page
    assert (words("chip.again") in page) is (phase == "stopped")
    assert (getattr(sentence("chip.card_gone"), language) in page) is (why is not None)
    assert "079095123456" not in page.replace(" ", "")


def test_a_kiosk_says_what_it_saw_itself_though_it_declares_what_it_can_show():
    seen = Visit().laying().taken(4, chip_auth="passed")
    assert (seen.screen.draft.chip.level, seen.screen.draft.reading.evidence.level) == (5, 4)
    copied = Visit().laying().taken(4, chip_auth="passed", active_auth="failed")
    assert copied.screen.draft.chip.level == 4


@pytest.mark.parametrize("language", ["vi", "en"])
def test_both_answers_to_the_question_are_there_and_none_is_chosen(language):
    visit = Visit().confirmed()
    page = rendered(dataclasses.replace(visit.state, language=language))
    words = Texts(language)
    assert words("chip.ask_card_text") in page
    assert page.index('value="chip"') < page.index('value="without-chip"')
    assert "checked" not in page[page.index("<main") : page.index("</main")]


@pytest.mark.parametrize(("level", "key"), [(5, "present"), (4, "verified"), (3, "signed"), (2, "read"), (1, "text")], ids=str)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_level_is_said_in_plain_words_and_a_failed_check_kindly(level, key, language):
    words = Texts(language)
    fine = rendered(dataclasses.replace(Visit().laying().taken(level).state, language=language))
    assert words(f"chip.level_{key}") in fine
    assert words(f"chip.level_{key}_text") in fine
    failed = rendered(dataclasses.replace(Visit().laying().taken(level, chip_auth="failed").state, language=language))
    assert words("chip.failed") in failed
    assert words(f"chip.level_{key}_text") not in failed
