"""What a front desk and an officer list of stays: places, times, rules, states; never a name.

- Names are released separately, for a purpose and on the record (``registry/release.py``); nothing here opens a seal.
- Every list is bounded and ordered, and asks for one premises of one commune: the index it needs is (commune, premises, ...).
- Tonight is what stands now, what arrived since ``since``, and what was refused or set in conflict since then.

Example: ``list_stays(connection, Place("demo-01", "htl-sao-mai"), since=now - timedelta(hours=36))``
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, and_, desc, func, or_, select

from registry import tables

OPEN: Final = ("open", "disputed")
MOST: Final = 500


class Place(NamedTuple):
    """One premises of one commune."""

    commune_code: str
    premises_id: str


class ListedStay(msgspec.Struct, frozen=True, kw_only=True):
    """One stay as a list shows it. ``declaration_ids`` are in the order they were recorded."""

    stay_id: str
    person_id: str
    commune_code: str
    premises_id: str
    unit: str | None
    status: str
    start_at: datetime
    planned_end: datetime | None
    ended_at: datetime | None
    due: datetime | None
    on_time: bool | None
    rule: str | None
    rule_set: str | None
    evidence_level: int
    findings: tuple[dict[str, Any], ...]
    declaration_ids: tuple[str, ...]


class UnsettledDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration the registry refused or found in conflict: somebody should look at it before the deadline."""

    declaration_id: str
    person_id: str | None
    stay_id: str | None
    unit: str | None
    state: str
    kind: str
    arrival_at: datetime | None
    due: datetime | None
    findings: tuple[dict[str, Any], ...]


class UncoveredSighting(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody seen at a door whom no stay covers; the pseudonym stays in the registry."""

    presence_id: str
    unit: str | None
    kind: str
    seen_at: datetime


def list_stays(connection: Connection, place: Place, *, since: datetime, limit: int = MOST) -> list[ListedStay]:
    """Return stays standing now or begun since ``since``, youngest arrival first."""
    columns = tables.stays.c
    query = (
        select(tables.stays)
        .where(
            columns.commune_code == place.commune_code,
            columns.premises_id == place.premises_id,
            columns.status != "withdrawn",
            or_(columns.status.in_(OPEN), columns.start_at >= since),
        )
        .order_by(desc(columns.start_at), columns.stay_id)
        .limit(limit)
    )
    return [_stay(row) for row in connection.execute(query)]


def find_stay(connection: Connection, commune_code: str, stay_id: str) -> ListedStay | None:
    """Return one stay of a commune."""
    columns = tables.stays.c
    row = connection.execute(select(tables.stays).where(columns.commune_code == commune_code, columns.stay_id == stay_id)).first()
    return _stay(row) if row else None


def _stay(row: Row[Any]) -> ListedStay:
    values = {name: getattr(row, name) for name in ListedStay.__struct_fields__}
    return ListedStay(**values | {"findings": tuple(row.findings or ()), "declaration_ids": tuple(row.declaration_ids or ())})


def list_unsettled(connection: Connection, place: Place, *, since: datetime, limit: int = MOST) -> list[UnsettledDeclaration]:
    """Return what was refused or set in conflict since ``since`` and has not been said again (``about``) since."""
    columns, later = tables.declarations.c, tables.declarations.alias("later")
    said_again = select(later.c.declaration_id).where(
        later.c.commune_code == columns.commune_code, later.c.about == columns.declaration_id
    )
    query = (
        select(tables.declarations)
        .where(
            columns.commune_code == place.commune_code,
            columns.premises_id == place.premises_id,
            columns.state.in_(("refused", "conflicting")),
            columns.recorded_at >= since,
            ~said_again.exists(),
        )
        .order_by(columns.due, columns.declaration_id)
        .limit(limit)
    )
    names = UnsettledDeclaration.__struct_fields__
    return [
        UnsettledDeclaration(**{name: getattr(row, name) for name in names} | {"findings": tuple(row.findings or ())})
        for row in connection.execute(query)
    ]


def list_sightings(connection: Connection, place: Place, *, since: datetime, limit: int = MOST) -> list[UncoveredSighting]:
    """Return the last sighting of each uncovered person at a premises; covered presences leave no row at all."""
    columns = tables.presences.c
    newest = func.row_number().over(partition_by=columns.pseudonym_index, order_by=desc(columns.seen_at)).label("newest")
    inner = (
        select(columns.presence_id, columns.unit, columns.kind, columns.seen_at, newest)
        .where(
            columns.commune_code == place.commune_code,
            columns.premises_id == place.premises_id,
            columns.seen_at >= since,
        )
        .subquery()
    )
    query = select(inner).where(inner.c.newest == 1).order_by(inner.c.seen_at).limit(limit)
    names = UncoveredSighting.__struct_fields__
    return [UncoveredSighting(**{name: getattr(row, name) for name in names}) for row in connection.execute(query)]


def count_stays(connection: Connection, commune_code: str) -> dict[str, int]:
    """Return how many stays stand now at each premises of a commune."""
    columns = tables.stays.c
    query = (
        select(columns.premises_id, func.count())
        .where(and_(columns.commune_code == commune_code, columns.status.in_(OPEN)))
        .group_by(columns.premises_id)
    )
    return {premises_id: count for premises_id, count in connection.execute(query)}  # noqa: C416  # rows are not pairs to mypy
