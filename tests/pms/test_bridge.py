"""A hotel's guests reach the registry from Mews, Cloudbeds and Oracle OHIP: each once, in order, whatever is killed or answers no."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from factories import EVENING
from pms_parts import VENDORS, Guest, standing
from server_parts import World
from sqlalchemy import select

from pms_bridge.kept import Kept, alone
from registry import tables
from residence.errors import Refused


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "world", session_absolute=timedelta(days=400))
    yield made
    made.close()


@pytest.fixture(params=VENDORS)
def stand(request, world, tmp_path):
    with standing(world, request.param, tmp_path) as made:
        yield made
        assert not made.system.faults, "the bridge asked for what the product does not document"


@pytest.fixture
def one(world, tmp_path):
    """One system is enough where nothing of it matters."""
    with standing(world, "cloudbeds", tmp_path) as made:
        yield made


def stays(world):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.stays).order_by(tables.stays.c.start_at)).all()


def later(stand, minutes=10):
    stand.world.clock.pass_time(minutes=minutes)
    return stand.round()


def test_a_guest_checks_in_moves_stays_longer_and_leaves(stand, world):
    stand.hotel.book(name="R-0", standing="expected")
    stand.hotel.book()
    stand.system.limit = 1  # then 429: what the system says is waited for
    done = stand.round()
    assert 7.0 in stand.waited
    assert (done.in_house, done.delivered, done.open) == (1, 1, 0), Kept.opened(stand.state).bookings
    stand.hotel.change(room="201")
    later(stand)
    stand.hotel.change(departure=EVENING + timedelta(days=4))
    later(stand)
    stand.hotel.change(standing="left", left=EVENING + timedelta(minutes=25))
    later(stand)
    assert stand.said() == [("checked_in", 201), ("moved", 201), ("extended", 201), ("checked_out", 201)]
    (stay,) = stays(world)
    assert (stay.unit, stay.status, len(stay.declaration_ids)) == ("201", "ended", 4)
    assert later(stand).read == 0, "who has left is not asked about again"


def test_only_what_a_statement_needs_is_sent_and_no_name_is_kept(stand):
    stand.hotel.book(
        people=2, guests=[Guest(), Guest(ref="G-2", given="Erika", family="Muster", nationality="DE", number="C01X00T47")]
    )
    stand.round()
    event, other = (json.loads(body) for body, _ in stand.carried.events)
    assert event["data"]["person"] == {
        "ref": event["data"]["person"]["ref"], "full_name": "Lê Thị Mẫu", "sex": "female", "nationality": "VNM",
        "birth": {"value": "1990-03-05", "precision": "day"}, "personal_number": "001190000118",
    }  # fmt: skip
    foreigner = other["data"]["person"]
    assert (foreigner["nationality"], foreigner["document"]) == (
        "DEU",
        {"kind": "passport", "number": "C01X00T47", "issuer": "DEU"},
    )
    kept = stand.state.read_bytes()
    assert not any(text in kept for text in ("Mẫu".encode(), b"001190000118", b"1990"))
    assert stand.state.stat().st_mode & 0o077 == 0


GONE = {"cancelled": "mistake", "no-show": "no-show", "expected": "mistake"}


@pytest.mark.parametrize("how", GONE)
def test_a_check_in_taken_back_is_withdrawn(one, world, how):
    one.hotel.book()
    one.round()
    one.hotel.change(standing=how)
    later(one)
    assert one.said()[-1] == ("cancelled", 201)
    assert stays(world)[0].status == "withdrawn"


def test_two_of_a_booking_are_two_guests_and_one_may_leave_before_the_other(one, world):
    one.hotel.book(people=2, guests=[Guest(), Guest(ref="G-2", given="Văn Mẫu", sex="male", number=None)])
    assert one.round().delivered == 2
    one.hotel.change(guests=[Guest()])
    later(one)
    assert one.said()[2:] == [("checked_out", 201)]
    assert sorted(each.status for each in stays(world)) == ["ended", "open"]


def test_more_people_than_names_stand_open_until_they_are_named(one):
    one.hotel.book(people=2)
    assert one.round().open == 1
    one.hotel.bookings["R-77"].guests.append(Guest(ref="G-2", given="Văn Mẫu", sex="male", number=None))
    assert (later(one).open, len(one.said())) == (0, 2)


def test_a_guest_without_what_the_law_asks_for_stands_open_and_is_told_once_it_is_there(one, world):
    one.hotel.book(guests=[Guest(nationality=None, birth=None)])
    done = one.round()
    (point,) = next(iter(Kept.opened(one.state).bookings.values())).open
    assert (done.delivered, done.open, point.pointers) == (0, 1, point.pointers), point
    assert any("nationality" in each for each in point.pointers)
    one.round()
    assert len(one.said()) == 1, "the same is not sent again and again"
    one.hotel.bookings["R-77"].guests = [Guest()]
    assert one.round().open == 0
    assert len(stays(world)) == 1


def test_killed_between_sending_and_keeping_the_same_event_is_sent_again_and_nothing_is_doubled(one, world):
    one.hotel.book()
    one.round()
    one.state.unlink()  # as if it had never been kept
    one.round()
    assert one.said() == [("checked_in", 201), ("checked_in", 200)]
    one.state.unlink()
    one.hotel.change(room="201")  # and changed meanwhile
    later(one)
    later(one)
    assert one.said() == [("checked_in", 409), ("moved", 201), ("extended", 201)]
    (stay,) = stays(world)
    assert stay.unit == "201"


def test_what_the_desk_said_later_stands_and_the_house_is_told_that_its_system_says_otherwise(one, world):
    one.hotel.book()
    one.round()
    (stay,) = stays(world)
    world.clock.pass_time(minutes=10)
    one.hotel.change(room="201")
    world.clock.pass_time(minutes=10)
    headers = world.bearer("clerk") | {"idempotency-key": "moved-by-the-desk"}
    moved = world.client().post(f"/api/v1/stays/{stay.stay_id}/changes", json={"change": "move", "unit": "203"}, headers=headers)
    assert moved.status_code == 201
    assert [(later(one).open, stays(world)[0].unit) for _ in range(2)] == [(1, "203")] * 2
    (point,) = next(iter(Kept.opened(one.state).bookings.values())).open
    assert point.code == "stays.overtaken"
    assert one.said()[-1] == ("moved", 201)
    one.hotel.bookings["R-77"].changed = world.clock.now()
    one.hotel.change(room="202")
    assert (later(one).open, stays(world)[0].unit) == (0, "202")


def test_back_after_leaving_is_a_visit_of_its_own(one, world):
    one.hotel.book()
    one.round()
    one.hotel.change(standing="left")
    later(one)
    one.hotel.change(standing="in-house")
    later(one)
    assert [kind for kind, _ in one.said()] == ["checked_in", "checked_out", "checked_in"]
    assert [each.status for each in stays(world)] == ["ended", "open"]


def test_a_booking_that_the_system_forgot_is_left_to_a_person(one):
    one.hotel.book()
    one.round()
    del one.hotel.bookings["R-77"]
    assert later(one).open == 1
    assert [kind for kind, _ in one.said()] == ["checked_in"]


NONSENSE = {
    "no JSON": b"<html>",
    "another shape": {
        "success": True,
        "data": [{}],
        "Reservations": [{}],
        "reservations": {"reservationInfo": [{"reservationIdList": []}]},
    },
    "a list": [1, 2],
    "nothing": {},
}


def test_an_answer_of_another_shape_ends_the_round_with_one_code_and_loses_nothing(stand):
    stand.hotel.book()
    stand.round()
    for name, told in NONSENSE.items():
        stand.system.trouble = [(200, {}, told)]
        with pytest.raises(Refused) as no:
            stand.round()
        assert no.value.code == "pms.vendor_answer", name
    stand.hotel.change(room="201")
    assert later(stand).delivered == 1


def test_a_redirect_is_not_followed_with_the_keys_in_hand(one):
    one.system.trouble = [(302, {"Location": "http://127.0.0.1:9/elsewhere"}, {})]
    with pytest.raises(Refused) as no:
        one.round()
    assert no.value.code == "pms.vendor_answer"


def test_a_refused_key_and_a_silent_system_have_codes_of_their_own(stand):
    (stand.folder / "pms.toml").write_text("".join(f'{name} = "other"\n' for name in ("client_token", "access_token", "api_key", "client_id", "client_secret", "app_key")))  # fmt: skip
    if stand.settings.vendor == "ohip":
        (stand.folder / "pms.toml").write_text(
            'client_id = "x"\nclient_secret = "y"\napp_key = "41ecd082-8997-4c69-af34-2f72b83645ff"\n'
        )
    with pytest.raises(Refused) as no:
        stand.round()
    assert no.value.code == "pms.vendor_denied"
    stand.system.faults.clear()
    stand.system.trouble = [(503, {}, {})] * 5
    with pytest.raises(Refused) as no:
        stand.round()
    assert no.value.code == "pms.vendor_away"


def test_more_bookings_than_a_page_are_all_seen(stand):
    for number in range(105):
        stand.hotel.book(name=f"R-{number}", guests=[], people=0)
    assert (stand.round().in_house, stand.round().read) == (105, 0)


def test_a_server_that_does_not_let_the_program_in_ends_the_round(one, world):
    one.hotel.book()
    with world.registry.writing() as connection:
        connection.execute(tables.api_clients.update().values(grants=["read"]))
    with pytest.raises(Refused) as no:
        one.round()
    assert (no.value.code, no.value.detail) == ("pms.server_denied", "api.scope_missing")


def test_one_bridge_at_a_time_works_for_a_house(tmp_path):
    with alone(tmp_path / "house.json"), pytest.raises(Refused) as no, alone(tmp_path / "house.json"):
        pass
    assert no.value.code == "pms.already_running"
