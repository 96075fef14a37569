"""What a property-management system says of its guests: each event a statement with a receipt, sent again the same, out of order a conflict."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from server_parts import World
from sqlalchemy import select

from registry import tables
from registry.accounts import find_account, give_rights
from server.api.examples import PMS_EVENT

EVENTS = "/api/v1/pms-events"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"), session_absolute=timedelta(days=400))
    yield made
    made.close()


@pytest.fixture
def say(world, request):
    """Send an event about a guest of this test's own reservation."""
    client, headers = world.client(), world.bearer("clerk")

    def send(kind="checked_in", number=1, *, query="", person=None, drop=(), **data):
        told = PMS_EVENT["data"] | {"reservation": request.node.name} | data
        told["person"] = PMS_EVENT["data"]["person"] | {"full_name": "Đỗ Thị Mẫu", "personal_number": None} | (person or {})
        told = {name: value for name, value in told.items() if name not in drop}
        event = PMS_EVENT | {"id": f"{request.node.name}-{number}", "type": f"stay.guest.{kind}", "data": told}
        event["time"] = f"2026-07-10T14:3{number}:00+07:00"  # what is said later is said at a later time
        return client.post(EVENTS + query, json=event, headers=headers)

    return send


def stay_of(world, answer):
    own_id = answer.json()["receipt"]["declaration_id"]
    with world.registry.reading() as connection:
        rows = connection.execute(select(tables.stays)).all()
    return next(each for each in rows if own_id in each.declaration_ids)


def test_a_guest_checks_in_moves_stays_longer_and_leaves_in_one_stay(world, say):
    answers = [
        say(),
        say("moved", 2, room="201"),
        say("extended", 3, departure_planned="2026-07-14"),
        say("checked_out", 4, departed_at="2026-07-10T15:00:00+07:00"),
    ]
    assert [each.status_code for each in answers] == [201] * 4, [each.text for each in answers]
    stay = stay_of(world, answers[0])
    assert all(stay_of(world, each).stay_id == stay.stay_id for each in answers)
    assert (stay.unit, stay.status, len(stay.declaration_ids)) == ("201", "ended", 4)


def test_an_event_sent_again_has_its_first_receipt_and_changes_nothing(world, say):
    first, moved = say(), say("moved", 2, room="201")
    for again, before in ((say(), first), (say("moved", 2, room="201"), moved)):
        assert (again.status_code, again.json()) == (200, before.json())
    assert len(stay_of(world, first).declaration_ids) == 2


def test_checking_in_twice_in_other_words_is_a_conflict_and_the_first_stands(world, say):
    first = say()
    other = say(number=2, person={"full_name": "Đỗ Thị Khác"})
    assert (other.status_code, other.json()["code"]) == (409, "server.id_reused")
    assert stay_of(world, first).declaration_ids == [first.json()["receipt"]["declaration_id"]]


def test_a_cancelled_check_in_is_withdrawn_and_the_next_visit_is_a_stay_of_its_own(world, say):
    first = say()
    assert say("cancelled", 2, why="mistake").json()["receipt"]["state"] == "accepted"
    second = say(number=3, visit=2)
    assert second.status_code == 201
    assert (stay_of(world, first).status, stay_of(world, second).status) == ("withdrawn", "open")


def test_two_of_one_reservation_are_two_guests(world, say):
    one, two = say(), say(number=2, person={"ref": "P-2", "full_name": "Đỗ Văn Mẫu"}, room="201")
    assert stay_of(world, one).stay_id != stay_of(world, two).stay_id


@pytest.mark.parametrize("kind", ["moved", "extended", "checked_out", "cancelled"])
def test_what_comes_before_its_check_in_is_a_conflict_and_goes_through_after_it(world, say, kind):
    early = say(kind, 2, room="201", departure_planned="2026-07-13")
    assert (early.status_code, early.json()["code"]) == (409, "pms.stay_unknown")
    say()
    assert say(kind, 2, room="201", departure_planned="2026-07-13").status_code == 201


MISSING = {"moved": "room", "extended": "departure_planned"}


@pytest.mark.parametrize("kind", MISSING)
def test_a_field_an_event_cannot_do_without_is_named(say, kind):
    say()
    answer = say(kind, 2, drop=(MISSING[kind],))
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (
        422,
        "pms.field_missing",
        f"/data/{MISSING[kind]}",
    )


def test_every_problem_of_a_guest_comes_at_once_and_nothing_is_recorded(world, say):
    answer = say(person={"full_name": "", "personal_number": "12"}, arrival="yesterday")
    assert answer.status_code == 422
    assert len(answer.json()["problems"]) >= 3
    assert say().status_code == 201


def test_a_dry_run_records_nothing(say):
    answer = say(query="?dry_run=true")
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert say("moved", 2, room="201").status_code == 409


@pytest.mark.parametrize("change", [{"specversion": "0.3"}, {"type": "stay.guest.sneezed"}, {"source": ""}, {"data": {}}])
def test_what_is_no_such_event_is_told_by_its_field(world, change):
    answer = world.client().post(EVENTS, json=PMS_EVENT | change, headers=world.bearer("clerk"))
    assert (answer.status_code, answer.json()["code"]) == (422, "server.input_unreadable")


def test_who_may_only_look_at_a_house_says_nothing_there(world, say):
    with world.registry.writing() as connection:
        clerk = find_account(connection, "le-tan")
        give_rights(connection, clerk, "htl-sao-mai", right="read")
    answer = say()
    with world.registry.writing() as connection:
        give_rights(connection, clerk, "htl-sao-mai", right="declare")
    assert (answer.status_code, answer.json()["code"]) == (403, "server.not_allowed")
    assert say(premises_id="blk-hoa-binh").status_code == 403


def says(world, answer, body):
    """Say something of the stay an answer is about, by the API and our own clock."""
    stay = stay_of(world, answer)
    step = "changes" if "change" in body else "check-out"
    headers = world.bearer("clerk") | {"idempotency-key": secrets.token_hex(8)}
    return world.client().post(f"/api/v1/stays/{stay.stay_id}/{step}", json=body, headers=headers)


LATER = {
    "extended again": (
        {"change": "extend", "until": "2026-07-13T12:00:00+07:00"},
        "planned_end",
        datetime(2026, 7, 13, 5, tzinfo=UTC),
    ),
    "another room": ({"change": "move", "unit": "203"}, "unit", "203"),
    "left": ({"left_at": "2026-07-10T14:00:00+07:00"}, "status", "ended"),
    "undone": ({"change": "undo"}, "status", "ended"),
    "withdrawn": ({"change": "withdraw", "why": "mistake"}, "status", "withdrawn"),
}


@pytest.mark.parametrize("case", LATER)
def test_a_clock_that_is_ahead_locks_nobody_out_and_who_speaks_later_by_ours_wins(world, say, case):
    body, field, value = LATER[case]
    first = say(arrival="2026-07-10T13:00:00+07:00")
    assert say("checked_out", 3, departed_at="2026-07-10T13:30:00+07:00").status_code == 201
    for number, kind, more in ((4, "moved", {"room": "201"}), (9, "extended", {"departure_planned": "2026-07-19"})):
        world.clock.pass_time(seconds=1)
        assert say(kind, number, **more).json()["receipt"]["state"] == "accepted"  # stamped 34 and 39 minutes ahead
    world.clock.pass_time(seconds=1)
    done = says(world, first, body)
    assert (done.status_code, done.json()["receipt"]["state"]) == (201, "accepted"), done.text
    assert getattr(stay_of(world, first), field) == value


def test_what_came_too_late_to_count_says_so_and_where(world, say):
    first = say(arrival="2026-07-10T13:00:00+07:00")
    for place, kind in enumerate(("extended", "moved")):
        world.clock.pass_time(minutes=50)
        change = (
            {"change": "extend", "until": "2026-07-14T12:00:00+07:00"}
            if kind == "extended"
            else {"change": "move", "unit": "203"}
        )
        assert says(world, first, change).json()["receipt"]["state"] == "accepted"
        world.clock.pass_time(seconds=1)
        late = say(kind, 5 + place, departure_planned="2026-07-12", room="202").json()["receipt"]  # said before, by its own clock
        told = [(each["code"], each["pointer"]) for each in late["findings"] if each["code"] == "stays.overtaken"]
        assert (late["state"], told) == (
            "conflicting",
            [("stays.overtaken", "/planned_departure" if kind == "extended" else "/about")],
        )
    stay = stay_of(world, first)
    assert (stay.unit, stay.planned_end) == ("203", datetime(2026, 7, 14, 5, tzinfo=UTC))
    assert say("cancelled", 7, why="mistake").json()["receipt"]["state"] == "accepted"
    world.clock.pass_time(minutes=1)
    assert "stays.about_withdrawn" in says(world, first, {"change": "extend", "until": "2026-07-20T12:00:00+07:00"}).text


def test_a_withdrawal_stamped_ahead_is_undone_and_the_receipt_says_that_it_stands(world, say):
    first = say(arrival="2026-07-10T13:00:00+07:00")
    code = first.json()["receipt"]["code"]

    def now():
        return world.client().get(f"/api/v1/receipts/{code}").json()["now"]

    world.clock.pass_time(seconds=1)
    assert say("cancelled", 9, why="mistake").json()["receipt"]["state"] == "accepted"
    assert (stay_of(world, first).status, now()) == ("withdrawn", "withdrawn")
    world.clock.pass_time(seconds=1)
    assert says(world, first, {"change": "undo"}).json()["receipt"]["state"] == "accepted"
    assert (stay_of(world, first).status, now()) == ("open", "accepted")
