"""An operator sees that somebody at a kiosk calls; a resident confirms or refuses a guest without being told who it is."""

from __future__ import annotations

import pytest
from factories import EVENING, make_declaration, make_person
from server_own import bind_resident
from server_parts import COMMUNE, csrf_of
from sqlalchemy import update

from registry import tables
from registry.host_answers import host_answers_by_kiosk
from registry.households import Registration, add_residences
from registry.kiosk_calls import hear_calls
from residence.wire.state import KioskState

CALL = "018f0000-0000-7000-8000-000000000001"
GUEST = make_person(full_name="Phạm Thị Thử Nghiệm", personal_number="001195000222", sex="female", document=None)


def call_from(world, kiosk_id="kiosk-lobby-1"):
    with world.registry.writing() as connection:
        state = KioskState(kiosk_id=kiosk_id, session=1, online=True, at="2026-07-10T07:00:00Z", call=CALL)
        assert hear_calls(connection, [state], now=world.clock.now()) == 1


def test_a_call_is_an_alarm_until_one_operator_has_seen_it(world):
    world.enrol_kiosks()
    operator, other = world.client("operator"), world.client("operator")
    assert "luutru-figure--alarm" not in operator.get("/operators/kiosks").text
    call_from(world)
    world.clock.pass_time(minutes=3)
    assert "luutru-figure--alarm" in operator.get("/operators/kiosks").text
    page = operator.get("/operators/calls", headers={"hx-request": "true"}).text
    assert ("kiosk-lobby-1" in page, "waits for 3 min" in page, "<html" in page) == (True, True, False)
    other.get("/operators/calls")
    answered = operator.post("/operators/calls", data={"csrf": csrf_of(operator), "call": CALL})
    assert ("waits for" in answered.text, "seen 14:03" in answered.text) == (False, True)
    late = other.post("/operators/calls", data={"csrf": csrf_of(other), "call": CALL})
    assert (late.status_code, "Somebody else has seen this call already" in late.text) == (409, True)
    assert "luutru-figure--alarm" not in operator.get("/operators/kiosks").text


@pytest.mark.parametrize("role", ["clerk", "officer", "resident"])
def test_calls_are_the_operators(world, role):
    client = world.client(role)
    assert client.get("/operators/calls").status_code == 403
    assert client.post("/operators/calls", data={"csrf": csrf_of(client), "call": CALL}).status_code == 403


@pytest.fixture
def host(world):
    """A resident who lives in 1203, signed in."""
    person_id = bind_resident(world)
    home = Registration(person_id=person_id, premises_id="blk-hoa-binh", kind="permanent", valid_from="2020-01-01", unit="1203")
    with world.registry.writing() as connection:
        add_residences(connection, [home], commune_code=COMMUNE, now=EVENING, random_bytes=bytes)
    return world.client("resident")


def answer(client, declaration, said):
    return client.post("/me/guests", data={"csrf": csrf_of(client), "declaration": declaration.declaration_id, "answer": said})


@pytest.mark.parametrize(("said", "words"), [("confirmed", "You confirmed"), ("refused", "You said no")])
def test_a_resident_answers_once_about_a_guest_whose_name_is_not_shown(world, host, said, words):
    guest = make_declaration(person=GUEST)
    world.record(guest)
    page = host.get("/me").text
    assert ("Guests in my home" in page, "Yes, my guest" in page, "1203" in page) == (True, True, True)
    assert "Phạm" not in page
    answered = answer(host, guest, said)
    assert (words in answered.text, "Yes, my guest" in answered.text) == (True, False)
    assert answer(host, guest, "confirmed").status_code == 409
    assert answer(host, guest, "perhaps").status_code == 422


@pytest.mark.parametrize(
    "changes", [{"unit": "1204"}, {"premises_id": "htl-sao-mai", "unit": "201"}], ids=["next door", "another house"]
)
def test_whoever_is_not_in_ones_own_home_is_not_asked_about_and_cannot_be_answered(world, host, changes):
    guest = make_declaration(person=GUEST, **changes)
    world.record(guest)
    assert "Guests in my home" not in host.get("/me").text
    assert answer(host, guest, "refused").status_code == 403


@pytest.mark.parametrize("kiosk_id", [None, "kiosk-lobby-1"])
def test_what_was_said_goes_to_the_kiosk_where_the_guest_declared(world, host, kiosk_id):
    guest = make_declaration(person=GUEST)
    world.record(guest)
    with world.registry.writing() as connection:
        mine = tables.declarations.c.declaration_id == guest.declaration_id
        connection.execute(update(tables.declarations).where(mine).values(kiosk_id=kiosk_id))
    assert answer(host, guest, "confirmed").status_code == 200
    with world.registry.reading() as connection:
        told = host_answers_by_kiosk(connection, since=EVENING.replace(year=2020))
    assert told == ({kiosk_id: {guest.declaration_id: "confirmed"}} if kiosk_id else {})
