"""The landlord says that somebody moved out; the registration ends, the person hears of it, and a mistake is taken back."""

from __future__ import annotations

import re

import pytest
from server_lodgers import lodge
from server_parts import csrf_of

from registry import tables

PAGE = "/desk/lodgers?premises=htl-sao-mai"


@pytest.fixture
def lodger(world):
    return lodge(world)


def say(client, residence_id, **form):
    told = {"csrf": csrf_of(client), "premises_id": "htl-sao-mai", "residence_id": residence_id, "on": "2026-07-09"}
    return client.post("/desk/lodgers", data=told | form)


def last_days(world):
    with world.registry.reading() as connection:
        return dict(
            connection.execute(
                tables.residences.select().with_only_columns(*(tables.residences.c[each] for each in ("premises_id", "valid_to")))
            ).all()
        )


def test_a_move_out_is_said_in_one_step_and_taken_back_in_one(world, lodger):
    clerk = world.client("clerk")
    assert "Registered" in clerk.get(PAGE).text
    said = say(clerk, lodger[0])
    assert "Moved out" in said.text
    assert last_days(world) == {"htl-sao-mai": "2026-07-09", "blk-hoa-binh": "2027-01-01"}
    assert "Take this back" in said.text
    assert "Registered" in say(clerk, lodger[0], action="take_back").text
    assert last_days(world)["htl-sao-mai"] == "2027-01-01"


@pytest.mark.parametrize(
    ("form", "said"),
    [({"on": "2026-07-11"}, "still to come"), ({"on": "2025-12-31"}, "does not lie within"), ({"on": "soon"}, "date")],
)
def test_a_day_that_cannot_be_is_told_and_changes_nothing(world, lodger, form, said):
    clerk = world.client("clerk")
    answer = say(clerk, lodger[0], **form)
    assert answer.status_code == 422
    assert said in answer.text
    assert last_days(world)["htl-sao-mai"] == "2027-01-01"


def test_a_registration_of_another_house_is_as_if_it_were_not_there(world, lodger):
    clerk = world.client("clerk")
    assert say(clerk, lodger[1]).status_code == 422
    assert say(clerk, lodger[1], premises_id="blk-hoa-binh").status_code == 403
    assert last_days(world)["blk-hoa-binh"] == "2027-01-01"


@pytest.mark.parametrize("role", ["officer", "operator", "resident"])
def test_nobody_but_the_house_says_so(world, lodger, role):
    client = world.client(role)
    assert client.get(PAGE).status_code == 403
    assert say(client, lodger[0]).status_code == 403


def test_the_names_shown_are_on_the_record(world, lodger):
    page = world.client("clerk").get(PAGE).text
    assert re.search(r"<strong>\s*Trần Văn An", page)
    with world.registry.reading() as connection:
        looks = connection.execute(tables.access_records.select()).all()
    assert [(each.purpose, each.fields) for each in looks] == [("declare-guest", ["full-name"])]
