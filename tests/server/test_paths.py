"""Guided paths on the pages: begun anywhere, followed by a slip that says nothing of anybody, worked on by one officer, handed over only as agreed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import make_id, make_person
from server_parts import csrf_of
from server_paths import CODE, begin_at_desk, follow, open_by_code, step
from server_police import add_officer, officer_named
from sqlalchemy import select

from registry import tables
from residence.paths.words import SPOKEN, say
from residence.wire.receipts import receipt_code
from server.settings import Allowance

WORDS = "I lost everything"
OFTEN = Allowance(times=100, per=timedelta(minutes=5))


@pytest.fixture
def world(make_world):
    return make_world(sign_in_allowance=OFTEN, receipt_allowance=OFTEN)


def records(world, purpose):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.access_records).where(tables.access_records.c.purpose == purpose)).all()


def test_a_slip_tells_how_far_it_is_in_six_languages_and_nothing_of_the_person(world):
    code = begin_at_desk(world, situation="no-home", helper_kind="neighbour", helper="Bà Tư Thử")
    typed = code.lower().replace("-", " ")
    for language in SPOKEN:
        page = follow(world, typed, language).text
        assert f'lang="{language}"' in page
        assert say("state.begun", language) in page
        hidden = ("Bình", "Tư Thử", WORDS, "Sao Mai", say("situation.no-home", language), "le-tan")
        assert not [each for each in hidden if each in page]
    anybody = world.client()
    assert say("state.begun", "en") in anybody.post("/receipts", data={"csrf": csrf_of(anybody), "code": code}).text
    assert follow(world, "0000-0000-0000").status_code == 422
    assert follow(world, "x").status_code == 422


def test_with_a_kiosks_slip_the_person_begins_themselves_and_keeps_the_code(world):
    said = make_id(world.clock.now())
    world.declare_guest(declaration_id=said, person=make_person(personal_number=None, document=None, birth=None))
    me = world.client()
    form = {"csrf": csrf_of(me), "in": "ru", "code": receipt_code(said), "situation": "no-papers"}
    receipt = me.post("/receipts", data={"csrf": csrf_of(me), "code": receipt_code(said)}).text
    assert f"/paths/begin?code={receipt_code(said)}" in receipt
    assert say("situation", "ru") in me.get(f"/paths/begin?in=ru&code={receipt_code(said)}").text
    answer = me.post("/paths/begin", data=form)
    assert answer.status_code == 200
    assert receipt_code(said) in answer.text
    assert say("state.begun", "en") in follow(world, receipt_code(said)).text
    assert 'action="/paths"' in me.post("/receipts", data={"csrf": csrf_of(me), "code": receipt_code(said)}).text
    assert say("wrong.path.begun", "ja") in me.post("/paths/begin", data=form | {"in": "ja"}).text
    for wrong in ({"code": ""}, {"code": "0000-0000-0000"}, {"situation": "thief"}, {"helper": "Bà Tư"}, {"words": "x" * 501}):
        answer = me.post("/paths/begin", data=form | {"in": "ko"} | wrong)
        assert answer.status_code == 422
        assert any(say(f"wrong.path.{each}", "ko") in answer.text for each in ("situation", "slip", "begun", "words", "helper"))


def test_what_somebody_said_is_for_the_officer_who_took_the_path_and_every_look_is_on_the_record(world):
    code = begin_at_desk(world, helper_kind="family", helper="Bà Tư Thử")
    officer, colleague = world.client("officer"), officer_named(world, add_officer(world, "acc-second", "dong-nghiep"))
    listed = officer.get("/police/paths").text
    assert code in listed
    path = open_by_code(officer, code)
    for page in (listed, officer.get(path).text, colleague.get(path).text):
        assert not [each for each in ("Bình", WORDS, "Tư Thử") if each in page]
    assert "Take this path first" in step(officer, path, "ask").text
    assert records(world, "guided-path") == []
    assert WORDS in step(officer, path, "take").text
    assert "Bà Tư Thử" in officer.get(path).text
    assert WORDS not in colleague.get(path).text
    assert {row.account_id for row in records(world, "guided-path")} == {"acc-officer"}
    assert "not possible now" in step(colleague, path, "take").text  # who pressed at the same moment is told
    assert (
        WORDS in step(colleague, path, "take", seen_with="acc-officer").text
    )  # a colleague may go on, and the first sees no more
    assert WORDS not in officer.get(path).text
    for role in ("clerk", "operator", "resident", "inspector"):
        assert world.client(role).get(path).status_code == 403
        assert world.client(role).get("/police/paths").status_code == 403


def test_the_law_counts_from_the_first_day_and_what_is_late_says_so_to_everybody(world):
    code = begin_at_desk(world)  # on Friday 10 July
    officer = world.client("officer")
    path = open_by_code(officer, code)
    assert "17/07/2026" in follow(world, code).text
    step(officer, path, "take")
    assert "09/08/2026" in step(officer, path, "looked", in_database="no").text
    assert "whether the person" in step(officer, path, "looked").text
    assert "Give the reason" in step(officer, path, "extend").text
    assert "08/09/2026" in step(officer, path, "extend", reason="papers are searched for").text
    assert "longer once only" in step(officer, path, "extend", reason="once more").text
    assert "17/07/2026" in step(officer, path, "looked", in_database="yes").text
    world.clock.pass_time(days=9)
    told, officer = follow(world, code).text, world.client("officer")
    assert "It is late, and that is not your fault" in told
    assert "Past their due date" in officer.get("/police/paths").text
    assert "Guided paths past their due date" in officer.get("/police/queue").text


def test_another_office_gets_what_was_shown_and_agreed_to_and_it_is_taken_back_with_the_slip(world):
    code = begin_at_desk(world)
    officer = world.client("officer")
    path = open_by_code(officer, code)
    step(officer, path, "take")
    form = {"csrf": csrf_of(officer), "office": "social-help", "field.full-name": "yes", "in": "ko"}
    assert "at least one" in officer.post(f"{path}/handover", data={**form, "field.full-name": ""}).text
    shown = officer.post(f"{path}/handover", data=form).text
    assert say("consent", "ko") in shown
    assert 'type="checkbox" value="yes" checked' not in shown
    sheet = f"{code}\nHọ và tên / 이름: Cô Bình Thử\n"
    assert WORDS not in shown
    assert "heard it and agreed" in officer.post(f"{path}/handover", data=form | {"shown": sheet}).text
    assert "no longer what" in officer.post(f"{path}/handover", data=form | {"shown": "else\n", "agreed": "yes"}).text
    assert records(world, "hand-over")[-1].way != "told"
    done = officer.post(f"{path}/handover", data=form | {"shown": sheet.replace("\n", "\r\n"), "agreed": "yes"}).text
    assert "Social help" in done
    (row,) = [each for each in records(world, "hand-over") if each.way == "told"]
    assert row.fields == ["full-name"]
    assert code in officer.get("/police/paths/offices/social-help").text
    assert "Cô Bình" not in officer.get("/police/paths/offices/social-help").text
    (sheet_page,) = re.findall(rf"{path}/handovers/[0-9a-f-]+", officer.get(path).text)[:1]
    assert sheet in officer.get(sheet_page).text
    page, person = follow(world, code).text, world.client()
    assert "Social" not in page
    (handover,) = re.findall(r'name="handover" value="([^"]+)"', page)
    taken = person.post("/paths/consent", data={"csrf": csrf_of(person), "code": code, "handover": handover, "in": "en"}).text
    assert say("taken_back", "en") in taken
    assert say("state.working", "en") in taken  # with no consent left no office has it
    assert "Nothing of it is kept here" in officer.get(sheet_page).text
    assert "tell the office to delete" in officer.get("/police/paths/offices/social-help").text
    assert "told to delete" in step(officer, sheet_page, "told").text
    with world.registry.reading() as connection:
        assert connection.scalar(select(tables.path_handovers.c.sheet_sealed)) is None


@pytest.mark.parametrize("end", ["withdraw", "refuse", "register", "find_papers"])
def test_whatever_a_path_ends_in_its_slip_says_so_and_nobody_is_in_a_dead_end(world, end):
    code = begin_at_desk(world)
    officer, clerk = world.client("officer"), world.client("clerk")
    path = open_by_code(officer, code)
    step(officer, path, "take")
    if end == "refuse":
        assert "needs its legal basis" in step(officer, path, end, reason="x").text
    step(officer, path, end, reason="x", legal_basis="Art. 1")
    state = {"withdraw": "withdrawn", "refuse": "refused", "register": "registered", "find_papers": "papers_found"}[end]
    assert say(f"state.{state}", "en") in follow(world, code).text
    again = clerk.post(
        "/desk/paths/follow?in=en", data={"csrf": csrf_of(clerk), "premises": "htl-sao-mai", "code": code, "step": "resume"}
    )
    expected = "state.begun" if state in {"withdrawn", "refused"} else None
    assert again.status_code == (200 if expected else 409)
    if expected:
        assert say(expected, "en") in again.text


def test_a_newborns_number_comes_later_is_joined_by_the_officer_and_can_be_parted_again(world):
    said = make_id(world.clock.now())
    child = make_person(full_name="Bé Thử", personal_number=None, document=None)
    world.declare_guest(declaration_id=said, person=child)
    code = begin_at_desk(world, situation="newborn", code=receipt_code(said), called="")
    assert code == receipt_code(said)
    officer = world.client("officer")
    path = open_by_code(officer, code)
    assert "Bé Thử" in step(officer, path, "take").text
    form = {"csrf": csrf_of(officer), "value": "001326000117", "on": "2026-07-10", "reason": "notice shown"}
    assert officer.post(f"{path}/number", data=form | {"value": "1"}).status_code == 422
    numbers = officer.post(f"{path}/number", data=form)
    assert "/police/numbers/" in str(numbers.url)
    assert "Came later, joined on" in numbers.text
    assert officer.post(f"{path}/number", data=form | {"value": "001326000125"}).status_code == 422
    (event,) = re.findall(r'name="event" value="([^"]+)"', numbers.text)
    parted = officer.post(
        str(numbers.url.path), data={"csrf": csrf_of(officer), "action": "take-back", "event": event, "reason": "wrong child"}
    )
    assert parted.status_code == 200
    assert "/police/numbers/" in str(officer.post(f"{path}/number", data=form).url)  # and joined once more
    with world.registry.reading() as connection:
        assert len(connection.execute(select(tables.identifiers.c.status)).all()) == 1


def test_a_path_of_another_commune_and_none_are_answered_alike(world):
    code = begin_at_desk(world)
    officer = world.client("officer")
    path = open_by_code(officer, code)
    with world.registry.writing() as connection:
        connection.execute(tables.paths.update().values(commune_code="demo-02"))
    for address in (path, f"{path}/handover", "/police/paths/none", "/police/paths/none/handover"):
        assert officer.get(address).status_code == 403
    assert step(officer, path, "take").status_code == 403
    assert officer.post("/police/paths/find", data={"csrf": csrf_of(officer), "code": code}).status_code == 422


def test_a_form_sent_twice_begins_one_path_and_nobody_is_given_anothers_slip_by_it(world):
    form_id, clerk, officer = make_id(world.clock.now()), world.client("clerk"), world.client("officer")
    said = {"csrf": csrf_of(clerk), "premises": "htl-sao-mai", "situation": "no-home", "form": form_id}
    one, two = (clerk.post("/desk/paths?in=en", data=said).text for _ in range(2))
    assert CODE.search(one)[1] == CODE.search(two)[1]
    stranger = officer.post("/police/paths/begin", data={"csrf": csrf_of(officer), "situation": "no-home", "form": form_id})
    assert CODE.search(one)[1] not in stranger.text
    with world.registry.reading() as connection:
        assert len(connection.execute(select(tables.paths)).all()) == 1


HOSTILE = ("\0", "x" * 5000, "<script>alert(1)</script>", "'; DROP TABLE paths; --", "\u202e\u2028" * 40, "{{ 7*7 }}")


@pytest.mark.parametrize("field", ["called", "words", "helper", "code", "situation", "helper_kind", "form", "in"])
def test_whatever_a_form_holds_it_is_taken_as_words_or_refused(world, field):
    clerk = world.client("clerk")
    said = {"csrf": csrf_of(clerk), "premises": "htl-sao-mai", "situation": "no-papers", "helper_kind": "other"}
    for value in HOSTILE:
        answer = clerk.post("/desk/paths?in=en", data=said | {field: value})
        assert answer.status_code in {200, 422}, (field, value)
        assert "<script>alert" not in answer.text
