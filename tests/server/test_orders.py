"""Orders of a court or an investigation: entered by two from a paper, held in the gateway against one keyed index, told to the named unit alone."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from factories import make_id, make_person
from fastapi.routing import APIRoute
from hot_queries import listening
from log_parts import LogOf
from server_eyes import proposal_of, proposals, settle
from server_parts import csrf_of
from server_police import add_officer, officer_named
from sqlalchemy import select

from gateway.orders import orders_duty
from luutru.system import random_bytes
from registry import tables
from residence.clock import VIETNAM
from residence.errors import sentence
from residence.transparency.looks import read_entry

NUMBER, OTHER = "001195000222", "001095000333"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(world, tmp_path):
    return LogOf(world.registry, tmp_path)


@pytest.fixture
def colleague(world):
    return officer_named(world, add_officer(world, "acc-hai", "hai"))


@pytest.fixture
def unit(world):
    return officer_named(world, add_officer(world, "acc-doi-3", "doi-3"))


def post(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client)} | fields)


def paper(world, **changes):
    until = (world.clock.now() + timedelta(days=20)).astimezone(VIETNAM).date().isoformat()
    said = {
        "kind": "court",
        "paper": "12/2026/LB",
        "issuer": "Tòa án khu vực Mẫu",
        "unit": "Đội 3",
        "receivers": "doi-3",
        "number": NUMBER,
    }
    return said | {"until": until, "reason": "Văn bản đã nhận"} | changes


def enter(world, officer, colleague, **changes):
    assert post(officer, "/police/orders", **paper(world, **changes)).status_code == 200
    (proposal_id,) = proposals(world, tables.proposals.c.outcome.is_(None))
    seen = re.search(r'name="seen" value="(\w+)"', colleague.get(f"/police/second-eyes/{proposal_id}").text)[1]
    fields = {"answer": "granted", "reason": "x", "seen": seen}
    assert post(colleague, f"/police/second-eyes/{proposal_id}", number=OTHER, **fields).status_code == 422  # another number
    assert post(colleague, f"/police/second-eyes/{proposal_id}", number="0011950*", **fields).status_code == 422
    assert post(colleague, f"/police/second-eyes/{proposal_id}", number=NUMBER, **fields).status_code == 200
    return proposal_of(world, proposal_id)


def declare(world, *numbers):
    for number in numbers:
        sex = "female" if int(number[3]) % 2 else "male"
        person = make_person(full_name="Phạm Thị Thử Nghiệm", personal_number=number, sex=sex, document=None)
        done = world.declare_guest(person=person, declaration_id=make_id(world.clock.now()))
        assert done.receipt.state == "accepted", done.receipt


def hold(world, **passed):
    world.clock.pass_time(**(passed or {"minutes": 1}))
    orders_duty(world.registry, random_bytes=random_bytes).perform(world.clock.now())


def rows(world, table):
    with world.registry.reading() as connection:
        return connection.execute(select(table)).all()


def test_two_enter_it_and_the_named_unit_alone_is_told_where(world, log, colleague, unit):
    officer = world.client("officer")
    granted = enter(world, officer, colleague)
    assert NUMBER not in str(granted.content)
    declare(world, NUMBER, OTHER)
    receipts = rows(world, tables.receipts)
    elsewhere = {
        name: rows(world, table)
        for name, table in tables.metadata.tables.items()
        if name not in {"orders", "order_matches", "looks", "look_numbers", "log_statements"}
    }
    hold(world)
    assert {name: rows(world, tables.metadata.tables[name]) for name in elsewhere} == elsewhere  # no message, no event, no case
    assert rows(world, tables.receipts) == receipts
    (order,) = rows(world, tables.orders)
    assert (order.held_against, order.matched, order.granted_by) == (2, 1, "acc-hai")
    path = f"/police/orders/{order.order_id}"
    page = unit.get(path).text
    assert "Khách sạn Sao Mai" in page
    assert not [each for each in ("Phạm Thị", NUMBER) if each in page]
    told = {name: client.get(path).status_code for name, client in (("officer", officer), ("colleague", colleague))}
    told |= {role: world.client(role).get(path).status_code for role in ("clerk", "operator", "inspector", "resident")}
    assert set(told.values()) == {403}
    assert "12/2026/LB" in unit.get("/police/orders").text
    assert "12/2026/LB" not in officer.get("/police/orders").text
    assert not [path for path in ("/desk", "/desk/queue", "/desk/house") if "12/2026" in world.client("clerk").get(path).text]


def test_each_match_and_non_match_counts_in_the_log_and_the_look_is_sealed_until_it_is_over(world, log, colleague, unit):
    enter(world, world.client("officer"), colleague)
    declare(world, NUMBER, OTHER)
    hold(world)
    hold(world)  # nothing new: nothing to count
    declare(world, OTHER)
    hold(world)
    said = [row.said for row in rows(world, tables.log_statements) if row.kind == "match"]
    counts = [re.search(r"matches (\d)\nnon-matches (\d)\n", each).groups() for each in said]
    assert counts == [("1", "1"), ("0", "1")]
    log.publish()
    assert [read_entry(each).kind for each in log.entries()].count("match") == 2
    (order,) = rows(world, tables.orders)
    unit.get(f"/police/orders/{order.order_id}")
    (look,) = rows(world, tables.access_records)
    assert (look.purpose, look.account_id, look.fields) == ("issued-order", "acc-doi-3", ["whereabouts"])
    (kept,) = [row for row in rows(world, tables.looks) if row.look_id == look.look_id]
    assert kept.sealed_until == order.expires_at


def test_it_is_over_by_itself_and_nothing_is_left_to_find_anybody_by(world, colleague, unit):
    enter(world, world.client("officer"), colleague)
    declare(world, NUMBER)
    hold(world)
    (order,) = rows(world, tables.orders)
    world.clock.pass_time(days=21)
    unit = officer_named(world, "doi-3")
    assert unit.get(f"/police/orders/{order.order_id}").status_code == 403  # at once, before anybody comes by
    declare(world, OTHER)
    hold(world)
    (order,) = rows(world, tables.orders)
    assert (order.number_index, order.matched, order.held_against) == (None, 1, 1)
    assert rows(world, tables.order_matches) == []


def test_what_was_declared_before_it_was_in_force_is_not_held_against_it(world, colleague, unit):
    declare(world, NUMBER)
    world.clock.pass_time(seconds=1)
    enter(world, world.client("officer"), colleague)
    hold(world)
    assert [(row.held_against, row.matched) for row in rows(world, tables.orders)] == [(0, 0)]


# what is wrong with what was typed -> the sentence that is shown
WRONG = {
    "orders.number": {"number": "00119500022"},
    "orders.number ": {"number": "%"},
    "orders.kind": {"kind": "suspicion"},
    "orders.words": {"issuer": " "},
    "orders.receivers": {"receivers": "doi-3, nobody"},
    "orders.receivers ": {"receivers": "le-tan"},
    "orders.until": {"until": "soon"},
    "eyes.until": {"until": "2099-01-01"},
}


def test_no_order_without_number_issuer_end_and_unit_and_never_by_one(world, unit):
    officer = world.client("officer")
    for code, changes in WRONG.items():
        answer = post(officer, "/police/orders", **paper(world, **changes))
        assert answer.status_code == 422, code
        assert sentence(code.strip()).en.replace("'", "&#39;") in answer.text
    assert proposals(world) == []
    assert post(officer, "/police/orders", **paper(world)).status_code == 200
    assert settle(officer, world, "granted").status_code == 422  # never the same person
    assert world.client("clerk").get("/police/orders").status_code == 403
    assert rows(world, tables.orders) == []


def test_the_register_is_asked_for_one_whole_number_and_nothing_like_it(world, colleague, unit):
    """What is really sent: identifiers are asked for by equality of one index; no pattern, no range, no order, no name."""
    enter(world, world.client("officer"), colleague)
    declare(world, NUMBER)
    with listening(world.registry.engine) as heard:
        hold(world)
    asked = [each.sql for each in heard if re.search(r"\b(identifiers|name_tokens|persons|access_records)\b", each.sql)]
    assert [re.sub(r"\s+", " ", each) for each in asked] == [
        "SELECT identifiers.person_id FROM identifiers WHERE identifiers.value_index = ?"
    ]
    assert not [each.sql for each in heard if re.search(r"\b(LIKE|GLOB|REGEXP|SIMILAR|MATCH|BETWEEN)\b", each.sql, re.IGNORECASE)]


def test_the_schema_holds_no_offence_and_no_score_and_no_route_asks_for_a_pattern(world):
    banned = re.compile(
        r"crim|convict|offen[cd]|suspect|wanted|watch_?list|blacklist|danger|score(?!board)|rating|risk|profile_of|pattern|fuzzy",
        re.IGNORECASE,
    )
    columns = [f"{table.name}.{column.name}" for table in tables.metadata.tables.values() for column in table.columns]
    assert [each for each in columns if banned.search(each)] == []
    routes = list(_routes(world.app.routes))
    asked = {name.name for route in routes for name in (*route.dependant.query_params, *route.dependant.path_params)}
    assert [each for each in asked if banned.search(each)] == []
    assert [route.path for route in routes if banned.search(route.path)] == []
    assert not {"full_name", "name_like", "birth_date", "sex", "nationality"} & asked  # nobody is found by what they are
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    assert [each for each in document["components"]["schemas"] if banned.search(each)] == []


def test_orders_are_held_against_the_register_in_the_gateway_alone():
    folders = ("server", "registry", "gateway", "luutru", "edge_agent", "residence")
    every = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    found = {path.relative_to(ROOT).as_posix() for path in every if "import hold_orders" in path.read_text("utf-8")}
    assert found == {"gateway/orders.py"}


def _routes(routes):
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _routes(included.routes)
        elif isinstance(route, APIRoute):
            yield route
