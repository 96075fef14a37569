"""Stays as they stand, and every state they had.

- ``stays`` holds the present state, written whole by recording; each write adds a row to ``stay_versions``, so nothing is overwritten
  without trace.
- Lists here carry ids, places, times, rules and evidence levels and no name; names come by ``registry/release.py``.
- A removed stay (its declarations stand elsewhere now) is kept with status ``removed`` and left out of lists.

Example: ``current_stays(connection, ["htl-sao-mai"], now=now)`` is tonight's list without names.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from registry import tables
from registry.tables_stays import OPEN
from residence.clock import rfc3339
from residence.stays.findings import derived_id
from residence.stays.known import KnownStay

REMOVED: Final = "removed"
_STANDING: Final = ("open", "disputed")
_DOUBTED: Final = ("open", "ended")
MOST_LISTED: Final = 500


class StayOnList(msgspec.Struct, frozen=True, kw_only=True):
    """One stay as a list shows it before anybody claims a purpose. Times aware, UTC."""

    stay_id: str
    commune_code: str
    person_id: str
    premises_id: str
    unit: str | None
    status: str
    start_at: datetime
    planned_end: datetime | None
    ended_at: datetime | None
    reason: str | None
    evidence_level: int
    due: datetime | None
    on_time: bool | None
    rule: str | None
    rule_set: str | None
    declaration_ids: tuple[str, ...]
    recorded_at: datetime
    objected_at: datetime | None = None  # since when the person says that it is wrong

    @property
    def began_with(self) -> str:
        """Return the arrival the stay is named after; not always its least id, since a sender's clock may be ahead of ours."""
        named = (each for each in self.declaration_ids if derived_id("stay", each) == self.stay_id)
        return next(named, min(self.declaration_ids))

    def is_expected(self, now: datetime) -> bool:
        """Tell whether the guest was declared ahead and is not in the house yet."""
        return self.status in _STANDING and self.start_at > now

    def shown(self, now: datetime) -> str:
        """Return the code word of its state: its status, ``disputed`` while the person says it is wrong, ``expected`` before it has begun."""
        if self.objected_at is not None and self.status in _DOUBTED:
            return "disputed"
        return "expected" if self.is_expected(now) else self.status


def known_stays(connection: Connection, person_ids: Iterable[str]) -> tuple[list[KnownStay], dict[str, str]]:
    """Return every stay of these people that was not removed, and premises id -> commune of each."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return [], {}
    columns = tables.stays.c
    rows = connection.execute(select(tables.stays).where(columns.person_id.in_(wanted), columns.status != REMOVED)).all()
    return [known_stay(row) for row in rows], {row.premises_id: row.commune_code for row in rows}


def known_stay(row: Row[Any]) -> KnownStay:
    """Return a row of ``stays`` as reconciliation knows it."""
    return KnownStay(
        stay_id=row.stay_id,
        person_id=row.person_id,
        premises_id=row.premises_id,
        unit=row.unit,
        start=rfc3339(row.start_at),
        planned_end=rfc3339(row.planned_end) if row.planned_end else None,
        ended_at=rfc3339(row.ended_at) if row.ended_at else None,
        status=row.status,
        declaration_ids=tuple(row.declaration_ids),
    )


def open_since(
    connection: Connection, commune_code: str, *, earliest: datetime, latest: datetime, after: str, limit: int
) -> list[KnownStay]:
    """Return a commune's open stays that began between two instants, by id, those beyond ``after``."""
    columns = tables.stays.c
    query = select(tables.stays).where(
        columns.commune_code == commune_code, OPEN, columns.start_at.between(earliest, latest), columns.stay_id > after
    )
    return [known_stay(row) for row in connection.execute(query.order_by(columns.stay_id).limit(limit))]


def current_stays(
    connection: Connection, premises_ids: Iterable[str], *, now: datetime, limit: int = MOST_LISTED
) -> list[StayOnList]:
    """Return stays that have begun and neither ended nor been withdrawn, at these premises, youngest first."""
    columns = tables.stays.c
    query = (
        select(tables.stays)
        .where(columns.premises_id.in_(sorted(set(premises_ids))), columns.status.in_(_STANDING), columns.start_at <= now)
        .order_by(columns.start_at.desc(), columns.stay_id)
        .limit(limit)
    )
    return [_listed(row) for row in connection.execute(query)]


def stays_at(connection: Connection, premises_id: str, *, limit: int = MOST_LISTED) -> list[StayOnList]:
    """Return all stays at one premises that stand or have ended, youngest first."""
    columns = tables.stays.c
    query = (
        select(tables.stays)
        .where(columns.premises_id == premises_id, columns.status != REMOVED)
        .order_by(columns.start_at.desc(), columns.stay_id)
        .limit(limit)
    )
    return [_listed(row) for row in connection.execute(query)]


def stays_of_person(connection: Connection, person_id: str, *, limit: int = MOST_LISTED) -> list[StayOnList]:
    """Return one person's stays, youngest first: what a resident sees of themselves."""
    columns = tables.stays.c
    query = select(tables.stays).where(columns.person_id == person_id, columns.status != REMOVED)
    return [_listed(row) for row in connection.execute(query.order_by(columns.start_at.desc(), columns.stay_id).limit(limit))]


def stay(connection: Connection, stay_id: str) -> StayOnList | None:
    """Return one stay by id, whatever its status."""
    row = connection.execute(select(tables.stays).where(tables.stays.c.stay_id == stay_id).limit(1)).first()
    return _listed(row) if row else None


def stay_changed_by(connection: Connection, premises_id: str, declaration_id: str) -> str | None:
    """Return the stay that a statement was the last to change."""
    columns = tables.stays.c
    here = (columns.premises_id == premises_id, columns.declaration_id == declaration_id, columns.status != REMOVED)
    return connection.scalar(select(columns.stay_id).where(*here).limit(1))


def history(connection: Connection, stay_id: str) -> list[Row[Any]]:
    """Return every state a stay had, oldest first and the present one last, each with the declaration that caused it."""
    columns = tables.stay_versions.c
    replaced = select(tables.stay_versions).where(columns.stay_id == stay_id).order_by(columns.recorded_at, columns.place)
    present = select(tables.stays).where(tables.stays.c.stay_id == stay_id)
    return [*connection.execute(replaced).all(), *connection.execute(present).all()]


def _listed(row: Row[Any]) -> StayOnList:
    values = {name: getattr(row, name) for name in StayOnList.__struct_fields__}
    return StayOnList(**{**values, "declaration_ids": tuple(row.declaration_ids)})
