"""Who is registered for a time at a premises, and how each registration stands: what a landlord looks after.

- Those that hold, end soon or ended within ``RECENT``; with the move-out that ended one, so that it can be taken back.
- Ids and days only; names are released separately, for a purpose and on the record (``registry/release.py``).

Example: ``lodgers_at(connection, Place("demo-01", "rnt-001"), today=today, rules=rules)``
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, or_, select

from registry import tables
from registry.asking import among
from registry.desk_lists import MOST, Place
from residence.stays.rules import TemporaryRules
from residence.stays.temporary import Home, Standing, standing

RECENT: Final = timedelta(days=60)


class Lodger(msgspec.Struct, frozen=True, kw_only=True):
    """One temporary residence. ``moved_out``: the event that ended it, unless it was taken back."""

    residence_id: str
    person_id: str
    unit: str | None
    first: str
    last: str | None
    standing: Standing
    moved_out: str | None = None


def lodgers_at(connection: Connection, place: Place, *, today: date, rules: TemporaryRules) -> list[Lodger]:
    """Return the temporary residences at a premises, by unit and last day."""
    columns = tables.residences.c
    query = select(tables.residences).where(
        columns.premises_id == place.premises_id,
        columns.commune_code == place.commune_code,
        columns.kind == "temporary",
        or_(columns.valid_to.is_(None), columns.valid_to >= (today - RECENT).isoformat()),
    )
    rows = connection.execute(query.order_by(columns.unit, columns.valid_to, columns.residence_id).limit(MOST)).all()
    ended = move_outs_of(connection, [row.residence_id for row in rows])
    return [
        Lodger(
            residence_id=row.residence_id,
            person_id=row.person_id,
            unit=row.unit,
            first=row.valid_from,
            last=row.valid_to,
            standing=standing(
                Home(
                    kind="temporary",
                    premises_id=row.premises_id,
                    commune_code=row.commune_code,
                    first=date.fromisoformat(row.valid_from),
                    last=date.fromisoformat(row.valid_to) if row.valid_to else None,
                ),
                today=today,
                rules=rules,
            ),
            moved_out=ended.get(row.residence_id),
        )
        for row in rows
    ]


def move_outs_of(connection: Connection, residence_ids: list[str]) -> dict[str, str]:
    """Return the move-out that stands, by residence."""
    if not residence_ids:
        return {}
    columns = tables.residence_events.c
    query = select(columns.event_id, columns.residence_id, columns.event, columns.answers).where(
        among(columns.residence_id, sorted(residence_ids), connection), columns.event.in_(["moved_out", "taken_back"])
    )
    rows = connection.execute(query.order_by(columns.recorded_at, columns.event_id)).all()
    taken_back = {row.answers for row in rows}
    return {row.residence_id: row.event_id for row in rows if row.event == "moved_out" and row.event_id not in taken_back}
