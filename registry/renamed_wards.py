"""Whether somebody seen lives or stays in the same house under an older name of its ward.

- A register of before 2025-07-01 knows the house by its old ward, a kiosk by its new one: two premises, one door. They are one when the ward
  of one became the ward of the other, whole or in part, and the addresses name one house (``registry/standing.py``).
- People are looked for by number, and by name in every ward that became this one; birth date and numbers must agree, as everywhere.
- Of a ward that was split every candidate counts in favour of the person seen, until somebody has decided; nothing is concluded from it
  but that a person should look first.
- Asked last: it costs a few queries, and opens addresses.

Example: ``homes_by_old_names(connection, "blk-hoa-binh", {person_id}, wards=wards, day="2026-07-10", picture=picture)``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from registry.households import known_residences
from registry.standing import one_place, standings
from registry.stays import known_stays
from registry.surroundings import Surroundings
from registry.units import load_around
from residence.clock import VIETNAM
from residence.places.units import UnitTable
from residence.stays.known import KnownResidence, KnownStay


class Wards(NamedTuple):
    """A ward through time: a table of units around it, and the other codes it bears or bore, whole or in part."""

    table: UnitTable
    day: str
    names: tuple[str, ...]


def other_names(connection: Connection, commune_code: str, at: datetime) -> Wards:
    """Return a ward through time as of a moment; nothing when no table has it."""
    table, day = load_around(connection, [commune_code]), at.astimezone(VIETNAM).date().isoformat()
    units = table.candidates(commune_code, at=day, on=day)
    codes = {each.code for unit in units for each in (unit, *table.everything_before(unit))}
    return Wards(table, day, tuple(sorted(codes - {commune_code})))


def homes_by_old_names(
    connection: Connection, premises_id: str, people: Iterable[str], *, wards: Wards, picture: Surroundings
) -> tuple[list[KnownStay], list[KnownResidence]]:
    """Return these people's stays and residences at the premises, or at what is the same house, as if they were at the premises."""
    wanted = sorted(set(people))
    stays = [*known_stays(connection, wanted)[0], *picture.stays_of_people(wanted)]
    residences = known_residences(connection, wanted)
    others = {each.premises_id for each in stays} | {each.premises_id for each in residences}
    same = _same_house(connection, premises_id, others - {premises_id}, wards=wards, picture=picture) | {premises_id}
    return (
        [msgspec.structs.replace(each, premises_id=premises_id) for each in stays if each.premises_id in same],
        [msgspec.structs.replace(each, premises_id=premises_id) for each in residences if each.premises_id in same],
    )


def _same_house(connection: Connection, premises_id: str, others: set[str], *, wards: Wards, picture: Surroundings) -> set[str]:
    if not others:
        return set()
    found = standings(connection, {premises_id, *others}, wards.table, day=wards.day, vault=picture.vault)
    here = found.get(premises_id)
    return {own_id for own_id in others if here is not None and own_id in found and one_place(here, found[own_id])}
