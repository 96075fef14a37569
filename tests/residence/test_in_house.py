"""A house's own list against what is declared there: nobody is lost between the two, and nobody pairs twice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.stays.in_house import DeclaredStay, InHouse, compare

TODAY = date(2026, 7, 10)


def guest(row=2, full_name="Trần Văn An", **more):
    return InHouse(row=row, full_name=full_name, **more)


def stay(stay_id="s-1", full_name="Trần Văn An", person_id="p-1", **more):
    return DeclaredStay(stay_id=stay_id, full_name=full_name, person_id=person_id, **{"start": TODAY, **more})


PAIRS = {
    "by number, whatever the name": (guest(full_name="An", holders=frozenset({"p-1"})), stay(), ("name",)),
    "by name without accents": (guest(full_name="TRAN VAN AN"), stay(), ()),
    "a number changes nothing that agrees": (guest(holders=frozenset({"p-1"}), unit="101"), stay(unit="101"), ()),
    "another number": (guest(numbered=True), stay(numbered=True), ("number",)),
    "a number only one side knows": (guest(numbered=True), stay(), ()),
    "another room": (guest(unit="102"), stay(unit="101"), ("unit",)),
    "a room that only one side knows": (guest(), stay(unit="101"), ()),
    "a room written otherwise": (guest(unit=" A 101"), stay(unit="a101"), ()),
    "another day of arrival": (guest(arrival=TODAY - timedelta(days=1)), stay(), ("arrival",)),
    "another departure": (
        guest(departure=TODAY + timedelta(days=3)),
        stay(planned_end=TODAY + timedelta(days=2)),
        ("departure",),
    ),
    "a departure nobody declared": (guest(departure=TODAY + timedelta(days=3)), stay(), ()),
}


@pytest.mark.parametrize(("listed", "declared", "differs"), PAIRS.values(), ids=PAIRS.keys())
def test_a_guest_and_their_stay_pair_and_what_differs_is_named(listed, declared, differs):
    found = compare([listed], [declared], today=TODAY)
    assert [(each.guest, each.stay, each.differs) for each in found.pairs] == [(listed, declared, differs)]
    assert (found.not_declared, found.not_in_house) == ((), ())
    assert found.agrees is not bool(differs)


def test_who_is_on_one_side_only_is_named_there():
    found = compare([guest(full_name="Lê Thị Bình")], [stay()], today=TODAY)
    assert [each.full_name for each in found.not_declared] == ["Lê Thị Bình"]
    assert [each.stay_id for each in found.not_in_house] == ["s-1"]


def test_a_number_of_somebody_else_parts_an_equal_name():
    found = compare([guest(holders=frozenset({"p-2"}))], [stay()], today=TODAY)
    assert not found.pairs
    assert found.likely == ((found.not_declared[0], found.not_in_house[0]),)


def test_two_of_one_name_pair_by_their_rooms_and_without_rooms_not_at_all():
    stays = [stay("s-1", person_id="p-1", unit="101"), stay("s-2", person_id="p-2", unit="102")]
    by_room = compare([guest(2, unit="102"), guest(3, unit="101")], stays, today=TODAY)
    assert [(each.guest.row, each.stay.stay_id) for each in by_room.pairs] == [(2, "s-2"), (3, "s-1")]
    blind = compare([guest(2), guest(3)], stays, today=TODAY)
    assert not blind.pairs
    assert len(blind.likely) == 4


def test_who_is_declared_from_tomorrow_on_is_not_missed_tonight():
    found = compare([], [stay(start=TODAY + timedelta(days=1))], today=TODAY)
    assert found.agrees


names = st.sampled_from(["Trần Văn An", "TRAN VAN AN", "Lê Thị Bình", "Lê Thị Binh", "Phạm Thử", ""])
rooms = st.sampled_from([None, "101", "102"])
people = st.sampled_from(["p-1", "p-2", "p-3", "p-4"])


@given(
    st.lists(st.tuples(names, rooms, st.frozensets(people, max_size=1)), max_size=6),
    st.lists(st.tuples(names, rooms, people), max_size=6),
)
def test_everybody_is_on_exactly_one_list_and_nobody_pairs_twice(listed, declared):
    guests = [guest(row, name or "X", unit=room, holders=holders) for row, (name, room, holders) in enumerate(listed)]
    stays = [stay(f"s-{number}", name, person, unit=room) for number, (name, room, person) in enumerate(declared)]
    found = compare(guests, stays, today=TODAY)
    assert sorted([each.guest.row for each in found.pairs] + [each.row for each in found.not_declared]) == list(
        range(len(guests))
    )
    stood = [each.stay.stay_id for each in found.pairs] + [each.stay_id for each in found.not_in_house]
    assert sorted(stood) == [each.stay_id for each in stays]


@given(st.permutations([guest(2, unit="101"), guest(3, full_name="Lê Thị Bình"), guest(4, full_name="Phạm Thử", unit="102")]))
def test_the_order_of_the_list_changes_nothing(guests):
    stays = [stay("s-1", unit="101"), stay("s-2", "Phạm Thử", "p-2"), stay("s-3", "Lê Thị Bình", "p-3", unit="7")]
    found = compare(guests, stays, today=TODAY)
    assert [(each.guest.row, each.stay.stay_id) for each in found.pairs] == [(2, "s-1"), (3, "s-3"), (4, "s-2")]
