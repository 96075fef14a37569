"""An officer with a paper about a number: finds whose it is in their commune, cancels, replaces, takes back; no name and no whole number is shown."""

from __future__ import annotations

import re

import pytest
from factories import EVENING
from server_own import bind_resident
from server_parts import csrf_of

from registry import tables
from registry.scoreboard.counting import keep_day
from residence.errors import catalogue as codes

NUMBER, NEW = "001095000117", "001095000777"
PAGE = "/police/numbers"


@pytest.fixture
def person_id(world):
    return bind_resident(world)


def find(client, number=NUMBER):
    return client.post(PAGE, data={"csrf": csrf_of(client), "number": number})


def step(client, page, action, **form):
    given = {"reason": "letter 12 of the office"} | form
    return client.post(page, data={"csrf": csrf_of(client), "action": action} | given)


def number_id(text):
    return re.findall(r'name="number_id" value="([0-9a-f-]+)"', text)[0]


def status_of(world, value):
    with world.registry.reading() as connection:
        index = world.vault.number_index("personal", value)
        rows = connection.execute(tables.identifiers.select().where(tables.identifiers.c.value_index == index)).all()
    return [row.status for row in rows]


def test_a_number_is_found_replaced_and_taken_back_on_one_page_and_the_person_sees_the_look(world, person_id):
    officer = world.client("officer")
    found = find(officer)
    page = f"{PAGE}/{person_id}"
    assert found.url.path == page
    assert "•••••••••117" in found.text
    assert "Trần Văn An" not in found.text
    assert NUMBER not in found.text
    today = EVENING.date().isoformat()
    replaced = step(officer, page, "replace", number_id=number_id(found.text), on=today, value=f"{NEW[:6]} {NEW[6:]}")
    assert replaced.status_code == 200
    assert "•••••••••777" in replaced.text
    assert (status_of(world, NUMBER), status_of(world, NEW)) == (["replaced"], ["active"])
    event = re.findall(r'name="event" value="([0-9a-f-]+)"', replaced.text)[0]
    assert step(officer, page, "take-back", event=event).status_code == 200
    assert (status_of(world, NUMBER), status_of(world, NEW)) == (["active"], ["stated"])
    assert "Care of a person" in world.client("resident").get("/me").text


def test_a_number_under_dispute_says_so(world, person_id):
    resident, officer = world.client("resident"), world.client("officer")
    page = f"{PAGE}/{person_id}"
    assert "under dispute" not in officer.get(page).text
    said = {"csrf": csrf_of(resident), "field": "personal-number-masked", "reason": "the card says otherwise"}
    assert resident.post("/me", data=said).status_code == 200
    assert "under dispute" in officer.get(page).text


def test_a_cancelled_number_still_finds_its_person(world, person_id):
    officer = world.client("officer")
    page = f"{PAGE}/{person_id}"
    step(officer, page, "cancel", number_id=number_id(find(officer).text), on=EVENING.date().isoformat())
    assert status_of(world, NUMBER) == ["cancelled"]
    assert find(officer).url.path == page
    assert "Cancelled" in officer.get(page).text


WRONG = {
    "a day to come": ({"on": "2099-01-01"}, "number.day"),
    "no day": ({"on": "soon"}, "server.form_date"),
    "no reason": ({"reason": " "}, "number.reason"),
    "no such number": ({"number_id": "0197"}, "number.unknown"),
    "nothing in its place": ({"action": "replace", "value": ""}, "personal-number.malformed"),
    "the number itself": ({"action": "replace", "value": NUMBER}, "number.held"),
    "no such event": ({"action": "take-back", "event": "0197"}, "number.event_unknown"),
}


def test_what_cannot_be_is_said_on_the_page_and_changes_nothing(world, person_id):
    officer = world.client("officer")
    form = {"number_id": number_id(find(officer).text), "on": EVENING.date().isoformat(), "action": "cancel"}
    for changed, code in WRONG.values():
        given = form | changed
        answer = step(officer, f"{PAGE}/{person_id}", given.pop("action"), **given)
        assert answer.status_code == 422, code
        assert codes()[code]["en"].partition("{")[0].replace("'", "&#39;") in answer.text, code
    assert status_of(world, NUMBER) == ["active"]


@pytest.mark.parametrize("number", ["001095000999", "12", "", "٠٠١٠٩٥٠٠٠١١١"])
def test_nobody_is_found_by_anything_else(world, person_id, number):
    assert find(world.client("officer"), number).status_code == 422


def test_people_of_other_communes_and_people_who_are_not_there_answer_alike(world, person_id):
    officer = world.client("officer")
    with world.registry.writing() as connection:
        mine = tables.persons.c.person_id == person_id
        connection.execute(tables.persons.update().where(mine).values(commune_code="demo-02"))
    assert find(officer).status_code == 422
    answers = [officer.get(f"{PAGE}/{each}") for each in (person_id, "nobody")]
    assert [each.status_code for each in answers] == [403, 403]


@pytest.mark.parametrize("role", ["clerk", "operator", "resident"])
def test_it_is_for_officers(world, role):
    assert world.client(role).get(PAGE).status_code == 403


def test_an_e_id_seen_is_counted_shown_as_coverage_and_taken_back(world, person_id):
    officer = world.client("officer")
    page, today = f"{PAGE}/{person_id}", EVENING.date().isoformat()

    def counted() -> tuple[int, int]:
        cells = {each.measure: each for each in keep_day(world.registry, now=world.clock.now())}
        return cells["e_id"].part, cells["e_id"].whole

    assert "Coverage" not in officer.get(PAGE).text
    assert counted() == (0, 1)
    assert step(officer, page, "e-id", on="2099-01-01").status_code == 422
    seen = step(officer, page, "e-id", on=today)
    assert "an officer saw it" in seen.text
    assert step(officer, page, "e-id", on=today).status_code == 422, "said already"
    assert counted() == (1, 1)
    assert "1 / 1" in officer.get(PAGE).text
    (sighting,) = re.findall(r'name="sighting" value="([0-9a-f-]+)"', seen.text)
    assert step(officer, page, "no-e-id", sighting=sighting, reason=" ").status_code == 422
    assert "an officer saw it" not in step(officer, page, "no-e-id", sighting=sighting).text
    assert step(officer, page, "no-e-id", sighting=sighting).status_code == 422
    assert counted() == (0, 1)
