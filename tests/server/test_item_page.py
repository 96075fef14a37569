"""One case's page: what is near it and why, what was sent to whom and what came back, what was not tried; never the same person elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import make_person
from server_parts import csrf_of
from server_police import file_cases
from sqlalchemy import update

from registry import tables


@pytest.fixture
def officer(world):
    return world.client("officer")


def part(page, heading):
    """Return what stands under one heading."""
    return page.split(f">{heading}</h2>")[1].split("<h2")[0]


def test_what_is_near_a_case_is_listed_with_why_and_other_premises_never(world, officer):
    case_id = world.open_case()  # room 1204
    near = file_cases(world, 4, premises=True)  # rooms 1203 and 1204 of the block, and two of the hotel
    around = part(officer.get(f"/police/cases/{case_id}").text, "What stands around it")
    assert [each in around for each in near] == [True, True, False, False]
    assert around.index(near[1]) < around.index(near[0])  # the same room before the same premises
    assert ("the same room" in around, "the same premises" in around) == (True, True)
    assert "never looked for here" in around


def test_the_same_person_at_these_premises_is_said_and_elsewhere_is_not_found(world, officer):
    case_id = world.open_case()
    here, _, elsewhere, _ = file_cases(world, 4, premises=True)
    with world.registry.writing() as connection:
        who = connection.scalar(
            tables.cases.select().with_only_columns(tables.cases.c.who).where(tables.cases.c.case_id == case_id)
        )
        same = update(tables.cases).where(tables.cases.c.case_id.in_([here, elsewhere])).values(who=who)
        connection.execute(same)
    around = part(officer.get(f"/police/cases/{case_id}").text, "What stands around it")
    assert "the same person at these premises before" in around
    assert elsewhere not in around


def test_a_room_says_how_many_are_declared_there_now(world, officer):
    case_id = world.open_case()
    assert "Nobody is declared in this room now" in officer.get(f"/police/cases/{case_id}").text
    person = make_person(full_name="Đỗ Thị Lan", personal_number="001195000555", sex="female", document=None)
    world.declare_guest(premises_id="blk-hoa-binh", unit="1204", person=person)
    page = officer.get(f"/police/cases/{case_id}").text
    assert "Declared in this room now: 1, since" in page
    assert "Đỗ Thị Lan" not in page


def test_what_was_sent_to_whom_and_what_came_back(world, officer):
    case_id = world.open_case()
    told = part(officer.get(f"/police/cases/{case_id}").text, "What was sent, and what was answered")
    for said in ("Host: Please declare", "message to the premises: waiting to be sent", "No answer yet"):
        assert said in told, said
    for action, more in (("claim", {"purpose": "undeclared-case"}), ("close-explained:visitor", {})):
        officer.post(f"/police/cases/{case_id}", data={"csrf": csrf_of(officer), "action": action} | more)
    world.clock.instant += timedelta(minutes=1)
    told = part(officer.get(f"/police/cases/{case_id}").text, "What was sent, and what was answered")
    assert "a case was decided (cong-an)" in told


def test_explanations_that_were_not_tried_are_said_to_be_possible(world, officer):
    page = officer.get(f"/police/cases/{world.open_case()}").text
    untried = page.split("Not tried, and still possible")[1].split("</ul>")[0]
    assert "a visitor who does not stay the night" in untried
    assert "registered residence here" not in untried  # that was tried
