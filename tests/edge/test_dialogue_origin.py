"""Somebody without a card is asked for the nationality, because the law that counts the hours depends on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import StandingClock, make_id
from kiosk_page_parts import DESK, LOBBY, card_seen, make_profile, moment

from edge_agent.kiosk import states as screens
from edge_agent.kiosk.asking import COUNTRIES, QUESTIONS
from edge_agent.kiosk.dialogue import begin, step
from edge_agent.kiosk.effects import Keep
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
    WentBack,
)
from edge_agent.kiosk.showing import shown
from edge_agent.kiosk.texts import forms_of
from edge_agent.kiosk.view import Health, View
from residence.clock import VIETNAM, parse_instant
from residence.people.person import DocumentKind
from residence.stays.check import check_declaration
from residence.stays.declaration import Reason

FIRST_ANSWERS = {"name": "Anna Maria Eriksson", "birth": "12081974", "sex": "female"}
VIETNAMESE = {"nationality": "VNM", "number": "001 067 000 228", "helper": ""}
KOREAN = {"nationality": "other", "country": "KOR", "passport": "m 1234-5678", "permitted": "30092026", "helper": ""}
SWEDISH = {"nationality": "other", "country": "other", "code": "swe", "passport": "", "permitted": "", "helper": ""}
UNKNOWN = {"nationality": "other", "country": "", "passport": "", "permitted": "", "helper": ""}


def typed(**answers):
    return tuple(Typed(asked=asked, text=text) for asked, text in {**FIRST_ANSWERS, **answers}.items())


def walk(*events, text=LOBBY):
    clock, profile = StandingClock(), make_profile(text)
    opening = (Started(), PurposeChosen(purpose="stay"), NoCard()) if text == LOBBY else (Started(), NoCard())
    state, effects = begin(profile, moment(clock)), []
    for event in (*opening, *events):
        clock.pass_time(seconds=1)
        state, made = step(state, event, profile=profile, now=moment(clock))
        effects += made
    return state, effects


def declared(*, unit="1203", text=LOBBY, **answers):
    rest = (PersonConfirmed(), UnitChosen(unit=unit), NightsChosen(nights=2), ReasonChosen(reason=Reason.TOURISM))
    _, effects = walk(*typed(**answers), *rest, Confirmed(fresh_id=make_id()), text=text)
    (declaration,) = [each.declaration for each in effects if isinstance(each, Keep)]
    profile = make_profile(text)
    result = check_declaration(declaration, premises=profile.place(), rules=profile.choices.rules, now=StandingClock().now())
    return declaration, result


ASKED = {
    "who is Vietnamese": (VIETNAMESE, ["name", "birth", "sex", "nationality", "number", "helper"]),
    "who is not": (KOREAN, ["name", "birth", "sex", "nationality", "country", "passport", "permitted", "helper"]),
    "whose country is not on the buttons": (
        SWEDISH,
        ["name", "birth", "sex", "nationality", "country", "code", "passport", "permitted", "helper"],
    ),
}


@pytest.mark.parametrize("who", ASKED)
def test_only_the_questions_that_concern_a_person_are_asked(who):
    answers, expected = ASKED[who]
    events = typed(**answers)
    asked = [walk(*events[:count])[0].screen.asked for count in range(len(events))]
    assert asked == expected
    assert isinstance(walk(*events)[0].screen, screens.ConfirmPerson)
    back = [walk(*events, *(WentBack(),) * count)[0].screen.asked for count in range(1, len(expected) + 1)]
    assert back == expected[::-1]


@pytest.mark.parametrize("text", ["", "KOR", "không biết"])
def test_nobody_becomes_vietnamese_or_foreign_without_saying_so(text):
    events = typed(**VIETNAMESE)
    state, _ = walk(*events[:3], Typed(asked="nationality", text=text))
    assert state.screen.asked == "nationality"
    assert state.screen.problem.code == "kiosk.nationality_missing"
    assert state.screen.typed.nationality is None


def test_a_foreigner_without_a_card_has_the_hours_of_the_entry_law():
    declaration, result = declared(**KOREAN)
    assert result.due - parse_instant(declaration.arrival) == timedelta(hours=12)
    assert declaration.person.nationality == "KOR"
    assert declaration.person.personal_number is None
    assert (declaration.person.document.kind, declaration.person.document.number) == (DocumentKind.PASSPORT, "M12345678")
    assert declaration.person.document.issuer == "KOR"
    assert declaration.permitted_stay_until == "2026-09-30"
    assert result.ok


def test_a_vietnamese_without_a_card_has_until_the_evening():
    declaration, result = declared(**VIETNAMESE)
    assert declaration.person.nationality == "VNM"
    assert f"{result.due.astimezone(VIETNAM):%H:%M}" == "23:00"
    assert declaration.permitted_stay_until is None
    assert result.ok


@pytest.mark.parametrize(("answers", "code"), [(SWEDISH, "SWE"), (UNKNOWN, "XXX"), ({**SWEDISH, "code": ""}, "XXX")])
def test_what_is_not_known_is_left_open_and_never_an_error(answers, code):
    declaration, result = declared(**answers)
    assert declaration.person.nationality == code
    assert declaration.person.document.kind is DocumentKind.NONE
    assert result.ok


def test_at_a_desk_the_same_is_asked_about_the_guest():
    declaration, _ = declared(unit="101", text=DESK, **KOREAN)
    assert (declaration.declarant.role, declaration.person.nationality) == ("facility", "KOR")


REFUSED = {
    "a code with digits": ("code", "12", "person.country_malformed"),
    "a whole word": ("code", "Sweden", "person.country_malformed"),
    "a passport number with a sign": ("passport", "L8989*2C3", "document.number_shape"),
    "a passport number that is too long": ("passport", "L898902C3123", "document.number_shape"),
    "a day that does not exist": ("permitted", "31022026", "kiosk.date_unreadable"),
    "a month without a day": ("permitted", "00092026", "kiosk.date_unreadable"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_answer_that_cannot_be_right_is_asked_again(case):
    asked, text, code = REFUSED[case]
    before = typed(**SWEDISH)[: ASKED["whose country is not on the buttons"][1].index(asked)]
    state, _ = walk(*before, Typed(asked=asked, text=text))
    assert (state.screen.asked, state.screen.problem.code) == (asked, code)


def test_the_code_of_viet_nam_makes_a_vietnamese():
    state, _ = walk(*typed(**SWEDISH)[:5], Typed(asked="code", text="vnm"))
    assert (state.screen.asked, state.screen.typed.nationality) == ("number", "VNM")


def test_changing_the_nationality_forgets_what_no_longer_belongs_to_it():
    back = (WentBack(),) * 5
    vietnamese_after_all = (
        Typed(asked="nationality", text="VNM"),
        Typed(asked="number", text=""),
        Typed(asked="helper", text=""),
    )
    state, _ = walk(*typed(**KOREAN), *back, *vietnamese_after_all)
    person, answers = state.screen.draft.reading.person, state.screen.draft.typed
    assert (person.nationality, person.document.kind) == ("VNM", DocumentKind.NONE)
    assert (answers.passport, answers.permitted_until) == (None, None)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_review_says_the_nationality_and_the_end_of_the_permitted_stay(language):
    rest = (PersonConfirmed(), UnitChosen(unit="1203"), NightsChosen(nights=2), ReasonChosen(reason=Reason.TOURISM))
    korean = _screen(walk(*typed(**KOREAN), *rest)[0], language)
    assert (korean["nationality"], korean["permitted"]) == ({"vi": "Hàn Quốc", "en": "South Korea"}[language], "30/09/2026")
    assert _screen(walk(*typed(**SWEDISH), *rest)[0], language)["nationality"] == "SWE"
    assert _screen(walk(card_seen(), *rest)[0], language)["nationality"] == {"vi": "Việt Nam", "en": "Viet Nam"}[language]


def _screen(state, language):
    health = Health(connection="up", depth=0, oldest_unsent_at=None, full=False, readers=())
    spoken = screens.State(screen=state.screen, language=language, acted_ns=0)
    view = View(state=spoken, version=1, visit=1, health=health, seconds_left=20.0)
    return shown(view, profile=make_profile(LOBBY), now=StandingClock().now())["screen"]


def test_every_question_and_every_country_on_a_button_has_words():
    words = forms_of("vi")
    assert {f"type.{asked}" for asked in QUESTIONS} <= words.keys()
    assert {f"country.{code}" for code in (*COUNTRIES, "VNM", "XXX")} <= words.keys()


def test_a_logged_state_says_neither_nationality_nor_passport():
    text = repr(walk(*typed(**KOREAN))[0]) + repr(walk(*typed(**KOREAN)[:7])[0])
    assert "KOR" not in text
    assert "12345678" not in text
