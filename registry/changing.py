"""How a row of the register is corrected: the row says what holds now, ``changes`` what it said before, since when, and why.

- One way for every correction of a residence, a number, a relation: nothing is overwritten without trace.
- Only columns in the clear; a person's sealed fields have their own history (``person_versions``).
- A change that changes nothing leaves no row.

Example: ``change_row(connection, tables.residences, residence_id, {"valid_to": "2026-07-10"}, cause=cause, now=now, random_bytes=...)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Table, insert, update

from registry import tables
from registry.columns import NUL
from registry.locking import id_column, locked_row
from residence.clock import rfc3339, uuid7
from residence.errors import Refused

CauseKind = Literal["declaration", "import", "account"]
LONGEST_REASON: Final = 500


def is_keepable(words: str) -> bool:
    """Tell whether somebody's words about a change fit: not longer than a reason may be, and no NUL, which PostgreSQL keeps nowhere."""
    return len(words) <= LONGEST_REASON and NUL not in words


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What made a change: the statement, the import or the account, and why in words that name nobody."""

    kind: CauseKind
    cause_id: str
    reason: str | None = None


def change_row(
    connection: Connection,
    table: Table,
    row_id: str,
    values: Mapping[str, Any],
    *,
    cause: Cause,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> bool:
    """Change a row of a person and keep what it said before; tells whether anything changed. ``Refused("registry.row_unknown")``."""
    own_id = id_column(table)
    row = locked_row(connection, table, row_id)
    if row is None:
        raise Refused("registry.row_unknown", "", table.name)
    before = {name: getattr(row, name) for name, value in values.items() if getattr(row, name) != value}
    if not before:
        return False
    same = (own_id == row_id) & (table.c.commune_code == row.commune_code)
    connection.execute(update(table).where(same).values({name: values[name] for name in before}))
    told = {
        "commune_code": row.commune_code,
        "change_id": str(uuid7(now, random_bytes(10))),
        "person_id": row.person_id or row.subject_id,  # an owner who is only a name is nobody's person
        "what": table.name,
        "row_id": row_id,
        "before": _plain(before),
        "after": _plain({name: values[name] for name in before}),
        "cause": cause.kind,
        "cause_id": cause.cause_id,
        "reason": cause.reason,
        "recorded_at": now,
    }
    connection.execute(insert(tables.changes), [told])
    return True


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rfc3339(each) if isinstance(each, datetime) else each for name, each in values.items()}
