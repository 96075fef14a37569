"""Tonight counts people: what was refused and settled, said anew, tried twice or seen as well is nobody more."""

from __future__ import annotations

import msgspec
import pytest
from factories import make_declaration, make_id, make_person
from server_parts import csrf_of, fields_of
from sqlalchemy import func, select

from registry import tables
from registry.stays import stays_at

AN = make_person()
HERE = {"premises_id": "htl-sao-mai", "unit": "201"}
REFUSED = {"unit": None, "person": AN}


@pytest.fixture
def clerk(world):
    return world.client("clerk")


def to_declare(world, clerk):
    """Return how many people the page says are still to be declared, after asking whether the fine band agrees."""
    page = clerk.get("/desk").text
    number = int(page.split("<span>still to be declared")[0].rsplit("<strong>", 1)[1].removesuffix("</strong>"))
    assert ("fine band" in page) == bool(number)
    return number


def refuse(world, **changes):
    recorded = world.declare_guest(declaration_id=make_id(world.clock.now()), **{**REFUSED, **changes})
    assert recorded.receipt.state == "refused"
    return recorded


def depart(world, first, **changes):
    said = HERE | {"kind": "departure", "about": first.declaration_id, "person": AN} | changes
    return world.record(make_declaration(declaration_id=make_id(world.clock.now()), **said))


def test_a_refused_departure_is_work_and_nobody_undeclared(world, clerk):
    first = world.declare_guest(person=AN)
    assert depart(world, first, planned_departure="2027-01-10T12:00:00+07:00").receipt.state == "refused"
    assert to_declare(world, clerk) == 0
    assert "To do before the deadline" in clerk.get("/desk").text


def test_the_right_departure_settles_the_refused_one(world, clerk):
    first = world.declare_guest(person=AN)
    refused = depart(world, first, planned_departure="2027-01-10T12:00:00+07:00")
    world.clock.pass_time(minutes=5)
    assert depart(world, first, planned_departure="2026-07-10T14:04:00+07:00").receipt.state == "accepted"
    page = clerk.get("/desk").text
    assert refused.declaration_id not in page
    assert "To do before the deadline" not in page


def test_an_earlier_accepted_statement_settles_no_later_refusal(world, clerk):
    first = world.declare_guest(person=AN)
    longer = {"kind": "extension", "planned_departure": "2026-07-13T12:00:00+07:00"}
    assert depart(world, first, **longer).receipt.state == "accepted"
    world.clock.pass_time(minutes=5)
    refused = depart(world, first, planned_departure="2027-01-10T12:00:00+07:00")
    assert refused.declaration_id in clerk.get("/desk").text


def test_a_refused_arrival_counts_until_it_is_said_anew(world, clerk):
    refused = refuse(world)
    assert to_declare(world, clerk) == 1
    world.clock.pass_time(minutes=10)
    world.declare_guest(person=AN)
    assert to_declare(world, clerk) == 0
    assert refused.declaration_id not in clerk.get("/desk").text


NAMELESS = msgspec.structs.replace(AN, personal_number=None, document=None)
# name -> (person of the refused arrival, person declared anew, still to be declared)
ANEW = {
    "with the number mended": (msgspec.structs.replace(AN, personal_number="12", document=None), AN, 0),
    "without any number": (AN, NAMELESS, 0),
    "with a number at last": (NAMELESS, AN, 0),
    "with the name mended": (msgspec.structs.replace(AN, full_name="Trần Văn"), AN, 0),
    "a namesake with another number": (AN, make_person(personal_number="001095000995", document=None), 1),
    "somebody else": (AN, make_person(full_name="Lê Văn Khác", personal_number="001095000995", document=None), 1),
}


@pytest.mark.parametrize("case", ANEW)
def test_who_is_declared_anew_is_recognised(world, clerk, case):
    before, after, expected = ANEW[case]
    refuse(world, person=before)
    world.clock.pass_time(minutes=10)
    assert world.declare_guest(person=after).receipt.state in {"accepted", "conflicting"}
    assert to_declare(world, clerk) == expected


def test_two_attempts_for_one_person_are_one_person(world, clerk):
    first, _, last = (refuse(world), world.clock.pass_time(minutes=1), refuse(world))
    page = clerk.get("/desk").text
    assert to_declare(world, clerk) == 1
    assert last.declaration_id in page
    assert first.declaration_id not in page


def test_two_people_refused_are_two(world, clerk):
    refuse(world)
    refuse(world, person=make_person(full_name="Lê Văn Khác", personal_number="001095000995", document=None))
    assert to_declare(world, clerk) == 2


def test_who_was_seen_and_refused_counts_once(world, clerk):
    world.see_somebody(premises_id="htl-sao-mai", unit="201", person=AN)
    refuse(world)
    assert to_declare(world, clerk) == 1
    world.see_somebody(premises_id="htl-sao-mai", unit="202")
    assert to_declare(world, clerk) == 2


def test_who_left_and_comes_back_is_not_declared_by_the_stay_before(world, clerk):
    first = world.declare_guest(person=AN)
    world.clock.pass_time(hours=4)
    depart(world, first, planned_departure="2026-07-10T17:00:00+07:00")
    refuse(world, arrival="2026-07-10T17:30:00+07:00")
    assert to_declare(world, world.client("clerk")) == 1


def test_a_check_out_in_the_future_is_told_beside_its_field_and_records_nothing(world, clerk):
    world.declare_guest(person=AN)
    with world.registry.reading() as connection:
        (stay,) = stays_at(connection, "htl-sao-mai")
    path = f"/desk/stays/{stay.stay_id}"
    form = fields_of(clerk.get(path).text) | {"csrf": csrf_of(clerk)}
    for typed, told in (
        ("2027-01-10T12:00", "in the future"),
        ("2026-07-01T12:00", "before the arrival"),
        ("noon", "cannot be read"),
    ):
        page = clerk.post(f"{path}/check-out", data=form | {"left_at": typed})
        assert page.status_code == 422
        assert 'href="#left_at"' in page.text
        assert 'id="left_at-error"' in page.text
        assert told in page.text
        assert f'value="{typed}"' in page.text
        assert form["declaration_id"] in page.text
    with world.registry.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.declarations)) == 1
    assert to_declare(world, clerk) == 0
    done = clerk.post(f"{path}/check-out", data=form | {"left_at": "2026-07-10T14:00"})
    assert done.url.path == f"/desk/receipts/{form['declaration_id']}"
