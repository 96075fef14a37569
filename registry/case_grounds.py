"""What steps of cases rest on, kept beside their events (``residence/cases/grounds.py``).

Example: ``grounds_of(connection, case_id)[event_id].value``
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from registry import tables
from residence.cases.grounds import Ground

_COLUMNS = tables.case_grounds.c


def note_ground(connection: Connection, of: tuple[str, str, str], ground: Ground) -> None:
    """Keep what a step rests on. ``of``: commune, case, event."""
    commune_code, case_id, event_id = of
    row = {"commune_code": commune_code, "case_id": case_id, "event_id": event_id, "kind": ground.kind, "value": ground.value}
    connection.execute(insert(tables.case_grounds), [row])


def grounds_of(connection: Connection, case_id: str) -> dict[str, Ground]:
    """Return event -> what it rests on, of one case."""
    rows = connection.execute(select(_COLUMNS.event_id, _COLUMNS.kind, _COLUMNS.value).where(_COLUMNS.case_id == case_id))
    return {row.event_id: Ground(kind=row.kind, value=row.value) for row in rows}
