"""Which screen follows which: tables of what happens and where it leads."""

from __future__ import annotations

import pytest
from factories import StandingClock, make_id
from kiosk_page_parts import CARD, DESK, LOBBY, NO_CARD, OTHER_CARD, capture_of, card_seen
from kiosk_walks import ID, KEPT, NAME, STAY, TO_NIGHTS, TO_PERSON, TO_REVIEW, TYPED, walk

from edge_agent.kiosk import states as screens
from edge_agent.kiosk.effects import Keep, KeepPresence, Wipe
from edge_agent.kiosk.events import (
    Cancelled,
    CardSeen,
    Confirmed,
    LanguageChosen,
    NightsChosen,
    NoCard,
    NotMe,
    PersonConfirmed,
    PurposeChosen,
    ReasonChosen,
    Started,
    Typed,
    UnitChosen,
    WentBack,
)
from edge_agent.kiosk.news import KeepingFailed, KeptSafely, SettlementChanged
from residence.credentials.evidence import EvidenceLevel
from residence.stays.declaration import Reason

NO_PRESENCE = LOBBY.replace("presence = true", "presence = false")
HOUSE = NO_PRESENCE.replace('kind = "apartment-block"', 'kind = "household"').replace("units = [", "units = [] #")


LEADS_TO = {
    "a touch asks why the person is here": ((Started(),), screens.ChoosePurpose),
    "a card at idle where presence is on asks why, with the card in hand": ((card_seen(),), screens.ChoosePurpose),
    "and staying then goes straight to the person": ((card_seen(), STAY), screens.ConfirmPerson),
    "a code that is no card explains itself and waits": ((card_seen(NO_CARD),), screens.ShowCard),
    "a second try with a card goes on": ((card_seen(NO_CARD), card_seen()), screens.ConfirmPerson),
    "a resident has nothing to declare": ((Started(), PurposeChosen(purpose="resident")), screens.NothingDue),
    "a day visitor has nothing to declare": ((Started(), PurposeChosen(purpose="day-visit")), screens.NothingDue),
    "the entrance asks for the card": ((Started(), PurposeChosen(purpose="entry")), screens.ShowCard),
    "no card at the entrance is not held against anybody": (
        (Started(), PurposeChosen(purpose="entry"), NoCard()),
        screens.NothingDue,
    ),
    "no card begins with the name": ((Started(), STAY, NoCard()), screens.Typing),
    "a card shown while typing takes its place": ((Started(), STAY, NoCard(), NAME, card_seen()), screens.ConfirmPerson),
    "typed answers end at the person": (TYPED, screens.ConfirmPerson),
    "not me goes back to the card": ((*TO_PERSON, NotMe()), screens.ShowCard),
    "the person leads to the unit": ((*TO_PERSON, PersonConfirmed()), screens.ChooseUnit),
    "a unit that does not exist is asked for again": (
        (*TO_PERSON, PersonConfirmed(), UnitChosen(unit="9999")),
        screens.ChooseUnit,
    ),
    "the unit leads to the nights": (TO_NIGHTS, screens.ChooseNights),
    "no night is no stay": ((*TO_NIGHTS, NightsChosen(nights=0)), screens.ChooseNights),
    "thirty nights are temporary residence": ((*TO_NIGHTS, NightsChosen(nights=30)), screens.ChooseNights),
    "twenty-nine nights are a stay": ((*TO_NIGHTS, NightsChosen(nights=29)), screens.ChooseReason),
    "the reason leads to the review": (TO_REVIEW, screens.Review),
    "a confirmation is being kept until the outbox says so": ((*TO_REVIEW, Confirmed(fresh_id=ID)), screens.Keeping),
    "and then the screen says kept": (KEPT, screens.Result),
    "news about somebody else's keeping changes nothing": (
        (*TO_REVIEW, Confirmed(fresh_id=ID), KeptSafely(declaration_id=make_id(), code="X")),
        screens.Keeping,
    ),
    "a full disk is said openly": (
        (*TO_REVIEW, Confirmed(fresh_id=ID), KeepingFailed(declaration_id=ID, code="outbox.disk_full")),
        screens.NotKept,
    ),
    "stopping is always possible": ((*TO_REVIEW, Cancelled()), screens.Idle),
}


@pytest.mark.parametrize("name", LEADS_TO)
def test_the_dialogue_leads_where_it_should(name):
    events, expected = LEADS_TO[name]
    assert type(walk(*events)[0].screen) is expected


GOES_BACK = {
    "from the purpose": ((Started(),), screens.Idle),
    "from the card": ((Started(), STAY), screens.ChoosePurpose),
    "from the name": ((Started(), STAY, NoCard()), screens.ShowCard),
    "from the person": (TO_PERSON, screens.ChoosePurpose),
    "from the typed person": (TYPED, screens.Typing),
    "from the unit": ((*TO_PERSON, PersonConfirmed()), screens.ConfirmPerson),
    "from the nights": (TO_NIGHTS, screens.ChooseUnit),
    "from the reason": ((*TO_NIGHTS, NightsChosen(nights=1)), screens.ChooseNights),
    "from the review": (TO_REVIEW, screens.ChooseReason),
    "from nothing to declare": ((Started(), PurposeChosen(purpose="resident")), screens.Idle),
}


@pytest.mark.parametrize("name", GOES_BACK)
def test_every_screen_has_a_way_back(name):
    events, expected = GOES_BACK[name]
    assert type(walk(*events, WentBack())[0].screen) is expected


def test_going_back_keeps_the_answers_given():
    state, _ = walk(*TO_REVIEW, WentBack(), WentBack(), WentBack())
    assert (state.screen.draft.unit, state.screen.draft.nights, state.screen.draft.reason) == ("1203", 2, Reason.VISIT)


def test_going_back_through_the_typed_questions_keeps_the_name():
    state, _ = walk(*TYPED[:5], WentBack(), WentBack())
    assert state.screen.asked == "name"
    assert state.screen.typed.full_name == "Nguyễn Thị Bình"


def test_a_confirmed_stay_becomes_the_declaration_the_law_asks_for():
    clock = StandingClock()
    _, effects = walk(*TO_REVIEW, Confirmed(fresh_id=ID), clock=clock)
    (declaration,) = [each.declaration for each in effects if isinstance(each, Keep)]
    assert declaration.declaration_id == ID
    assert declaration.person.full_name == "Trần Văn An"
    assert declaration.evidence.level is EvidenceLevel.CARD_TEXT
    assert (declaration.premises_id, declaration.unit, declaration.reason) == ("blk-hoa-binh", "1203", Reason.VISIT)
    assert declaration.declarant.role == "self"
    assert declaration.arrival == "2026-07-10T14:00:08+07:00"
    assert declaration.planned_departure == "2026-07-12T12:00:00+07:00"


def test_without_papers_a_stay_is_declared_at_level_0_with_the_helper_named():
    events = (*TYPED, PersonConfirmed(), *TO_REVIEW[4:], Confirmed(fresh_id=ID))
    _, effects = walk(*events)
    (declaration,) = [each.declaration for each in effects if isinstance(each, Keep)]
    assert declaration.evidence.level is EvidenceLevel.STATED
    assert declaration.person.birth.value == "1967"
    assert declaration.person.birth.precision == "year"
    assert declaration.person.personal_number is None
    assert declaration.declarant.helper == "Lê Văn Giúp"


def test_after_midnight_the_night_that_is_ending_counts():
    clock = StandingClock()
    clock.pass_time(hours=10, minutes=10)  # 00:10 on the 11th
    _, effects = walk(*TO_NIGHTS, NightsChosen(nights=1), *TO_REVIEW[6:], Confirmed(fresh_id=ID), clock=clock)
    (declaration,) = [each.declaration for each in effects if isinstance(each, Keep)]
    assert declaration.planned_departure == "2026-07-11T12:00:00+07:00"


def test_a_card_shown_before_the_question_need_not_be_shown_again_at_the_entrance():
    seen = card_seen()
    state, effects = walk(seen, PurposeChosen(purpose="entry"))
    assert isinstance(state.screen, screens.Keeping)
    presence = next(effect.presence for effect in effects if isinstance(effect, KeepPresence))
    assert (presence.kind, presence.declaration_id) == ("entry", seen.fresh_id)


def test_the_entrance_keeps_a_presence_and_never_a_stay():
    state, effects = walk(Started(), PurposeChosen(purpose="entry"), card_seen())
    assert isinstance(state.screen, screens.Keeping)
    (presence,) = [each.presence for each in effects if isinstance(each, KeepPresence)]
    assert (presence.kind, presence.premises_id) == ("entry", "blk-hoa-binh")
    assert not [each for each in effects if isinstance(each, Keep)]


ZONE = "P<UTOOSTER<<LINA<BO<<<<<<<<<<<<<<<<<<<<<<<<<\nX0S8217632UTO8108153F3207040<<<<<<<<<<<<<<06"


def zone_seen():
    return CardSeen(capture=capture_of(ZONE, kind="mrz"), fresh_id=make_id())


ENTRANCE = PurposeChosen(purpose="entry")
ZONES_AT_THE_ENTRANCE = {
    "shown when asked for": lambda seen: (Started(), ENTRANCE, seen),
    "shown before the question": lambda seen: (seen, ENTRANCE),
}


@pytest.mark.parametrize("way", ZONES_AT_THE_ENTRANCE)
def test_at_the_entrance_a_name_from_a_zone_is_compared_before_it_is_kept(way):
    seen = zone_seen()
    events = ZONES_AT_THE_ENTRANCE[way](seen)
    state, effects = walk(*events)
    assert isinstance(state.screen, screens.ConfirmPerson)
    assert not [each for each in effects if isinstance(each, KeepPresence)]

    state, effects = walk(*events, PersonConfirmed())
    assert isinstance(state.screen, screens.Keeping)
    (presence,) = [each.presence for each in effects if isinstance(each, KeepPresence)]
    assert (presence.kind, presence.declaration_id, presence.person.full_name) == ("entry", seen.fresh_id, "OSTER LINA BO")
    assert not [each for each in effects if isinstance(each, Keep)]


@pytest.mark.parametrize(
    ("event", "screen"),
    [(NotMe(), screens.ShowCard(purpose="entry")), (WentBack(), screens.ChoosePurpose())],
    ids=["not me", "back"],
)
def test_at_the_entrance_a_name_that_is_not_confirmed_is_forgotten(event, screen):
    state, effects = walk(Started(), ENTRANCE, zone_seen(), event)
    assert state.screen == screen
    assert not [each for each in effects if isinstance(each, KeepPresence)]


def test_the_entrance_is_not_offered_where_the_profile_has_no_presence():
    state, _ = walk(Started(), PurposeChosen(purpose="entry"), text=NO_PRESENCE)
    assert isinstance(state.screen, screens.ChoosePurpose)


def test_a_card_at_idle_without_presence_asks_the_person_at_once():
    state, _ = walk(card_seen(), text=NO_PRESENCE)
    assert isinstance(state.screen, screens.ConfirmPerson)


@pytest.mark.parametrize("purpose", ["resident", "day-visit"])
def test_who_need_not_declare_leaves_nothing_behind(purpose):
    state, effects = walk(card_seen(), PurposeChosen(purpose=purpose))
    assert not [each for each in effects if isinstance(each, (Keep, KeepPresence))]
    assert state.screen == screens.NothingDue(why=purpose)


def test_a_hotel_desk_asks_for_the_card_first_and_declares_for_the_house():
    _, effects = walk(
        Started(),
        card_seen(OTHER_CARD),
        PersonConfirmed(),
        UnitChosen(unit="201"),
        NightsChosen(nights=3),
        ReasonChosen(reason=Reason.TOURISM),
        Confirmed(fresh_id=ID),
        text=DESK,
    )
    (declaration,) = [each.declaration for each in effects if isinstance(each, Keep)]
    assert (declaration.declarant.role, declaration.declarant.name) == ("facility", "Khách sạn Sao Mai")
    assert declaration.unit == "201"


def test_a_house_without_units_does_not_ask_for_one():
    state, _ = walk(*TO_PERSON, PersonConfirmed(), text=HOUSE)
    assert isinstance(state.screen, screens.ChooseNights)


def test_where_the_profile_lists_no_units_the_room_is_typed_freely():
    text = DESK.replace("units = [", "units = [] #")
    state, _ = walk(Started(), card_seen(), PersonConfirmed(), UnitChosen(unit="  7B "), text=text)
    assert state.screen.draft.unit == "7B"


ANSWERS = {
    "a year alone": ("birth", "1967", "1967"),
    "a month and a year": ("birth", "11/1967", "1967-11"),
    "a whole date": ("birth", "05.11.1967", "1967-11-05"),
    "zeros for what is not known": ("birth", "00001967", "1967"),
    "an impossible date": ("birth", "31021967", None),
    "a date to come": ("birth", "01012090", None),
    "words": ("birth", "hôm qua", None),
    "no birth date at all": ("birth", "", ""),
    "twelve digits with spaces": ("number", "001 095 000 117", "001095000117"),
    "eleven digits": ("number", "00109500011", None),
    "a name with an apostrophe": ("name", "H'Loan Niê", "H'Loan Niê"),
    "a name in decomposed letters": ("name", "Nguyê\u0303n Bi\u0300nh", "Nguyễn Bình"),
    "no name": ("name", "   ", None),
    "mark-up for a name": ("name", "<b>An</b>", None),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_typed_answers_are_taken_or_asked_again(case):
    asked, text, expected = ANSWERS[case]
    before = {"name": 3, "birth": 4, "number": 7}[asked]
    state, _ = walk(*TYPED[:before], Typed(asked=asked, text=text))
    typed = state.screen.typed
    if expected is None:
        assert state.screen.asked == asked
        assert state.screen.problem.message.vi
    else:
        value = {"name": typed.full_name, "birth": typed.birth.value if typed.birth else "", "number": typed.number}[asked]
        assert value == expected


def test_the_language_may_change_at_any_moment_and_the_place_stays():
    state, _ = walk(*TO_NIGHTS, LanguageChosen(language="en"))
    assert (state.language, type(state.screen)) == ("en", screens.ChooseNights)


def test_after_a_wipe_the_language_is_the_first_again():
    state, effects = walk(*TO_NIGHTS, LanguageChosen(language="en"), Cancelled())
    assert state.language == "vi"
    assert Wipe() in effects


STANDINGS = {
    "kept, sent, received, accepted": (["sent", "received", "accepted"], "accepted"),
    "accepted and then a late received": (["accepted", "received"], "accepted"),
    "refused": (["sent", "refused"], "refused"),
    "conflicting": (["conflicting"], "conflicting"),
    "sent and nothing more": (["sent"], "sent"),
}


@pytest.mark.parametrize("case", STANDINGS)
def test_what_the_screen_says_only_moves_forward(case):
    news, expected = STANDINGS[case]
    state, _ = walk(*KEPT, *(SettlementChanged(declaration_id=ID, standing=each) for each in news))
    assert state.screen.standing == expected


def test_news_of_another_declaration_is_not_shown():
    state, _ = walk(*KEPT, SettlementChanged(declaration_id=make_id(), standing="refused"))
    assert state.screen.standing == "kept"


def test_the_zone_of_a_passport_is_a_card_too():
    lines = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
    event = type(card_seen())(capture=capture_of(lines, kind="mrz"), fresh_id=make_id())
    state, _ = walk(Started(), STAY, event)
    assert isinstance(state.screen, screens.ConfirmPerson)
    assert state.screen.draft.reading.person.nationality == "UTO"


def test_a_state_in_a_log_names_nobody():
    for events in (TO_PERSON, TO_REVIEW, TYPED):
        text = repr(walk(*events)[0])
        assert "Trần" not in text
        assert "Nguyễn" not in text
        assert "001095000117" not in text
    assert "Trần" not in repr(card_seen(CARD))


TO_PAGE = DESK.replace('kind = "hotel-desk"', 'kind = "hotel-desk"\nto_desk_page = true')


def test_at_a_desk_that_says_so_cards_held_up_in_a_row_are_kept_for_the_clerks_page():
    first, second = card_seen(), card_seen(OTHER_CARD)
    kept = KeptSafely(declaration_id=first.fresh_id, code="RD7D-QQWQ-DW4X")
    state, effects = walk(first, kept, second, text=TO_PAGE)
    assert isinstance(state.screen, screens.Keeping)
    presences = [each.presence for each in effects if isinstance(each, KeepPresence)]
    assert [(each.for_desk, each.declaration_id) for each in presences] == [(True, first.fresh_id), (True, second.fresh_id)]
    assert not [each for each in effects if isinstance(each, Keep)]


def test_at_such_a_desk_whoever_has_no_card_is_asked_as_ever_and_a_lobby_never_sends_cards_to_a_page():
    state, _ = walk(Started(), NoCard(), text=TO_PAGE)
    assert isinstance(state.screen, screens.Typing)
    state, _ = walk(card_seen(), text=LOBBY.replace("presence = true", "presence = true\nto_desk_page = true"))
    assert isinstance(state.screen, screens.ChoosePurpose)
