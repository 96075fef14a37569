"""Families and groups at the desk: each declared by themselves, one room or several, a child with the grown-up they came with."""

from __future__ import annotations

import re
import secrets

import pytest
from desk_parts import declare, opened, scan
from factories import EVENING, make_declaration
from server_parts import csrf_of

from registry.disputing import raise_dispute
from registry.stays import stays_at
from residence.access.purposes import Field
from residence.stays.check import check_declaration
from residence.stays.rules import load_rule_book

OTHER = "001195000447|012345678|Lê Thị Bích Ngọc|08031995|Nữ|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
CHILD = {"full_name": "Trần Bé Thử", "birth": "05/06/2016", "sex": "female", "document_kind": "birth-certificate"}


@pytest.fixture
def clerk(world):
    return world.client("clerk")


def stays(world):
    with world.registry.reading() as connection:
        return {each.unit: each for each in stays_at(connection, "htl-sao-mai")}


def begin(clerk):
    """Declare the first of a party; returns the receipt's page and the party's id."""
    form = scan(clerk)
    page = declare(clerk, form, reason="family-visit", unit="201", planned_departure="2026-07-13T12:00").text
    assert f"party={form['declaration_id']}" in page
    return form["declaration_id"]


def test_the_next_of_a_party_begins_with_the_stay_of_the_one_before_and_may_have_another_room(world, clerk):
    party = begin(clerk)
    form = scan(clerk, OTHER, party=party)
    assert (form["unit"], form["reason"], form["planned_departure"]) == ("201", "family-visit", "2026-07-13T12:00")
    page = declare(clerk, form, sex="female", unit="202").text
    assert "Trần Văn An" in page
    assert set(stays(world)) == {"201", "202"}
    together = clerk.get(f"/desk/stays/{stays(world)['201'].stay_id}").text
    assert "Came together" in together
    assert "Lê Thị Bích Ngọc" in together
    assert "under dispute" not in together
    with world.registry.writing() as connection:
        how = {"by": "acc-1", "reason": "the card says otherwise", "now": world.clock.now(), "random_bytes": secrets.token_bytes}
        raise_dispute(connection, stays(world)["202"].person_id, Field.FULL_NAME, **how)
    assert "under dispute" in clerk.get(f"/desk/stays/{stays(world)['201'].stay_id}").text


def test_a_child_without_a_card_names_the_grown_up_and_is_warned_about_only_when_alone(world, clerk):
    party = begin(clerk)
    form = opened(clerk.get(f"/desk/declare?party={party}"))
    alone = declare(clerk, form, **CHILD, accompanied_by="")
    assert "under 18" in alone.text
    checked = declare(clerk, form, **CHILD, accompanied_by=party)
    assert "under 18" not in checked.text
    declare(clerk, opened(checked), **CHILD, accompanied_by=party)
    with world.registry.reading() as connection:
        first = next(each for each in stays_at(connection, "htl-sao-mai") if party in each.declaration_ids)
    assert "came with Trần Văn An" in clerk.get(f"/desk/stays/{first.stay_id}").text


def test_a_childs_card_is_taken_to_have_come_with_the_first_grown_up(clerk):
    party = begin(clerk)
    card = "001316000011||Trần Bé Thử|05062016|Nữ|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082024"
    assert scan(clerk, card, party=party)["accompanied_by"] == party
    assert scan(clerk, OTHER, party=party)["accompanied_by"] == ""


def test_what_is_said_later_of_a_member_makes_no_second_member(world, clerk):
    party = begin(clerk)
    declare(clerk, scan(clerk, OTHER, party=party), sex="female")
    before = clerk.get(f"/desk/declare?party={party}").text
    stay = next(iter(stays(world).values())).stay_id
    world.clock.pass_time(minutes=1)
    ids = dict(
        re.findall(r'/(\w+)">\s*<[^>]+><input[^>]*name="declaration_id" value="([^"]+)"', clerk.get(f"/desk/stays/{stay}").text)
    )
    clerk.post(
        f"/desk/stays/{stay}/extend", data={"csrf": csrf_of(clerk), "declaration_id": ids["extend"], "until": "2026-07-15T12:00"}
    )
    after = clerk.get(f"/desk/declare?party={party}").text
    line = re.compile(r"Of the same party:.*?</p>")
    assert line.findall(before) == line.findall(after) != []


def test_a_party_of_another_house_is_nobody_here(world, clerk):
    theirs = world.record(make_declaration(premises_id="blk-hoa-binh", unit="1203")).declaration_id
    assert "Of the same party" not in clerk.get(f"/desk/declare?party={theirs}").text
    assert "Of the same party" not in clerk.get("/desk/declare?party=nonsense").text


@pytest.mark.parametrize("field", ["party", "accompanied_by"])
def test_who_came_together_is_said_by_ids_and_never_of_oneself(field):
    rules, said = load_rule_book(), make_declaration()
    for value in ("Trần Văn An", said.declaration_id):
        declared = make_declaration(declaration_id=said.declaration_id, **{field: value})
        found = check_declaration(declared, premises=None, rules=rules, now=EVENING).problems
        assert [each.pointer for each in found if each.code == "declaration.identifier_malformed"] == [f"/{field}"]
