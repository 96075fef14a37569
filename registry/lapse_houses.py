"""Premises where more people sleep than there are places for, somebody undeclared among them.

- Counted are registered people who are not declared absent, people staying, and people a notice of the last day and a half says are
  undeclared there; whoever is registered and stays counts once.
- A house without a recorded capacity is never full, and one without an undeclared person is a matter of the register alone (``registry/cleaning``).
- Only premises with such a notice are counted at all.

Example: two beds, a lodger, a guest and somebody undeclared: ``{"capacity": 2, "declared": 2, "undeclared": 1, "absent": 0}``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, or_, select

from registry import tables
from registry.asking import among
from registry.lapse_candidates import Paged, Window
from registry.lapse_facts import HERE, holds
from residence.cases.lapses import Candidate
from residence.cases.notices import NoticeKind

UNDECLARED_FOR: Final = timedelta(hours=36)
ByPremises = dict[str, set[str]]
residences, stays, notices = tables.residences.c, tables.stays.c, tables.notices.c
_PREMISES, _ABSENCES = tables.premises.c, tables.absences.c


def full_houses(connection: Connection, window: Window, *, after: str, limit: int) -> Paged:
    """Return premises with a capacity and undeclared people, and whether there is room for all."""
    told = select(notices.premises_id).where(*_told(window), notices.premises_id > after)
    if window.ids is not None:
        told = told.where(among(notices.premises_id, list(window.ids), connection))
    ids = list(connection.scalars(told.distinct().order_by(notices.premises_id).limit(limit)))
    counted = _counted(connection, window, ids) if ids else ()
    return Paged(candidates=tuple(counted), after=ids[-1] if len(ids) == limit else None)


def _told(window: Window) -> tuple[ColumnElement[bool], ...]:
    return (
        notices.commune_code == window.commune_code,
        notices.kind == NoticeKind.PLEASE_DECLARE.value,
        notices.answered_at.is_(None),
        notices.created_at >= window.now - UNDECLARED_FOR,
    )


def _counted(connection: Connection, window: Window, ids: Sequence[str]) -> list[Candidate]:
    of_commune = _PREMISES.commune_code == window.commune_code, among(_PREMISES.premises_id, ids, connection)
    places = connection.execute(
        select(_PREMISES.premises_id, _PREMISES.capacity)
        .where(*of_commune, _PREMISES.capacity.is_not(None))
        .order_by(_PREMISES.premises_id)
    ).all()
    if not places:
        return []
    asked = [each.premises_id for each in places]
    undeclared = _people(connection, notices.who, notices.premises_id, asked, *_told(window))
    living = _people(
        connection,
        residences.person_id,
        residences.premises_id,
        asked,
        residences.commune_code == window.commune_code,
        holds(residences, window.today),
    )
    staying = _staying(connection, window, asked)
    away = _away(connection, window, set().union(*living.values()))
    found = []
    for premises_id, capacity in places:
        home, gone = living[premises_id], living[premises_id] & away
        declared = (home - gone) | staying[premises_id]
        counts = {
            "capacity": capacity,
            "declared": len(declared),
            "undeclared": len(undeclared[premises_id]),
            "absent": len(gone),
        }
        found.append(_house(premises_id, window, counts))
    return found


def _people(connection: Connection, who: Any, where: Any, ids: Sequence[str], *conditions: ColumnElement[bool]) -> ByPremises:
    """Return premises -> people."""
    found: ByPremises = defaultdict(set)
    for premises_id, person in connection.execute(select(where, who).where(*conditions, among(where, ids, connection))):
        found[premises_id].add(person)
    return found


def _staying(connection: Connection, window: Window, ids: Sequence[str]) -> ByPremises:
    standing = (
        stays.commune_code == window.commune_code,
        stays.status.in_(HERE),
        stays.start_at <= window.now,
        or_(stays.planned_end.is_(None), stays.planned_end > window.now),
    )
    return _people(connection, stays.person_id, stays.premises_id, ids, *standing)


def _away(connection: Connection, window: Window, people: set[str]) -> set[str]:
    """Return who is declared absent today, whichever commune it was declared in."""
    if not people:
        return set()
    asked = among(_ABSENCES.person_id, sorted(people), connection)
    return set(connection.scalars(select(_ABSENCES.person_id).where(asked, holds(_ABSENCES, window.today))))


def _house(premises_id: str, window: Window, counts: dict[str, int]) -> Candidate:
    fits = counts["declared"] + counts["undeclared"] <= counts["capacity"]
    return Candidate(
        rule="over_capacity",
        row_id=premises_id,
        premises_id=premises_id,
        commune_code=window.commune_code,
        unit=None,
        person_id=None,
        ended=window.now,
        at_once=True,
        excuses=frozenset({"room_left"} if fits else ()),
        data=counts,
    )
