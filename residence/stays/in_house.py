"""A house's own list of who sleeps there against what is declared there: who is missing on either side, and what differs.

- Guests pair by a number first, then by an equal name in the same room, then by an equal name that is alone on both sides. One guest and one
  stay pair once; two guests of one name in two rooms stay two.
- What differs in a pair is named, never changed: the room, the day of arrival or departure, the writing of the name, the number.
- A guest who pairs with nobody is not declared; a standing stay with nobody on the list is declared and not in the house. Who is declared
  ahead, from a later day on, is missing on no list.
- A list without a number of its own may hide a pair: ``likely`` names are offered as such and a person decides.

>>> compare((InHouse(row=2, full_name="TRAN VAN AN", unit="101"),), (), today=date(2026, 7, 10)).not_declared[0].row
2
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Literal

import msgspec

from residence.people.names import compare_names
from residence.stays.spans import normal_unit

Differing = Literal["name", "number", "unit", "arrival", "departure"]


class InHouse(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the house's list. ``numbered``: it states a number; ``holders``: ids of the people declared here who hold it."""

    row: int
    full_name: str
    unit: str | None = None
    arrival: date | None = None
    departure: date | None = None
    numbered: bool = False
    holders: frozenset[str] = frozenset()


class DeclaredStay(msgspec.Struct, frozen=True, kw_only=True):
    """One standing stay. Days are those of Vietnam; ``full_name`` is empty for an erased person; ``numbered``: declared with a number."""

    stay_id: str
    person_id: str
    full_name: str
    start: date
    numbered: bool = False
    name_disputed: bool = False  # somebody says the name is wrong; a difference may be that
    unit: str | None = None
    planned_end: date | None = None


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One guest and one stay that are the same, and what differs between them."""

    guest: InHouse
    stay: DeclaredStay
    differs: tuple[Differing, ...]


class HouseComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The result. ``likely``: guests without a pair and stays without one whose names may be the same person's."""

    pairs: tuple[Pair, ...]
    not_declared: tuple[InHouse, ...]
    not_in_house: tuple[DeclaredStay, ...]
    likely: tuple[tuple[InHouse, DeclaredStay], ...]

    @property
    def agrees(self) -> bool:
        """Tell whether nobody is missing and nothing differs."""
        return not (self.not_declared or self.not_in_house or any(each.differs for each in self.pairs))


Same = Callable[[InHouse, DeclaredStay], bool]


def compare(guests: Iterable[InHouse], stays: Iterable[DeclaredStay], *, today: date) -> HouseComparison:
    """Compare a house's list with the stays that stand there on ``today``."""
    left, open_stays = list(guests), list(stays)
    pairs: list[Pair] = []
    for same, alone in ((_by_number, False), (_by_name_and_unit, False), (_by_name, True)):
        for guest in list(left):
            found = [stay for stay in open_stays if same(guest, stay)]
            rivals = [each for each in left if any(same(each, stay) for stay in found)]
            if not found or (alone and (len(found) > 1 or len(rivals) > 1)):
                continue
            stay = min(found, key=lambda each: (normal_unit(each.unit) != normal_unit(guest.unit), each.start, each.stay_id))
            pairs.append(Pair(guest=guest, stay=stay, differs=_differences(guest, stay)))
            left.remove(guest)
            open_stays.remove(stay)
    missing = [stay for stay in open_stays if stay.start <= today]
    return HouseComparison(
        pairs=tuple(sorted(pairs, key=lambda each: each.guest.row)),
        not_declared=tuple(left),
        not_in_house=tuple(sorted(missing, key=lambda each: (normal_unit(each.unit), each.stay_id))),
        likely=tuple((guest, stay) for guest in left for stay in open_stays if _may_be_named(guest, stay)),
    )


def _by_number(guest: InHouse, stay: DeclaredStay) -> bool:
    return stay.person_id in guest.holders


def _by_name(guest: InHouse, stay: DeclaredStay) -> bool:
    if guest.holders and stay.person_id not in guest.holders:
        return False  # the list states a number, and it is somebody else's
    return bool(stay.full_name) and compare_names(guest.full_name, stay.full_name).result == "same"


def _by_name_and_unit(guest: InHouse, stay: DeclaredStay) -> bool:
    return normal_unit(guest.unit) == normal_unit(stay.unit) and _by_name(guest, stay)


def _may_be_named(guest: InHouse, stay: DeclaredStay) -> bool:
    return bool(stay.full_name) and compare_names(guest.full_name, stay.full_name).result != "different"


def _differences(guest: InHouse, stay: DeclaredStay) -> tuple[Differing, ...]:
    found: list[Differing] = []
    if stay.full_name and compare_names(guest.full_name, stay.full_name).result != "same":
        found.append("name")
    if guest.numbered and stay.numbered and stay.person_id not in guest.holders:
        found.append("number")
    if guest.unit is not None and normal_unit(guest.unit) != normal_unit(stay.unit):
        found.append("unit")
    if guest.arrival is not None and guest.arrival != stay.start:
        found.append("arrival")
    if guest.departure is not None and stay.planned_end is not None and guest.departure != stay.planned_end:
        found.append("departure")
    return tuple(found)
