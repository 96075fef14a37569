"""That somebody has left, or stays longer, said by themselves; once, about their own stay, and seen by the house and by programs at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import make_declaration, make_id, make_person
from server_own import bind_resident
from server_parts import fields_of

from registry.stays import stays_at, stays_of_person
from server.settings import Allowance


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


def longer(world, me, until, **fields):
    """Open the page from one's own stays and say until when; returns the answer."""
    (address,) = re.findall(r'href="(/me/stays/[^"]*/stay-longer)"', me.get("/me").text)
    return me.post(address, data=fields_of(me.get(address).text) | {"until": until} | fields)


def test_who_stays_longer_says_so_once_with_a_proof_and_the_house_sees_until_when(world, person_id):
    me, clerk = world.client("resident"), world.client("clerk")
    (address,) = re.findall(r'href="(/me/stays/[^"]*/stay-longer)"', me.get("/me").text)
    page = me.get(address).text
    assert ("Khách sạn Sao Mai" in page, "ask the house first" in page) == (True, True)
    (usual,) = re.findall(r'name="until"[^>]*value="([^"]+)"', page)
    assert usual == "2026-07-13T12:00"  # a day more than planned
    said = [me.post(address, data=fields_of(page) | {"until": "2026-07-14T12:00"}) for _ in range(2)]
    assert {str(each.url) for each in said} == {str(said[0].url)}
    assert ("Extension" in said[0].text, "The person themselves" in said[0].text) == (True, True)
    stay = clerk.get(f"/api/v1/stays/{address.split('/')[3]}", headers=world.bearer("clerk")).json()
    assert (stay["status"], stay["planned_end"][:16]) == ("open", "2026-07-14T05:00")
    house = clerk.get(f"/desk/stays/{address.split('/')[3]}").text
    assert "12:00, 14 July 2026" in house
    (whole,) = stays_now(world, person_id)
    assert len(whole.declaration_ids) == 2


def stays_now(world, person_id):
    with world.registry.reading() as connection:
        return stays_of_person(connection, person_id)


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-07-12T12:00", "not later than the declared one"),
        ("2026-07-11T12:00", "not later than the declared one"),
        ("2026-08-20T12:00", "temporary residence"),
        ("", "cannot be read"),
        ("0001-01-01T00:00", "cannot be read"),
        ("9999-12-31T23:59", "cannot be read"),
        ("<b>" * 90, "cannot be read"),
    ],
)
def test_no_earlier_day_no_month_and_no_nonsense_is_recorded(world, person_id, until, said):
    answer = longer(world, world.client("resident"), until)
    assert (answer.status_code, said in answer.text) == (422, True), answer.text
    assert len(stays_now(world, person_id)[0].declaration_ids) == 1


def test_nobody_extends_the_stay_of_somebody_else_or_one_that_is_over(world, person_id):
    me = world.client("resident")
    who = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)
    world.declare_guest(declaration_id=make_id(), person=who, unit="202")
    (mine,) = stays_now(world, person_id)
    with world.registry.reading() as connection:
        (other,) = [each for each in stays_at(connection, "htl-sao-mai") if each.person_id != person_id]
    fields = fields_of(me.get(f"/me/stays/{mine.stay_id}/stay-longer").text) | {"until": "2026-07-14T12:00"}
    for stay_id in (other.stay_id, "nothing"):
        assert me.post(f"/me/stays/{stay_id}/stay-longer", data=fields).status_code == 403
    assert (
        me.post(f"/me/stays/{mine.stay_id}/leave", data=fields_of(me.get(f"/me/stays/{mine.stay_id}/leave").text)).status_code
        == 200
    )
    assert me.post(f"/me/stays/{mine.stay_id}/stay-longer", data=fields).status_code == 403
    assert "/stay-longer" not in me.get("/me").text


def test_one_account_says_it_so_often_and_no_more(make_world):
    world = make_world(person_allowance=Allowance(times=2, per=timedelta(hours=1)))
    bind_resident(world)
    world.clock.pass_time(hours=3)
    me = world.client("resident")
    assert [longer(world, me, f"2026-07-1{day}T12:00").status_code for day in (3, 4, 5)] == [200, 200, 429]
