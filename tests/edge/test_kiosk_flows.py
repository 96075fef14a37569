"""Every way through the kiosk besides one person's own card: groups, guests of residents, no papers, passports, changes, more time."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from factories import StandingClock, make_id
from kiosk_page_parts import CARD, DESK, LOBBY, NO_CARD, OTHER_CARD, capture_of, card_seen, make_profile, moment, running_kiosk
from kiosk_states import WALKS, page_of
from kiosk_walks import KEPT, NAME, TO_REVIEW, walk
from kiosk_walks import TO_PERSON as ONE

from edge_agent.kiosk import states as screens
from edge_agent.kiosk.changes import ChangeKind
from edge_agent.kiosk.dialogue import PATIENCE, begin, seconds_left, step
from edge_agent.kiosk.effects import CallPerson, EndCall, Keep, LookUp, Play, Wipe
from edge_agent.kiosk.events import (
    CallEnded,
    Cancelled,
    CardSeen,
    CodeGiven,
    Confirmed,
    GroupComplete,
    HostWanted,
    MemberRemoved,
    MoreTime,
    NightsChosen,
    NoCard,
    NoPapers,
    NotMe,
    PersonCalled,
    PersonConfirmed,
    PurposeChosen,
    ReasonChosen,
    Started,
    Touched,
    Typed,
    UnitChosen,
    WentBack,
)
from edge_agent.kiosk.gathering import MOST_MEMBERS
from edge_agent.kiosk.news import CallAnswered, CodeFound, HostAnswered, KeepingFailed, KeptSafely, SettlementChanged, Ticked
from edge_agent.kiosk.showing_results import outcome_of, said_key
from edge_agent.kiosk.states import Result
from edge_agent.kiosk.texts import Texts
from edge_agent.voices.prompts import spoken
from firmware_config.profiles import Language
from residence.credentials.evidence import EvidenceLevel
from residence.people.person import DocumentKind
from residence.stays.check import check_declaration
from residence.stays.declaration import Reason
from residence.wire.receipts import receipt_code

IDS = tuple(make_id() for _ in range(4))
PASSPORT = "P<UTOOSTER<<LINA<BO<<<<<<<<<<<<<<<<<<<<<<<<<\nX0S8217632UTO8108153F3207040<<<<<<<<<<<<<<06"
STAY_QUESTIONS = (UnitChosen(unit="1203"), NightsChosen(nights=2), ReasonChosen(reason=Reason.TOURISM))
GROUP = (Started(), PurposeChosen(purpose="group"), card_seen(), PersonConfirmed(), *STAY_QUESTIONS)
CHILD = (
    NoCard(),
    Typed(asked="name", text="Trần Gia Hân"),
    Typed(asked="birth", text="03042019"),
    Typed(asked="sex", text="female"),
    Typed(asked="nationality", text="VNM"),
    Typed(asked="number", text=""),
)
PAPERLESS = (
    Started(),
    PurposeChosen(purpose="stay"),
    NoPapers(),
    NAME,
    Typed(asked="birth", text="1948"),
    Typed(asked="sex", text=""),
    Typed(asked="nationality", text="VNM"),
    Typed(asked="words", text="Ở nhờ nhà cháu, giấy tờ bị trôi trong lũ"),
    Typed(asked="helper", text="Lê Văn Giúp"),
)


ALL_KEPT = WALKS["party-refused"][:-2]


def changed(purpose, *events):
    return walk(
        Started(), PurposeChosen(purpose="change"), PurposeChosen(purpose=purpose), card_seen(), PersonConfirmed(), *events
    )


def kept(effects):
    return [each.declaration for each in effects if isinstance(each, Keep)]


# ---- a family, a bus -------------------------------------------------------------------------------------------------------


def test_a_family_is_one_list_and_everybody_gets_a_declaration_of_their_own():
    state, effects = walk(*GROUP, card_seen(OTHER_CARD), *CHILD, GroupComplete(), Confirmed(fresh_id=IDS[0], more_ids=IDS[1:]))
    leader, wife, child = kept(effects)
    assert [each.declaration_id for each in (leader, wife, child)] == list(IDS[:3])
    assert [each.person.full_name for each in (leader, wife, child)] == ["Trần Văn An", "Lê Thị Mỹ Duyên", "Trần Gia Hân"]
    assert {(each.unit, each.reason, each.planned_departure) for each in (leader, wife, child)} == {
        ("1203", Reason.TOURISM, "2026-07-12T12:00:00+07:00")
    }
    assert child.evidence.level is EvidenceLevel.STATED
    assert child.declarant.helper == "Trần Văn An"
    assert wife.declarant.helper is None
    assert isinstance(state.screen, screens.PartyResult)


def test_what_is_wrong_with_one_member_stops_none_of_the_others():
    events = (*GROUP, card_seen(NO_CARD), card_seen(OTHER_CARD), GroupComplete(), Confirmed(fresh_id=IDS[0], more_ids=IDS[1:]))
    news = (
        KeepingFailed(declaration_id=IDS[0], code="outbox.disk_full"),
        KeptSafely(declaration_id=IDS[1], code="AAAA-BBBB-CCCC"),
        SettlementChanged(declaration_id=IDS[1], standing="accepted"),
        SettlementChanged(declaration_id=IDS[1], standing="sent"),  # late news
    )
    state, effects = walk(*events, *news)
    first, second = state.screen.entries
    assert (first.failed, first.standing) == ("outbox.disk_full", None)
    assert (second.code, second.standing) == ("AAAA-BBBB-CCCC", "accepted")
    assert effects[-1] == Play(cue="problem")


def test_a_card_shown_twice_is_said_and_the_list_stays():
    state, _ = walk(*GROUP, card_seen(OTHER_CARD), card_seen(OTHER_CARD))
    assert state.screen.problem.code == "kiosk.already_in_group"
    assert len(state.screen.draft.members) == 1
    state, _ = walk(*GROUP, card_seen(OTHER_CARD), MemberRemoved(index=0))
    assert state.screen.draft.members == ()


def test_a_bus_fits_and_what_does_not_fit_is_said():
    def traveller(number):
        numbered = f"0010950{number:05}|{number:09}|Trần Văn An|01021995|Nam|Số 5 Láng Hạ, Đống Đa, Hà Nội|15082021"
        return CardSeen(capture=capture_of(numbered), fresh_id=make_id())

    bus = [traveller(number) for number in range(1000, 1000 + MOST_MEMBERS)]
    more = tuple(make_id() for _ in range(MOST_MEMBERS))
    state, effects = walk(*GROUP, *bus, GroupComplete(), Confirmed(fresh_id=IDS[0], more_ids=more))
    assert len({each.declaration_id for each in kept(effects)}) == len(state.screen.entries) == MOST_MEMBERS + 1
    state, _ = walk(*GROUP, *bus, traveller(9))
    assert state.screen.problem.code == "kiosk.group_full"


def test_a_desk_begins_a_group_and_a_change_from_its_card_screen():
    assert walk(Started(), PurposeChosen(purpose="group"), text=DESK)[0].screen == screens.ShowCard(purpose="group")
    assert isinstance(walk(Started(), PurposeChosen(purpose="change"), text=DESK)[0].screen, screens.ChooseChange)


def test_the_agent_keeps_a_group_row_by_row_and_tells_the_news_of_each():
    with running_kiosk() as kiosk:
        for event in (*GROUP, card_seen(OTHER_CARD), GroupComplete(), Confirmed(fresh_id=IDS[0], more_ids=IDS[1:])):
            kiosk.agent.act(event).result(5)
        assert [each.standing for each in kiosk.screen.entries] == ["kept", "kept"]
        kiosk.outbox.settle(IDS[1], "refused")
        kiosk.settle_down()
        assert [each.standing for each in kiosk.screen.entries] == ["kept", "refused"]


# ---- the guest of a resident -----------------------------------------------------------------------------------------------


def test_a_resident_confirms_with_a_card_and_the_household_declares():
    _, effects = walk(*TO_REVIEW, HostWanted(), card_seen(OTHER_CARD), Confirmed(fresh_id=IDS[0]))
    (declaration,) = kept(effects)
    assert (declaration.declarant.role, declaration.declarant.name) == ("household", "Lê Thị Mỹ Duyên")
    assert declaration.person.full_name == "Trần Văn An"


@pytest.mark.parametrize(("card", "code"), [(CARD, "kiosk.host_is_guest"), (NO_CARD, "payload.unknown")])
def test_the_guests_own_card_and_no_card_confirm_nothing_and_the_way_back_is_open(card, code):
    state, _ = walk(*TO_REVIEW, HostWanted(), card_seen(card))
    assert state.screen.problem.code == code
    state, effects = walk(*TO_REVIEW, HostWanted(), card_seen(card), WentBack(), Confirmed(fresh_id=IDS[0]))
    assert kept(effects)[0].declarant.role == "self"


def test_a_hotel_has_no_residents_to_confirm():
    hotel = LOBBY.replace('kind = "apartment-block"', 'kind = "hotel"')
    assert isinstance(walk(*TO_REVIEW, HostWanted(), text=hotel)[0].screen, screens.Review)


# ---- no papers, foreign papers ---------------------------------------------------------------------------------------------


def test_who_has_no_papers_speaks_in_own_words_and_gets_a_case_number():
    asked = [walk(*PAPERLESS[: 3 + at])[0].screen.asked for at in range(6)]
    assert asked == ["name", "birth", "sex", "nationality", "words", "helper"]
    state, effects = walk(*PAPERLESS, PersonConfirmed(), *STAY_QUESTIONS, Confirmed(fresh_id=IDS[0]))
    (declaration,) = kept(effects)
    assert declaration.evidence.level is EvidenceLevel.STATED
    assert declaration.person.document.kind is DocumentKind.NONE
    assert declaration.note == "Ở nhờ nhà cháu, giấy tờ bị trôi trong lũ"
    assert declaration.declarant.helper == "Lê Văn Giúp"
    assert state.screen.statement == "paperless"
    profile, clock = make_profile(), StandingClock()
    clock.pass_time(minutes=1)
    found = check_declaration(declaration, premises=profile.place(), rules=profile.choices.rules, now=clock.now())
    assert [each.code for each in found.problems if each.severity == "error"] == []


def test_back_from_the_person_leads_to_the_last_question_that_was_asked():
    state, _ = walk(*PAPERLESS, WentBack())
    assert (state.screen.asked, state.screen.typed.words) == ("helper", "Ở nhờ nhà cháu, giấy tờ bị trôi trong lũ")


def test_whose_passport_was_read_is_asked_how_long_they_may_stay():
    seen = CardSeen(capture=capture_of(PASSPORT, kind="mrz"), fresh_id=make_id())
    to_question = (Started(), PurposeChosen(purpose="stay"), seen, PersonConfirmed())
    state, _ = walk(*to_question, Typed(asked="permitted", text="31022026"))
    assert state.screen.problem.code == "kiosk.date_unreadable"
    _, effects = walk(*to_question, Typed(asked="permitted", text="30092026"), *STAY_QUESTIONS, Confirmed(fresh_id=IDS[0]))
    assert kept(effects)[0].permitted_stay_until == "2026-09-30"
    _, effects = walk(*to_question, Typed(asked="permitted", text=""), *STAY_QUESTIONS, Confirmed(fresh_id=IDS[0]))
    assert kept(effects)[0].permitted_stay_until is None


# ---- changes ---------------------------------------------------------------------------------------------------------------


def test_staying_longer_asks_only_for_the_nights():
    _, effects = changed("extend", NightsChosen(nights=3), Confirmed(fresh_id=IDS[0]))
    (declaration,) = kept(effects)
    assert (declaration.kind, declaration.about, declaration.planned_departure) == (
        "extension",
        None,
        "2026-07-13T12:00:00+07:00",
    )


@pytest.mark.parametrize("language", get_args(Language))
def test_the_result_of_a_change_says_what_is_so_now_and_not_that_a_stay_was_recorded(language):
    texts, kept = Texts(language), Result(declaration_id=IDS[0], statement="stay", code="AAAA-BBBB-CCCC", standing="accepted")
    results = [kept, *(replace(kept, change=each) for each in get_args(ChangeKind))]
    said = [texts(said_key(each, online=True)) for each in results]
    assert len(set(said)) == 5
    heard = [spoken(each, texts) for each in results]
    assert all(words in aloud for words, aloud in zip(said, heard, strict=True))
    state, _ = changed("leave", Confirmed(fresh_id=IDS[0]), KeptSafely(declaration_id=IDS[0], code="AAAA-BBBB-CCCC"))
    assert state.screen.change == "departure"


@pytest.mark.parametrize(
    ("standings", "outcome", "cues"),
    [
        (("accepted", "accepted"), "all", []),
        (("accepted", "accepted", "accepted"), "accepted", ["accepted"]),
        (("accepted", "refused", "accepted"), "refused", ["problem"]),
        (("conflicting", "received", "refused"), "refused", ["problem", "problem"]),
    ],
)
def test_a_groups_result_says_and_sounds_what_has_become_of_all_of_them(standings, outcome, cues):
    state, _ = walk(*ALL_KEPT)
    about = [each.declaration_id for each in state.screen.entries]
    news = [SettlementChanged(declaration_id=each, standing=one) for each, one in zip(about, standings, strict=False)]
    state, effects = walk(*ALL_KEPT, *news, *news)  # told twice, it sounds once
    assert outcome_of(state.screen) == outcome
    sounds = [each.cue for each in effects if isinstance(each, Play)]
    assert sounds[sounds.index("kept") + 1 :] == cues


def test_leaving_now_is_a_departure_at_this_minute():
    _, effects = changed("leave", Confirmed(fresh_id=IDS[0]))
    (declaration,) = kept(effects)
    assert (declaration.kind, declaration.planned_departure) == ("departure", declaration.declared_at)


def test_the_wrong_room_is_corrected_from_when_the_first_declaration_was_made():
    code = receipt_code(IDS[3])
    found = CodeFound(code=code, declaration_id=IDS[3])
    _, effects = changed("correct", CodeGiven(text=code.lower()), found, *STAY_QUESTIONS, Confirmed(fresh_id=IDS[0]))
    (declaration,) = kept(effects)
    assert (declaration.kind, declaration.about, declaration.unit) == ("correction", IDS[3], "1203")
    assert declaration.arrival == "2026-07-10T14:00:00+07:00"  # when the id was made
    assert declaration.declared_at > declaration.arrival


def test_not_me_is_taken_back_by_its_code():
    code = receipt_code(IDS[3])
    slip = CardSeen(capture=capture_of(f"https://example.org/receipts?code={code}"), fresh_id=make_id())
    state, effects = changed("withdraw", slip)
    assert LookUp(code=code) in effects
    state, effects = changed("withdraw", slip, CodeFound(code=code, declaration_id=IDS[3]), Confirmed(fresh_id=IDS[0]))
    (declaration,) = kept(effects)
    assert (declaration.kind, declaration.about, declaration.planned_departure) == ("withdrawal", IDS[3], None)
    assert isinstance(state.screen, screens.Keeping)


@pytest.mark.parametrize("text", ["", "K7QM", "nothing"])
def test_a_code_that_is_none_is_said_and_asked_again(text):
    state, effects = changed("correct", CodeGiven(text=text))
    assert state.screen.problem.code == "receipt.code"
    assert not [each for each in effects if isinstance(each, LookUp)]


def test_the_agent_finds_what_was_declared_here_and_says_so_when_it_was_not():
    with running_kiosk() as kiosk:
        for event in (*KEPT[:-2], Confirmed(fresh_id=IDS[2])):
            kiosk.agent.act(event).result(5)
        code = kiosk.screen.code
        kiosk.agent.act(Cancelled()).result(5)
        for event in (
            Started(),
            PurposeChosen(purpose="change"),
            PurposeChosen(purpose="correct"),
            card_seen(),
            PersonConfirmed(),
        ):
            kiosk.agent.act(event).result(5)
        kiosk.agent.act(CodeGiven(text="AAAA-BBBB-CCCC")).result(5)
        assert kiosk.screen.problem.code == "kiosk.code_unknown"
        kiosk.agent.act(CodeGiven(text=code)).result(5)
        assert isinstance(kiosk.screen, screens.ChooseUnit)
        assert kiosk.screen.draft.change.about == IDS[2]


@pytest.mark.parametrize("purpose", ["group", "extend", "leave", "correct", "withdraw"])
def test_this_is_not_me_forgets_the_person_and_asks_for_the_right_card(purpose):
    begun = (Started(), PurposeChosen(purpose="change")) if purpose != "group" else (Started(),)
    state, _ = walk(*begun, PurposeChosen(purpose=purpose), card_seen(), NotMe())
    assert state.screen == screens.ShowCard(purpose=purpose)


# ---- the visit itself ------------------------------------------------------------------------------------------------------


def test_more_time_lasts_for_the_visit_and_ends_with_it():
    profile, clock = make_profile(LOBBY), StandingClock()
    state = begin(profile, moment(clock))
    for event in (Started(), MoreTime()):
        state, _ = step(state, event, profile=profile, now=moment(clock))
    clock.pass_time(seconds=30 * PATIENCE - 1)
    state, _ = step(state, Ticked(), profile=profile, now=moment(clock))
    assert not state.warning
    clock.pass_time(seconds=1)
    state, effects = step(state, Ticked(), profile=profile, now=moment(clock))
    assert state.warning
    assert effects == (Play(cue="attention"),)  # two senses: the overlay and the tone
    clock.pass_time(seconds=20)
    state, effects = step(state, Ticked(), profile=profile, now=moment(clock))
    assert effects == (Wipe(),)
    assert not state.unhurried


def test_a_mere_touch_starts_the_time_anew_and_grants_no_more():
    clock = StandingClock()
    state, _ = walk(Started(), Touched(), clock=clock)
    assert seconds_left(state, profile=make_profile(LOBBY), now=moment(clock)) == 50


@pytest.mark.parametrize("events", [(), (Started(),), ONE, TO_REVIEW, KEPT])
def test_a_person_can_be_called_from_any_screen_and_the_place_is_kept(events):
    before, _ = walk(*events)
    state, effects = walk(*events, PersonCalled())
    assert state.calling
    assert state.screen == before.screen
    assert effects[-2:] == [Play(cue="call"), CallPerson(call_id="")]
    after, effects = walk(*events, PersonCalled(), CallEnded())
    assert after.calling is None
    assert effects[-1] == EndCall()


SEEN = CallAnswered(call_id="c1", answer="acknowledged")
HEARD = CallAnswered(call_id="c1", answer="heard")
CALLED = PersonCalled(fresh_id="c1")


@pytest.mark.parametrize(
    ("news", "standing"),
    [
        ((), "calling"),
        ((HEARD,), "heard"),
        ((HEARD, SEEN), "acknowledged"),
        ((SEEN, HEARD), "acknowledged"),
        ((CallAnswered(call_id="another", answer="acknowledged"),), "calling"),
    ],
)
def test_the_screen_says_of_a_call_what_the_authority_said(news, standing):
    assert walk(*TO_REVIEW, CALLED, *news)[0].calling.standing == standing


def test_after_a_while_it_says_that_nobody_has_answered_and_still_takes_an_answer():
    clock = StandingClock()
    state, _ = walk(*TO_REVIEW, CALLED, HEARD, clock=clock)
    profile = make_profile(LOBBY.replace("[kiosk]", "[kiosk]\ncall_seconds = 10"))
    clock.pass_time(seconds=11)
    state, effects = step(state, Ticked(), profile=profile, now=moment(clock))
    assert (state.calling.standing, effects) == ("unanswered", (Play(cue="attention"),))
    state, effects = step(state, SEEN, profile=profile, now=moment(clock))
    assert (state.calling.standing, effects) == ("acknowledged", (Play(cue="accepted"),))


def test_pressed_again_an_open_call_rings_and_a_finished_one_is_made_anew():
    again = PersonCalled(fresh_id="c2")
    state, effects = walk(CALLED, HEARD, again)
    assert (state.calling.call_id, effects[-1]) == ("c1", Play(cue="call"))
    state, effects = walk(CALLED, SEEN, again)
    assert (state.calling.call_id, effects[-1]) == ("c2", CallPerson(call_id="c2"))


@pytest.mark.parametrize(("answer", "cue"), [("confirmed", "accepted"), ("refused", "problem")])
def test_the_residents_word_comes_to_the_result_of_that_guest_alone(answer, cue):
    state, effects = walk(*KEPT, HostAnswered(declaration_id=KEPT[-1].declaration_id, answer=answer))
    assert (state.screen.host, effects[-1]) == (answer, Play(cue=cue))
    assert walk(*KEPT, HostAnswered(declaration_id="another", answer=answer))[0].screen.host is None


@pytest.mark.parametrize("why", ["resident", "day-visit"])
def test_nothing_to_declare_is_said_with_a_sound_too(why):
    state, effects = walk(Started(), PurposeChosen(purpose=why))
    assert state.screen == screens.NothingDue(why=why)
    assert effects == [Play(cue="done")]


def test_who_has_no_papers_is_not_told_that_papers_are_missing():
    state, _ = walk(*WALKS["review-paperless"])
    missing = {"declaration.passport_missing", "declaration.permitted_stay_missing"}
    assert missing <= {each.code for each in state.screen.problems}, "the registry notes it all the same"
    page = page_of("review-paperless", "en")
    assert "Declared without papers" in page
    assert "passport" not in page
    assert "permitted" not in page
