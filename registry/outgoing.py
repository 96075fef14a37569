"""Rows of something that goes to another authority and is answered: which is next, who has it, how an attempt ended.

- An attempt is claimed and committed before it is made, and settles only itself; whose claim ran out ended in a way nobody knows.
- A table has ``state``, ``attempts``, ``failures``, ``next_at``, ``claimed_until``, ``changed_at`` beside its id and commune.
- KBTT's rows have a life of their own (``registry/authority_records.py``): they are planned anew from their stay each time.

Example: ``row = take_next(connection, tables.portal_records, ("due", "silent"), now=now)``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, and_, or_, select, update

from registry.locking import id_column

CANDIDATES: Final = 8


def take_next(connection: Connection, table: Table, waiting: Sequence[str], *, now: datetime) -> Row[Any] | None:
    """Return the row that has waited longest and is due, locked until the transaction ends. ``waiting``: states in which a row waits."""
    columns, own_id = table.c, id_column(table)
    due = and_(columns.state.in_(waiting), columns.next_at <= now)
    abandoned = and_(columns.state == "sending", columns.claimed_until <= now)
    query = select(table).where(or_(due, abandoned))
    for row in connection.execute(query.order_by(columns.next_at, own_id).limit(CANDIDATES)).all():
        locked = connection.execute(query.where(*_same(table, row)).with_for_update(skip_locked=True)).first()
        if locked is not None:
            return locked
    return None


def claim(connection: Connection, table: Table, row: Row[Any], *, now: datetime, until: datetime) -> int:
    """Claim a taken row for one attempt; returns the attempt's number."""
    attempt: int = row.attempts + 1
    values = {"state": "sending", "attempts": attempt, "claimed_until": until, "changed_at": now}
    connection.execute(update(table).where(*_same(table, row)).values(values))
    return attempt


def settle(connection: Connection, table: Table, row: Row[Any], *, attempt: int | None, now: datetime, **values: Any) -> bool:
    """Write how an attempt ended (None: what ``take_next`` gave, without one); False when it is no longer this attempt's."""
    same = _same(table, row)
    if attempt is not None:
        same = (*same, table.c.attempts == attempt, table.c.state == "sending")
    given = {"claimed_until": None, "changed_at": now, **values}
    return connection.execute(update(table).where(*same).values(given)).rowcount > 0


def _same(table: Table, row: Row[Any]) -> tuple[Any, ...]:
    own_id = id_column(table)
    return table.c.commune_code == row.commune_code, own_id == getattr(row, own_id.name)  # a lock names its commune
