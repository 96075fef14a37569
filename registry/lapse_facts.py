"""What the register knows of some people today that may explain a lapse: deaths, absences, homes, stays, permitted stays.

- A fact counts wherever it stands: who moved to another commune is explained by what is written there. Hence each is asked for by the people's ids
  alone, in a statement of its own; joined to a page of one commune's rows Citus would refuse it, and a copy of the register in each commune would be wrong.
- Five statements a page, whatever its length; nothing is opened.

Example: ``load_facts(connection, ["person-1"], now=now, stays_since=now).absent``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from registry import tables
from registry.asking import among
from residence.cases.lapses import Excuse
from residence.clock import VIETNAM

HERE: Final = ("open", "disputed")
_PERSONS, _ABSENCES, _PERMITS = tables.persons.c, tables.absences.c, tables.permitted_stays.c
residences, stays = tables.residences.c, tables.stays.c
Rows = Mapping[str, Sequence[Row[Any]]]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """By person: who is dead or away, and the rows of residences that hold today, of stays, of permitted stays."""

    dead: frozenset[str]
    absent: frozenset[str]
    homes: Rows
    stays: Rows  # those that stand, and those that ended and began since what was asked for
    permits: Rows

    def of_person(self, person_id: str) -> set[Excuse]:
        """Return what excuses a person wherever they are."""
        held: dict[Excuse, bool] = {"deceased": person_id in self.dead, "absent": person_id in self.absent}
        return {excuse for excuse, holds in held.items() if holds}

    def standing(self, person_id: str) -> list[Row[Any]]:
        """Return the stays nobody has ended."""
        return [each for each in self.stays.get(person_id, ()) if each.status in HERE]


def load_facts(connection: Connection, person_ids: Iterable[str], *, now: datetime, stays_since: datetime) -> Facts:
    """Ask for everything about these people, as of ``now``; of ended stays those that began after ``stays_since``."""
    ids = sorted(set(person_ids))
    if not ids:
        return Facts(dead=frozenset(), absent=frozenset(), homes={}, stays={}, permits={})
    today = day_of(now)
    dead = select(_PERSONS.person_id).where(among(_PERSONS.person_id, ids, connection), _PERSONS.status != "living")
    away = select(_ABSENCES.person_id).where(among(_ABSENCES.person_id, ids, connection), holds(_ABSENCES, today))
    homes = select(tables.residences).where(among(residences.person_id, ids, connection), holds(residences, today))
    counted = or_(stays.status.in_(HERE), and_(stays.status == "ended", stays.start_at > stays_since))
    staying = select(tables.stays).where(among(stays.person_id, ids, connection), counted)
    permits = select(tables.permitted_stays).where(among(_PERMITS.person_id, ids, connection))
    return Facts(
        dead=frozenset(connection.scalars(dead)),
        absent=frozenset(connection.scalars(away)),
        homes=_by_person(connection.execute(homes.order_by(residences.residence_id)).all()),
        stays=_by_person(connection.execute(staying.order_by(stays.start_at.desc(), stays.stay_id)).all()),
        permits=_by_person(connection.execute(permits).all()),
    )


def holds(columns: Any, day: str) -> ColumnElement[bool]:
    """Return that a row with days, the last of them perhaps open, holds on a day."""
    return and_(columns.valid_from <= day, or_(columns.valid_to.is_(None), columns.valid_to >= day))


def stays_now(stay: Row[Any], now: datetime) -> bool:
    """Tell whether a stay that stands has begun and has not reached its stated end."""
    return stay.start_at <= now and (stay.planned_end is None or stay.planned_end > now)


def day_of(at: datetime) -> str:
    """Return the day it is in Vietnam, YYYY-MM-DD."""
    return at.astimezone(VIETNAM).date().isoformat()


def _by_person(rows: Iterable[Row[Any]]) -> Rows:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.person_id].append(row)
    return found
