"""A house tonight and by month, and the ward's weeks: counts that name nobody, and none so small that somebody is known by it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from itertools import pairwise

import pytest
from factories import make_id, make_person
from hypothesis import given
from hypothesis import strategies as st
from server_parts import COMMUNE, csrf_of
from server_police import file_cases
from sqlalchemy import update

from luutru.system import random_bytes
from registry import tables
from registry.desk_lists import Place
from registry.house_tonight import house_history, house_tonight
from registry.households import Registration, add_person, add_residences
from registry.ward_figures import ward_weeks
from residence.cases.ward_figures import LEAST, shown, shown_median

HOTEL = Place(COMMUNE, "htl-sao-mai")
NAMES = ("An", "Bình", "Chi", "Dung", "Giang")


@pytest.fixture
def officer(world):
    return world.client("officer")


def guest(world, number, **changes):
    person = make_person(full_name=f"Khách Thử {NAMES[number]}", personal_number=None, document=None)
    return world.declare_guest(declaration_id=make_id(world.clock.now()), person=person, **changes)


def tonight(world, place=HOTEL):
    with world.registry.reading() as connection:
        return {each.unit: each for each in house_tonight(connection, place, now=world.clock.now())}


def test_a_room_counts_who_stays_is_expected_and_is_seen_undeclared(world, officer):
    guest(world, 1)
    guest(world, 2, arrival="2026-07-10T20:00:00+07:00")
    guest(world, 3, unit="202", arrival="2026-07-12T14:00:00+07:00", planned_departure="2026-07-13T12:00:00+07:00")
    found = tonight(world)
    assert {unit: (each.staying, each.expected, each.sleeping) for unit, each in found.items()} == {"201": (1, 1, 2)}
    world.open_case()  # somebody was seen in 1204 of the block, and the house was told
    assert tonight(world, Place(COMMUNE, "blk-hoa-binh"))["1204"].undeclared == 1
    with world.registry.writing() as connection:
        connection.execute(update(tables.premises).where(tables.premises.c.premises_id == "htl-sao-mai").values(capacity=1))
    page = officer.get("/police/premises/htl-sao-mai").text
    assert "more people than places" in page
    assert "Khách Thử" not in page
    assert "the number of places is not recorded" in officer.get("/police/premises/blk-hoa-binh").text


def test_whoever_is_registered_counts_once_and_an_absence_takes_them_out(world):
    now = world.clock.now()
    with world.registry.writing() as connection:
        made = {"commune_code": COMMUNE, "now": now, "random_bytes": random_bytes}
        people = [
            add_person(connection, make_person(full_name=f"Người Thử {NAMES[number]}", personal_number=None, document=None), vault=world.vault, **made)
            for number in range(2)
        ]  # fmt: skip
        homes = [
            Registration(person_id=each, premises_id="htl-sao-mai", unit="202", kind="temporary", valid_from="2026-01-01", valid_to="2026-12-31")
            for each in people
        ]  # fmt: skip
        add_residences(connection, homes, **made)
        absence = {
            "commune_code": COMMUNE, "absence_id": "a-1", "person_id": people[0], "valid_from": "2026-07-01", "valid_to": "2026-07-31",
            "subject_id": people[0], "recorded_at": now,
        }  # fmt: skip
        connection.execute(tables.absences.insert(), [absence])
    room = tonight(world)["202"]
    assert (room.registered, room.absent, room.staying, room.sleeping) == (2, 1, 0, 1)


def test_a_house_is_told_by_month_of_itself_alone(world, officer):
    guest(world, 1)
    world.clock.pass_time(days=1)
    guest(world, 2, arrival="2026-07-10T15:00:00+07:00", planned_departure="2026-07-12T12:00:00+07:00")
    case_id = file_cases(world, 3, premises=True)[2]
    officer = world.client("officer")
    for action, more in (("claim", {"purpose": "undeclared-case"}), ("close-explained:visitor", {})):
        officer.post(f"/police/cases/{case_id}", data={"csrf": csrf_of(officer), "action": action} | more)
    with world.registry.reading() as connection:
        (month,) = house_history(connection, HOTEL, now=world.clock.now())
    assert (month.month, month.on_time, month.late, month.no_fault, month.otherwise) == ("2026-07", 1, 1, 1, 0)
    assert "07/2026" in officer.get("/police/premises/htl-sao-mai").text


def test_a_wards_week_says_no_count_that_is_small_on_the_page_or_in_the_file(world, officer):
    for number in range(LEAST):
        guest(world, number)
    file_cases(world, 2)
    world.clock.instant += timedelta(days=2)
    close_all(world)
    assert weeks(world)[-1].on_time == 0  # the week is not over
    world.clock.instant += timedelta(days=5)
    officer = world.client("officer")
    week = weeks(world)[-1]
    assert (week.on_time, week.late, week.closed["visitor"], week.closed["procedure"], week.median_hours) == (5, 0, None, 0, None)
    page = officer.get("/police/ward").text
    assert "too few to be said" in page
    assert "A visitor who did not stay the night" in page
    lines = list(csv.DictReader(io.StringIO(officer.get("/police/ward/figures.csv").text)))
    assert (len(lines), lines[-1]["on_time"], lines[-1]["closed:visitor"], lines[-1]["closed:procedure"]) == (12, "5", "", "0")
    for role in ("clerk", "operator", "resident"):
        assert world.client(role).get("/police/ward/figures.csv").status_code == 403


def close_all(world):
    with world.registry.writing() as connection:
        values = {"state": "closed-explained", "closing_code": "visitor", "changed_at": world.clock.now()}
        connection.execute(update(tables.cases).where(tables.cases.c.closing_code.is_(None)).values(**values))


def weeks(world):
    with world.registry.reading() as connection:
        return ward_weeks(connection, COMMUNE, now=world.clock.now())


def test_two_files_of_a_ward_differ_by_whole_weeks_and_never_by_one_person(world, officer):
    """Whoever takes the file again and again and subtracts learns of nobody: what is said of a week stays said."""
    taken = []
    for day in range(17):
        name = f"Khách {NAMES[day // 5]} {NAMES[day % 5]}"  # each declared later for the same evening
        person = make_person(full_name=name, personal_number=None, document=None)
        stay = {"arrival": "2026-07-09T14:00:00+07:00", "planned_departure": "2026-08-01T12:00:00+07:00"}
        receipt = world.declare_guest(declaration_id=make_id(world.clock.now()), person=person, **stay).receipt
        assert receipt.state == "accepted", receipt
        file_cases(world, 1)
        close_all(world)
        said = weeks(world)
        taken.append({each.first_day: each for each in said})
        world.clock.instant += timedelta(days=1)
    for before, after in pairwise(taken):
        assert {day: after[day] for day in before.keys() & after.keys()} == {
            day: before[day] for day in before.keys() & after.keys()
        }
    assert taken[-1]["2026-07-13"].late == 7


@given(st.integers(min_value=0, max_value=1000), st.lists(st.floats(min_value=0, max_value=1000), max_size=12))
def test_nothing_between_nought_and_the_least_is_ever_said(count, hours):
    assert (shown(count) is None) == (0 < count < LEAST)
    assert (shown_median(hours) is None) == (len(hours) < LEAST)
