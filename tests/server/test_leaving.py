"""That somebody has left, said by themselves in two taps; once, about their own stay, and seen by the house and by programs at once."""

from __future__ import annotations

import re

import pytest
from factories import make_declaration, make_id, make_person
from server_own import bind_resident
from server_parts import fields_of

from registry.stays import stays_at, stays_of_person


@pytest.fixture
def person_id(world):
    found = bind_resident(world)
    world.clock.pass_time(hours=3)
    return found


def status(world, person_id):
    with world.registry.reading() as connection:
        return [each.status for each in stays_of_person(connection, person_id)]


def test_two_taps_end_the_stay_with_a_proof_and_house_and_programs_see_it_at_once(world, person_id):
    me, clerk = world.client("resident"), world.client("clerk")
    (address,) = re.findall(r'href="(/me/stays/[^"]*/leave)"', me.get("/me").text)
    page = me.get(address).text
    assert "Khách sạn Sao Mai" in page
    said = [me.post(address, data=fields_of(page)) for _ in range(2)]
    assert {(each.status_code, str(each.url)) for each in said} == {(200, str(said[0].url))}
    assert ("Departure" in said[0].text, "The person themselves" in said[0].text) == (True, True)
    assert status(world, person_id) == ["ended"]
    assert "/leave" not in me.get("/me").text
    stay_id = address.split("/")[3]
    assert "Checked out" in clerk.get(f"/desk/stays/{stay_id}").text
    assert clerk.get(f"/api/v1/stays/{stay_id}", headers=world.bearer("clerk")).json()["status"] == "ended"


def test_nobody_ends_the_stay_of_somebody_else_one_that_is_over_or_one_that_has_not_begun(world, person_id):
    me = world.client("resident")
    who = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)
    world.declare_guest(declaration_id=make_id(), person=who, unit="202")
    later = {"arrival": "2026-07-20T14:00:00+07:00", "planned_departure": "2026-07-21T12:00:00+07:00"}
    world.record(make_declaration(declaration_id=make_id(), premises_id="htl-sao-mai", unit="202", **later))
    with world.registry.reading() as connection:
        stays = stays_at(connection, "htl-sao-mai")
    mine = next(each for each in stays if each.person_id == person_id and not each.is_expected(world.clock.now()))
    fields = fields_of(me.get(f"/me/stays/{mine.stay_id}/leave").text)
    others = [each.stay_id for each in stays if each.stay_id != mine.stay_id]
    assert len(others) == 2
    for stay_id in (*others, "nothing"):
        assert me.post(f"/me/stays/{stay_id}/leave", data=fields).status_code == 403
    assert me.post(f"/me/stays/{mine.stay_id}/leave", data=fields).status_code == 200
    assert me.get(f"/me/stays/{mine.stay_id}/leave").status_code == 403
    assert status(world, person_id).count("ended") == 1
