"""An officer with a paper corrects a place and a person's permanent home on a page: before and after, signed, taken back; nobody's name is shown."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest
from server_own import bind_resident
from server_parts import csrf_of
from sqlalchemy import update

from registry import tables
from registry.kiosks import add_key
from registry.premises import load_premises
from residence.clock import rfc3339
from residence.errors import catalogue as codes
from residence.wire.keyring import AUTHORITY, KeyEntry

PLACE = "/police/premises/htl-sao-mai/correct"


@pytest.fixture
def officer(world):
    """An officer at a server whose key is in the registry's ring."""
    signer = world.signer
    valid_from = rfc3339(world.clock.now() - timedelta(days=1))
    entry = KeyEntry(key_id=signer.key_id, use="receipt", owner=AUTHORITY, public_key=signer.public_key, valid_from=valid_from)
    with world.registry.writing() as connection:
        add_key(connection, entry, commune_code="demo-01")
    return world.client("officer")


@pytest.fixture
def home(world):
    """Return the page of the homes of a person who stays at the hotel."""
    return f"/police/homes/{bind_resident(world)}"


def say(world, client, page, **form):
    """Send a form a minute later."""
    world.clock.pass_time(minutes=1)
    given = {"csrf": csrf_of(client), "reason": "letter 12 of the office"} | form
    return client.post(page, data=given)


def hidden(text, name):
    return re.findall(f'name="{name}" value="([^"]+)"', text)


def place(world):
    with world.registry.reading() as connection:
        return load_premises(connection, ["htl-sao-mai"], vault=world.vault)["htl-sao-mai"]


def homes(world):
    with world.registry.reading() as connection:
        rows = connection.execute(tables.residences.select().order_by(tables.residences.c.valid_from)).all()
    return [(row.premises_id, row.unit, row.valid_from, row.valid_to) for row in rows]


def test_a_place_is_corrected_shown_signed_and_taken_back(world, officer):
    before = place(world)
    assert PLACE in officer.get("/police/premises/htl-sao-mai").text
    asked = {
        "kind": "guest-house",
        "name": before.name,
        "address_text": "Số 11  Phố Thử",
        "capacity": "40",
        "add_units": "203, 204",
        "remove_units": "202",
    }
    page = say(world, officer, PLACE, **asked)
    assert (page.status_code, page.text.count("Signature holds")) == (200, 1)
    assert "letter 12 of the office" in page.text
    assert "Hotel → Guest house" in page.text
    assert "Tourist lodging" in page.text, "who must declare there"
    after = place(world)
    assert (after.capacity, after.address_text, after.units) == (40, "Số 11 Phố Thử", ("201", "203", "204"))
    late = say(world, officer, PLACE, **asked, expected="")
    assert late.status_code == 422, "somebody corrected it since this form was opened"
    assert "since you opened it" in late.text
    back = say(world, officer, PLACE, action="take-back", correction=hidden(page.text, "correction")[0])
    again = place(world)
    assert (msgspec.structs.replace(again, earlier_kinds=()), back.text.count("Signature holds")) == (before, 2)
    assert [each.kind for each in again.earlier_kinds] == ["hotel", "guest-house"]


WRONG_PLACES = {
    "correction.capacity": {"capacity": "many"},
    "correction.name": {"name": ""},
    "correction.unit_unknown": {"remove_units": "999"},
    "correction.reason": {"capacity": "7", "reason": " "},
    "correction.kind": {"kind": "castle"},
    "correction.declared_by": {"declared_by": "the cat"},
    "correction.unknown": {"action": "take-back", "correction": "0197"},
}


def test_what_cannot_be_corrected_of_a_place_is_said_and_changes_nothing(world, officer):
    before = place(world)
    for code, form in WRONG_PLACES.items():
        answer = say(world, officer, PLACE, **form)
        assert answer.status_code == 422, code
        assert codes()[code]["en"].partition("{")[0].replace("'", "&#39;") in answer.text, code
    assert place(world) == before


def test_a_home_is_recorded_moved_put_right_ended_and_taken_back_and_the_person_sees_the_look(world, officer, home):
    page = say(world, officer, home, action="record", premises="blk-hoa-binh", unit="1203", on="2020-01-01")
    assert home in officer.get(home.replace("homes", "numbers")).text
    assert "Trần Văn An" not in page.text
    (own,) = set(hidden(page.text, "residence"))
    page = say(
        world, officer, home, action="correct", residence=own, premises="blk-hoa-binh", unit="1204", household="", on="2019-05-01"
    )
    assert homes(world) == [("blk-hoa-binh", "1204", "2019-05-01", None)]
    page = say(world, officer, home, action="move", residence=own, premises="blk-hoa-binh", unit="1203", on="2026-07-01")
    moved = hidden(page.text, "correction")[0]
    assert homes(world) == [("blk-hoa-binh", "1204", "2019-05-01", "2026-06-30"), ("blk-hoa-binh", "1203", "2026-07-01", None)]
    page = say(world, officer, home, action="take-back", correction=moved)
    assert homes(world)[0] == ("blk-hoa-binh", "1204", "2019-05-01", None)
    assert "Recorded by mistake" in page.text
    page = say(world, officer, home, action="end", residence=own, on="2026-07-09")
    assert homes(world)[0][3] == "2026-07-09"
    assert page.text.count("Signature holds") == 7, "recorded, put right, ended and moved in, each of these two taken back, ended"
    assert "Care of a person" in world.client("resident").get("/me").text


WRONG_HOMES = {
    "permanent.day": {"on": "2099-01-01"},
    "server.form_date": {"on": "soon"},
    "registry.premises_unknown": {"premises": "htl-xa"},
    "correction.unit_unknown": {"unit": "9"},
    "correction.reason": {"reason": ""},
    "residence.unknown": {"action": "end", "residence": "0197"},
    "correction.unknown": {"action": "take-back", "correction": "0197"},
}


def test_what_cannot_be_of_a_home_is_said_and_changes_nothing(world, officer, home):
    for code, changed in WRONG_HOMES.items():
        answer = say(world, officer, home, **({"action": "record", "premises": "blk-hoa-binh", "on": "2026-07-01"} | changed))
        assert answer.status_code == 422, code
        assert codes()[code]["en"].partition("{")[0].replace("'", "&#39;") in answer.text, code
    assert homes(world) == []


def test_other_communes_and_nothing_answer_alike_and_it_is_for_officers(world, officer, home):
    pages = ["/police/premises/htl-xa/correct", "/police/premises/nowhere/correct", "/police/homes/nobody"]
    assert [officer.get(each).status_code for each in pages] == [403, 403, 403]
    for role in ("clerk", "operator", "resident"):
        client = world.client(role)
        assert [client.get(each).status_code for each in (PLACE, home)] == [403, 403], role
    with world.registry.writing() as connection:
        connection.execute(update(tables.persons).values(commune_code="demo-02"))
    assert say(world, officer, home, action="record", premises="blk-hoa-binh", on="2026-07-01").status_code == 403


def test_a_home_in_another_commune_is_not_touched_from_here(world, officer, home):
    page = say(world, officer, home, action="record", premises="blk-hoa-binh", on="2020-01-01")
    (own,), (correction,) = set(hidden(page.text, "residence")), hidden(page.text, "correction")
    with world.registry.writing() as connection:
        for table in (tables.residences, tables.corrections):
            values = {"commune_code": "demo-02"} | ({"premises_id": "htl-xa"} if table is tables.residences else {})
            connection.execute(update(table).values(**values))
    before = homes(world)
    assert say(world, officer, home, action="take-back", correction=correction).status_code == 403
    assert say(world, officer, home, action="end", residence=own, on="2026-07-01").status_code == 403
    assert homes(world) == before
