"""Premises that were recorded in a unit because somebody decided a question about it, when that decision is taken back or made anew.

- Nothing is moved: they stay where they were put, and cleaning looks at each anew (``premises_origins.changed_at``).
- One that stands where no decision of today puts it is a follow-up (rule ``ward_decision_withdrawn``), for a person to decide; a decision that puts it
  where it is ends that. So one recorded while the decision was being taken back is found as well.

Example: ``look_anew(connection, question_id, now=now)`` returns ``[Placed("90003", "s-1")]``
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select, update

from registry.tables_places import premises_origins

_ORIGINS: Final = premises_origins.c


class Placed(NamedTuple):
    """One premises, and the commune it was recorded in."""

    commune_code: str
    premises_id: str


def look_anew(connection: Connection, question_id: str, *, now: datetime) -> list[Placed]:
    """Let cleaning look at whatever a question's decisions have placed; returns it, by commune and id."""
    placed = _ORIGINS.question_id == question_id
    query = select(_ORIGINS.commune_code, _ORIGINS.premises_id).where(placed)
    rows = connection.execute(query.order_by(_ORIGINS.commune_code, _ORIGINS.premises_id)).all()
    if rows:
        connection.execute(update(premises_origins).where(placed).values(changed_at=now))
    return [Placed(row.commune_code, row.premises_id) for row in rows]


def count_placed(connection: Connection, question_id: str, commune_code: str) -> int:
    """Return how many premises of a commune were recorded there by a decision of this question."""
    asked = select(func.count()).where(_ORIGINS.question_id == question_id, _ORIGINS.commune_code == commune_code)
    return int(connection.scalar(asked) or 0)
