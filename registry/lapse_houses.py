"""Premises where more people sleep than there are places for, somebody undeclared among them.

- Counted are registered people who are not declared absent, people staying, and people a notice of the last day and a half says are
  undeclared there; whoever is registered and stays counts once.
- A house without a recorded capacity is never full, and one without an undeclared person is a matter of the register alone (``registry/cleaning``).
- Only premises with such a notice are counted at all.

Example: two beds, a lodger, a guest and somebody undeclared: ``{"capacity": 2, "declared": 2, "undeclared": 1, "absent": 0}``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, exists, func, or_, select, union

from registry import tables
from registry.asking import among
from registry.lapse_candidates import HERE, Window, absent, absent_today, lives_today
from residence.cases.lapses import Candidate
from residence.cases.notices import NoticeKind

UNDECLARED_FOR: Final = timedelta(hours=36)
residences, stays = tables.residences.c, tables.stays.c


def full_houses(connection: Connection, window: Window, *, after: str, limit: int) -> list[Candidate]:
    """Return premises with a capacity and undeclared people, and whether there is room for all."""
    premises, notices, absences = tables.premises.c, tables.notices.c, tables.absences.c
    told = and_(
        notices.commune_code == premises.commune_code,
        notices.premises_id == premises.premises_id,
        notices.kind == NoticeKind.PLEASE_DECLARE.value,
        notices.answered_at.is_(None),
        notices.created_at >= window.now - UNDECLARED_FOR,
    )
    living = and_(residences.premises_id == premises.premises_id, lives_today(window))
    sleeping = union(
        select(residences.person_id).where(living, ~absent(window, residences.person_id)).correlate(tables.premises),
        select(stays.person_id)
        .where(stays.premises_id == premises.premises_id, stays.commune_code == premises.commune_code, stays.status.in_(HERE))
        .where(stays.start_at <= window.now, or_(stays.planned_end.is_(None), stays.planned_end > window.now))
        .correlate(tables.premises),
    ).alias("sleeping")
    away = and_(living, absences.person_id == residences.person_id, *absent_today(window))
    query = select(
        premises.premises_id.label("row_id"),
        premises.premises_id,
        premises.commune_code,
        premises.capacity,
        select(func.count()).select_from(sleeping).scalar_subquery().label("declared"),
        select(func.count(residences.person_id.distinct()))
        .where(away)
        .correlate(tables.premises)
        .scalar_subquery()
        .label("away"),
        select(func.count(notices.who.distinct())).where(told).correlate(tables.premises).scalar_subquery().label("undeclared"),
    ).where(premises.capacity.is_not(None), exists().where(told), premises.premises_id > after)
    if window.ids is not None:
        query = query.where(among(premises.premises_id, list(window.ids), connection))
    return [_house(row, window.now) for row in connection.execute(query.order_by(premises.premises_id).limit(limit))]


def _house(row: Any, now: datetime) -> Candidate:
    counts = {"capacity": row.capacity, "declared": row.declared, "undeclared": row.undeclared, "absent": row.away}
    fits = row.declared + row.undeclared <= row.capacity
    return Candidate(
        rule="over_capacity",
        row_id=row.row_id,
        premises_id=row.premises_id,
        commune_code=row.commune_code,
        unit=None,
        person_id=None,
        ended=now,
        at_once=True,
        excuses=frozenset({"room_left"} if fits else ()),
        data=counts,
    )
