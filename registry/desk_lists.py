"""What a front desk and an officer list of stays: places, times, rules, states; never a name.

- Names are released separately, for a purpose and on the record (``registry/release.py``); nothing here opens a seal.
- Every list is bounded and ordered, and asks for one premises of one commune: the index it needs is (commune, premises, ...).
- A stay declared ahead is listed (``StayOnList.is_expected``) and never counted as staying.
- Tonight is what stands now, what arrived since ``since``, and what was refused or set in conflict since then and not settled. Whether a
  refused arrival was said anew, under another id, is for ``registry/said_anew.py``.

Example: ``list_stays(connection, Place("demo-01", "htl-sao-mai"), since=now - timedelta(hours=36))``
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, desc, func, or_, select

from registry import tables
from registry.stays import StayOnList

OPEN: Final = ("open", "disputed")  # residence.stays.known.StayStatus
MOST: Final = 500
_STAY_COLUMNS: Final = [tables.stays.c[name] for name in StayOnList.__struct_fields__]


class Place(NamedTuple):
    """One premises of one commune."""

    commune_code: str
    premises_id: str


class UnsettledDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration the registry refused or found in conflict: somebody should look at it before the deadline.

    Only an arrival may leave somebody undeclared; a departure or correction that was refused is work, and no person.
    """

    declaration_id: str
    person_id: str | None
    unit: str | None
    state: str
    kind: str
    about: str | None
    arrival_at: datetime | None
    due: datetime | None
    recorded_at: datetime

    @property
    def is_about_somebody_undeclared(self) -> bool:
        """Tell whether a person may be undeclared because of it."""
        return self.kind == "arrival"


def list_stays(connection: Connection, place: Place, *, since: datetime, limit: int = MOST) -> list[StayOnList]:
    """Return stays standing now or declared ahead, and those begun and ended since ``since``, youngest arrival first."""
    columns = tables.stays.c
    query = (
        select(*_STAY_COLUMNS)
        .where(
            columns.commune_code == place.commune_code,
            columns.premises_id == place.premises_id,
            or_(columns.status.in_(OPEN), and_(columns.status == "ended", columns.start_at >= since)),
        )
        .order_by(desc(columns.start_at), columns.stay_id)
        .limit(limit)
    )
    return [
        StayOnList(**{**row._mapping, "declaration_ids": tuple(row.declaration_ids)})  # noqa: SLF001  # SQLAlchemy's public name
        for row in connection.execute(query)
    ]


def standing_stays(connection: Connection, place: Place, *, after: tuple[datetime, str] | None, limit: int) -> list[StayOnList]:
    """Return stays standing now or declared ahead, oldest arrival first, those beyond ``after`` (arrival, stay id): a page."""
    columns = tables.stays.c
    wanted = [
        columns.commune_code == place.commune_code,
        columns.premises_id == place.premises_id,
        columns.status.in_(OPEN),
    ]
    if after is not None:
        at, own_id = after
        wanted += [columns.start_at >= at, or_(columns.start_at > at, and_(columns.start_at == at, columns.stay_id > own_id))]
    query = select(*_STAY_COLUMNS).where(*wanted).order_by(columns.start_at, columns.stay_id).limit(limit)
    return [
        StayOnList(**{**row._mapping, "declaration_ids": tuple(row.declaration_ids)})  # noqa: SLF001  # SQLAlchemy's public name
        for row in connection.execute(query)
    ]


def list_unsettled(connection: Connection, place: Place, *, since: datetime, limit: int = MOST) -> list[UnsettledDeclaration]:
    """Return what was refused or set in conflict since ``since``, unless an accepted statement has settled it.

    That is one about it, or, for what is itself about another, a later one about the same.
    """
    columns, later = tables.declarations.c, tables.declarations.alias("later")
    accepted = select(later.c.declaration_id).where(later.c.commune_code == columns.commune_code, later.c.state == "accepted")
    about_it = accepted.where(later.c.about == columns.declaration_id)
    about_the_same = accepted.where(
        later.c.about == columns.about,
        later.c.declaration_id != columns.declaration_id,
        later.c.recorded_at >= columns.recorded_at,
    )
    query = (
        select(*(columns[name] for name in UnsettledDeclaration.__struct_fields__))
        .where(
            columns.commune_code == place.commune_code,
            columns.premises_id == place.premises_id,
            columns.state.in_(("refused", "conflicting")),
            columns.recorded_at >= since,
            ~about_it.exists(),  # two questions: of one with OR PostgreSQL goes through every correction there is
            ~about_the_same.exists(),
        )
        .order_by(columns.due, columns.declaration_id)
        .limit(limit)
    )
    return [UnsettledDeclaration(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001  # SQLAlchemy's public name


def count_stays(connection: Connection, commune_code: str, *, now: datetime) -> dict[str, int]:
    """Return how many stays have begun and stand at each premises of a commune."""
    columns, places = tables.stays.c, tables.premises.c
    own = select(places.premises_id).where(places.commune_code == commune_code)  # the index begins with the premises
    standing = (columns.commune_code == commune_code, columns.premises_id.in_(own), columns.status.in_(OPEN))
    query = select(columns.premises_id, func.count()).where(*standing, columns.start_at <= now).group_by(columns.premises_id)
    return {premises_id: count for premises_id, count in connection.execute(query)}  # noqa: C416  # rows are not pairs to mypy
