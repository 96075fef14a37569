"""Breaking the glass: an officer opens one case of another commune, for a reason, for hours, and the person is told.

- It opens one case by its number and nothing else; there is nothing to search in.
- It ends by itself. Opening the same case again while it is open is the same opening; afterwards it is another, with its own reason.
- Looks made by it are bound to it (``about`` is its id), so the person reads why beside each.

Example: ``opening(connection, account_id, case_id, now=now)`` is None unless the glass is broken now
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from registry import tables
from residence.clock import uuid7
from residence.errors import Refused

LONGEST_REASON: Final = 500
SHORTEST_REASON: Final = 10
_COLUMNS = tables.glass_breaks.c


def break_glass(
    connection: Connection,
    case: Row[Any],
    *,
    by: str,
    reason: str,
    until: timedelta,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Open a case; returns the opening's id. ``Refused("glass.reason")`` for a reason that says nothing."""
    said = reason.strip()
    if not SHORTEST_REASON <= len(said) <= LONGEST_REASON:
        raise Refused("glass.reason", "/reason")
    found = opening(connection, by, case.case_id, now=now)
    if found is not None:
        return str(found.break_id)
    values = {
        "commune_code": case.commune_code,
        "break_id": str(uuid7(now, random_bytes(10))),
        "case_id": case.case_id,
        "account_id": by,
        "reason": said,
        "opened_at": now,
        "ends_at": now + until,
    }
    connection.execute(insert(tables.glass_breaks), [values])
    return str(values["break_id"])


def opening(connection: Connection, account_id: str, case_id: str, *, now: datetime) -> Row[Any] | None:
    """Return how an officer has a case open now, or None."""
    same = (_COLUMNS.account_id == account_id, _COLUMNS.case_id == case_id, _COLUMNS.ends_at > now)
    return connection.execute(select(tables.glass_breaks).where(*same).limit(1)).one_or_none()


def reasons_of(connection: Connection, break_ids: Iterable[str]) -> dict[str, str]:
    """Return why, by opening: what the person is told beside a look."""
    wanted = sorted(set(break_ids))
    if not wanted:
        return {}
    rows = connection.execute(select(_COLUMNS.break_id, _COLUMNS.reason).where(_COLUMNS.break_id.in_(wanted)))
    return {row.break_id: row.reason for row in rows}
