"""Households and premises of a page, judged by set queries: heads, owners, more people than places to sleep.

- A head or owner counts on the day of the pass. An owner known by name only is an owner; one still waited for is not.
- A household is judged while it stands and somebody is registered in it; a premises is asked for an owner if its kind needs one
  (``CleaningChoices.owned_kinds``), and counted if a capacity is recorded.
- Who is registered and stays at one place is counted once.

Example: ``judge_households(connection, ["h-1", "h-2"], sight)``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, union

from registry import tables
from registry.asking import among
from registry.cleaning.found import MOST_SHOWN, Found, Sight
from residence.cleaning.rules import RuleName

_RELATIONS = tables.relations.c
_HOMES = tables.residences.c
_STAYS = tables.stays.c


def judge_households(connection: Connection, ids: Sequence[str], sight: Sight) -> list[Found]:
    """Return the households of a page without a head, or with several."""
    heads: defaultdict[str, set[str]] = defaultdict(set)
    query = select(_RELATIONS.subject_id, _RELATIONS.person_id).where(
        among(_RELATIONS.subject_id, ids, connection), _RELATIONS.kind == "head", _RELATIONS.person_id.is_not(None)
    )
    for household_id, person_id in connection.execute(query.where(*_holding(sight))):
        heads[household_id].add(person_id)
    found = []
    for row in connection.execute(_lived_in(connection, ids, sight)):
        theirs = sorted(heads[row.household_id])
        if len(theirs) != 1:
            people = tuple(("person", each) for each in theirs[:MOST_SHOWN])
            found.append(
                Found(
                    rule="household_several_heads" if theirs else "household_no_head",
                    commune_code=row.commune_code,
                    about=(row.household_id,),
                    evidence=(("household", row.household_id), ("premises", row.premises_id), *people),
                )
            )
    return found


def judge_premises(connection: Connection, ids: Sequence[str], sight: Sight) -> list[Found]:
    """Return the premises of a page without an owner, and those with more people than capacity."""
    columns = tables.premises.c
    places = connection.execute(
        select(columns.commune_code, columns.premises_id, columns.kind, columns.capacity).where(
            among(columns.premises_id, ids, connection)
        )
    ).all()
    owned = set(
        connection.scalars(
            select(_RELATIONS.subject_id).where(
                among(_RELATIONS.subject_id, ids, connection),
                _RELATIONS.kind == "owner",
                or_(_RELATIONS.person_id.is_not(None), _RELATIONS.name_sealed.is_not(None)),
                *_holding(sight),
            )
        )
    )
    there = _people_at(connection, [each.premises_id for each in places if each.capacity is not None], sight)
    kinds = {each.value for each in sight.choices.owned_kinds}
    found = []
    for place in places:
        if place.kind in kinds and place.premises_id not in owned:
            found.append(_of_premises("premises_no_owner", place))
        count = there.get(place.premises_id, 0)
        if place.capacity is not None and count > place.capacity:
            halves = 2 * count // max(1, place.capacity)  # one guest more or less does not bring a decided item back
            found.append(_of_premises("premises_over_capacity", place, (str(halves), str(place.capacity))))
    return found


def _of_premises(rule: RuleName, place: Any, values: tuple[str, ...] = ()) -> Found:
    shown = (("premises", place.premises_id),)
    return Found(rule=rule, commune_code=place.commune_code, about=(place.premises_id,), evidence=shown, values=values)


def current_homes(sight: Sight) -> tuple[ColumnElement[bool], ...]:
    """Return when a residence is one of today."""
    day = sight.today.isoformat()
    return _HOMES.valid_from <= day, or_(_HOMES.valid_to.is_(None), _HOMES.valid_to >= day)


def _holding(sight: Sight) -> tuple[ColumnElement[bool], ...]:
    day = sight.today.isoformat()
    begun = or_(_RELATIONS.valid_from.is_(None), _RELATIONS.valid_from <= day)
    return begun, or_(_RELATIONS.valid_to.is_(None), _RELATIONS.valid_to >= day)


def _lived_in(connection: Connection, ids: Sequence[str], sight: Sight) -> Select[str, str, str]:
    columns = tables.households.c
    homes = select(_HOMES.household_id).where(among(_HOMES.household_id, ids, connection), *current_homes(sight))
    return select(columns.commune_code, columns.household_id, columns.premises_id).where(
        among(columns.household_id, ids, connection), columns.ended_at.is_(None), columns.household_id.in_(homes)
    )


def _people_at(connection: Connection, ids: Sequence[str], sight: Sight) -> dict[str, int]:
    """Return how many are registered or staying at each premises today."""
    if not ids:
        return {}
    people = union(
        select(_HOMES.premises_id, _HOMES.person_id).where(among(_HOMES.premises_id, ids, connection), *current_homes(sight)),
        select(_STAYS.premises_id, _STAYS.person_id).where(
            among(_STAYS.premises_id, ids, connection), _STAYS.status == "open", _STAYS.start_at <= sight.now
        ),
    ).subquery()
    counted = select(people.c.premises_id, func.count()).group_by(people.c.premises_id)
    return {row[0]: row[1] for row in connection.execute(counted)}
