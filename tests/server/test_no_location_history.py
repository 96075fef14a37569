"""No page tells a person's sightings at two premises together, whoever asks for it and however much they may see."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import EVENING, make_person
from fastapi.routing import APIRoute
from server_parts import csrf_of

from gateway.sweep import sweep
from luutru.system import random_bytes
from registry import tables
from residence.clock import VIETNAM, rfc3339

SOMEBODY = make_person(full_name="Đỗ Thị Hiếm Gặp", personal_number="001195000777", sex="female", document=None)
SEEN = {"blk-hoa-binh": (timedelta(hours=13, minutes=17), timedelta(hours=37, minutes=29)), "htl-sao-mai": (timedelta(hours=12, minutes=41), timedelta(hours=36, minutes=53))}  # fmt: skip


@pytest.fixture
def seen_twice(world):
    """Somebody registered nowhere here is found at night at two premises; two cases open, and one officer has claimed both."""
    for after, place in sorted((after, place) for place, moments in SEEN.items() for after in moments):
        world.clock.instant = EVENING + after
        world.see_somebody(premises_id=place, kind="night_check", person=SOMEBODY, seen_at=rfc3339(EVENING + after))
        sweep(world.registry, rules=world.rules, now=EVENING + after + timedelta(hours=11), random_bytes=random_bytes)
    world.clock.instant = EVENING + timedelta(days=3)
    sweep(world.registry, rules=world.rules, now=world.clock.instant, random_bytes=random_bytes)
    officer = world.client("officer")
    for case in rows(world, tables.cases):
        form = {"csrf": csrf_of(officer), "action": "claim", "purpose": "undeclared-case"}
        assert officer.post(f"/police/cases/{case.case_id}", data=form).status_code == 200
    return world


def rows(world, table):
    with world.registry.reading() as connection:
        return connection.execute(table.select()).all()


def read_routes(routes, prefix=""):
    """Yield the address of every route that is read, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from read_routes(included.routes, prefix + route.include_context.prefix)
        elif isinstance(route, APIRoute) and "GET" in route.methods:
            yield prefix + route.path


def paths(world):
    """Return every address of the product that is read, filled with all there is to fill it with."""
    known = {
        "case_id": [row.case_id for row in rows(world, tables.cases)],
        "premises_id": list(SEEN),
        "declaration_id": [row.declaration_id for row in rows(world, tables.receipts)],
        "stay_id": [row.stay_id for row in rows(world, tables.stays)],
        "person_id": [row.person_id for row in rows(world, tables.persons)],
        "code": [row.code for row in rows(world, tables.receipts)],
        "rule": ["phone_shared"],
        "queue": ["all"],
        "language": ["en"],
        "fault": ["stay"],
        "home": ["0"],
        "kind": ["confirmation"],
        "kiosk_id": [row.kiosk_id for row in rows(world, tables.kiosks)] or ["x"],
    }
    nothing_there = {
        "quarantine_id",
        "question_id",
        "token",
        "dispute_id",
        "request_id",
        "pair_id",
        "secret",
        "close_id",
        "outage_id",
        "message_id",
        "proof",
        "list_id",
        "kiosk_id",
        "batch_id",
        "bulk_id",
        "name",
        "access_id",
        "hook_id",
        "proposal_id",
        "claim_id",
        "file_id",
        "view_id",
        "order_id",
        "grant_id",
        "delegation_id",
        "office",
        "handover_id",
        "path_id",
    }
    for address in read_routes(world.app.routes):
        names = re.findall(r"\{(\w+)", address)
        assert set(names) <= known.keys() | nothing_there, f"a page nobody has taught this test: {address}"
        values = [known.get(name, ["x"]) for name in names]
        for value in values[0] if values else [""]:
            path = re.sub(r"\{\w+(:path)?\}", value, address)
            yield path
            yield from (f"{path}?premises={place}" for place in SEEN if path.startswith("/desk"))


def clock_times(place):
    return {f"{(EVENING + after).astimezone(VIETNAM):%H:%M}" for after in SEEN[place]}


def test_no_page_names_somebody_beside_sightings_at_two_premises(seen_twice):
    world = seen_twice
    assert {row.premises_id for row in rows(world, tables.cases)} == set(SEEN)
    told = {}
    for role in ("clerk", "officer", "operator", "resident"):
        client = world.client(role)
        for path in paths(world):
            text = client.get(path).text
            named = any(each in text for each in (SOMEBODY.full_name, SOMEBODY.personal_number))
            told[role, path] = (named, frozenset(place for place in SEEN if any(each in text for each in clock_times(place))))
    assert [where for where, (named, places) in told.items() if named and len(places) > 1] == []
    # what would be found: the claimed cases name, each with its own premises, and the officer's list tells both premises, of nobody
    assert {frozenset({each}) for each in SEEN} <= {places for named, places in told.values() if named}
    assert told["officer", "/police"] == (False, frozenset(SEEN))
