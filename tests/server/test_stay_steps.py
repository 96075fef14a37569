"""What happens to a stay after it was declared: longer, another room, did not come, a mistake, undone; each with its receipt."""

from __future__ import annotations

import re

import pytest
from factories import make_declaration, make_id, make_person
from server_parts import csrf_of
from sqlalchemy import func, select

from registry import tables
from registry.stays import stay as stay_of
from registry.stays import stays_at
from residence.clock import VIETNAM


@pytest.fixture
def clerk(world):
    world.declare_guest()
    world.clock.pass_time(minutes=5)
    return world.client("clerk")


def only_stay(world):
    with world.registry.reading() as connection:
        found = stays_at(connection, "htl-sao-mai")
    assert len({(each.person_id, each.unit, each.status) for each in found}) == 1  # two arrivals taken back stand apart
    return found[-1]


def standing(world):
    with world.registry.reading() as connection:
        return sorted((each.unit, each.status) for each in stays_at(connection, "htl-sao-mai"))


def forms(clerk, stay):
    """Return step -> the id its form carries."""
    page = clerk.get(f"/desk/stays/{stay.stay_id}").text
    return dict(re.findall(rf'action="/desk/stays/{stay.stay_id}/([\w-]+)">\s*<[^>]+><input[^>]*name="declaration_id" value="([^"]+)"', page))  # fmt: skip


def say(world, clerk, step, **fields):
    """Send one step's form a minute later, and return the answer."""
    stay = only_stay(world)
    form = {"csrf": csrf_of(clerk), "declaration_id": forms(clerk, stay)[step]} | fields
    world.clock.pass_time(minutes=1)
    return clerk.post(f"/desk/stays/{stay.stay_id}/{step}", data=form), form


def leaves(stay):
    return stay.planned_end.astimezone(VIETNAM).strftime("%d %H:%M")


def test_an_extension_moves_the_end_and_undoing_it_moves_it_back(world, clerk):
    say(world, clerk, "extend", until="2026-07-15T12:00")
    assert leaves(only_stay(world)) == "15 12:00"
    say(world, clerk, "undo")
    assert leaves(only_stay(world)) == "12 12:00"
    assert len(only_stay(world).declaration_ids) == 3  # nothing was deleted


def test_thirty_days_are_temporary_residence_and_not_said(world, clerk):
    answer, _ = say(world, clerk, "extend", until="2026-08-09T14:00")
    assert answer.status_code == 422
    assert 'href="#until"' in answer.text
    assert "Choose an earlier day" in answer.text  # and not that it is recorded all the same
    assert 'value="2026-08-09T14:00"' in answer.text
    assert leaves(only_stay(world)) == "12 12:00"


@pytest.mark.parametrize("until", ["", "tomorrow", "2026-13-01T00:00"])
def test_an_end_that_cannot_be_read_is_said_beside_its_field(world, clerk, until):
    answer, _ = say(world, clerk, "extend", until=until)
    assert answer.status_code == 422
    assert 'id="until-error"' in answer.text


def test_another_room_is_the_same_stay_with_the_same_deadline_also_after_an_extension(world, clerk):
    before = only_stay(world)
    say(world, clerk, "extend", until="2026-07-15T12:00")
    say(world, clerk, "room", unit="202")
    after = only_stay(world)
    assert (after.stay_id, after.unit, after.due, leaves(after)) == (before.stay_id, "202", before.due, "15 12:00")


def test_undoing_an_extension_after_a_change_of_room_brings_the_arrivals_own_end_back(world, clerk):
    say(world, clerk, "extend", until="2026-07-15T12:00")
    say(world, clerk, "room", unit="202")
    say(world, clerk, "undo")
    say(world, clerk, "undo")
    assert (only_stay(world).unit, leaves(only_stay(world))) == ("201", "12 12:00")


def test_a_room_the_house_does_not_have_is_not_taken(world, clerk):
    answer, _ = say(world, clerk, "room", unit="999")
    assert 'id="unit-error"' in answer.text
    assert only_stay(world).unit == "201"


@pytest.mark.parametrize("why", ["no-show", "mistake"])
def test_who_did_not_come_is_withdrawn_and_can_be_brought_back(world, clerk, why):
    say(world, clerk, "withdraw", why=why)
    gone = only_stay(world)
    assert gone.status == "withdrawn"
    assert "Trần Văn An" not in clerk.get("/desk").text
    say(world, clerk, "undo")
    with world.registry.reading() as connection:
        assert stay_of(connection, gone.stay_id).status == "open"
    assert "Trần Văn An" in clerk.get("/desk").text


def test_withdrawing_needs_one_of_the_two_reasons(world, clerk):
    answer, _ = say(world, clerk, "withdraw", why="because")
    assert answer.status_code == 422
    assert only_stay(world).status == "open"


def test_a_check_out_is_undone(world, clerk):
    stay = only_stay(world)
    form = {"csrf": csrf_of(clerk), "declaration_id": forms(clerk, stay)["check-out"], "left_at": "2026-07-10T14:05"}
    clerk.post(f"/desk/stays/{stay.stay_id}/check-out", data=form)
    assert only_stay(world).status == "ended"
    say(world, clerk, "undo")
    assert only_stay(world).status == "open"


def test_a_step_sent_twice_is_said_once(world, clerk):
    _, form = say(world, clerk, "extend", until="2026-07-15T12:00")
    clerk.post(f"/desk/stays/{only_stay(world).stay_id}/extend", data=form)
    with world.registry.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.declarations)).scalar_one() == 2


def test_a_correction_cannot_change_the_end_an_extension_gave(world, clerk):
    say(world, clerk, "extend", until="2026-07-15T12:00")
    address = f"/desk/stays/{only_stay(world).stay_id}/correct"
    page = clerk.get(address).text
    assert 'value="2026-07-15T12:00"' in page
    form = {
        "csrf": csrf_of(clerk), "declaration_id": re.findall(r'name="declaration_id" value="([^"]+)"', page)[-1], "full_name": "Trần Văn An",
        "birth": "01/02/1995", "sex": "male", "nationality": "VNM", "document_kind": "cccd-2021", "unit": "201", "arrival": "2026-07-10T14:00",
        "planned_departure": "2026-07-13T12:00", "reason": "visit",
    }  # fmt: skip
    answer = clerk.post(address, data=form)
    assert answer.status_code == 422
    assert "This stay was extended" in answer.text


def test_another_houses_stay_is_nobodys_to_change(world, clerk):
    other = world.record(make_declaration(person=make_person(full_name="Đỗ Thị Lan", personal_number="001195000555", sex="female", document=None)))  # fmt: skip
    with world.registry.reading() as connection:
        (found,) = stays_at(connection, "blk-hoa-binh")
    form = {"csrf": csrf_of(clerk), "declaration_id": other.declaration_id[:-1] + "0"}
    for step in ("extend", "room", "withdraw", "undo"):
        assert clerk.post(f"/desk/stays/{found.stay_id}/{step}", data=form).status_code == 403


# a step, and what the list of the house says after it and after it was undone; two arrivals of one guest are one stay
OF_TWO = {
    "another room": ("room", {"unit": "202"}, [("202", "open")]),
    "did not come": ("withdraw", {"why": "no-show"}, [("201", "withdrawn")] * 2),
    "longer": ("extend", {"until": "2026-07-15T12:00"}, [("201", "open")]),
}


@pytest.mark.parametrize(("step", "fields", "after"), OF_TWO.values(), ids=OF_TWO)
def test_a_step_holds_for_a_guest_declared_at_the_kiosk_and_at_the_desk_and_is_undone_whole(world, clerk, step, fields, after):
    world.clock.pass_time(minutes=5)
    world.declare_guest(declaration_id=make_id(world.clock.now()), unit="201")
    before = standing(world)
    assert (before, len(only_stay(world).declaration_ids)) == ([("201", "open")], 2)
    world.clock.pass_time(minutes=1)
    say(world, clerk, step, **fields)
    assert standing(world) == after
    world.clock.pass_time(minutes=1)
    say(world, clerk, "undo")
    assert standing(world) == before
    assert leaves(only_stay(world)) == "12 12:00"
