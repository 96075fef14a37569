"""Dead letters taken in hand by an operator: tried again or dismissed, one or all of a code, with who did it on the record.

- Only a genuine letter is tried again; of others nobody knows who would be answered.
- A letter answered ``received`` is a declaration we said we have: its kiosk keeps it no longer. It is never dismissed in a heap, only
  by itself. A dismissal needs a reason.
- The state changes only from one that allows it, and each change leaves a row in ``letter_events`` in the same transaction. Without an
  account it was done on the gateway's own command line.

Example: ``retry(connection, Chosen(code="message.schema_unknown", communes=("demo-01",)), now=now, random_bytes=random_bytes, by=account_id)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from residence.clock import uuid7
from residence.errors import Refused
from residence.wire.receipts import read_unverified

PAGE: Final = 500
AT_ONCE: Final = 5_000  # letters one press of a button moves
_TABLE: Final = tables.quarantine


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are meant; what is None does not choose. ``at_most`` None: all of them."""

    ids: tuple[str, ...] | None = None
    code: str | None = None
    communes: tuple[str, ...] | None = None
    at_most: int | None = AT_ONCE


def retry(
    connection: Connection, chosen: Chosen, *, now: datetime, random_bytes: Callable[[int], bytes], by: str | None = None
) -> int:
    """Mark genuine letters for the gateway to try again; return how many."""
    found = _found(connection, chosen, ("new",))
    ids = [each.quarantine_id for each in found if each.receipt_bytes is not None]
    return _change(connection, ids, ("new", "retry"), now=now, random_bytes=random_bytes, by=by)


def dismiss(
    connection: Connection,
    chosen: Chosen,
    *,
    reason: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    by: str | None = None,
) -> int:
    """Put letters away for good; return how many. ``Refused("letter.reason_missing")`` without a reason."""
    if not reason.strip():
        raise Refused("letter.reason_missing", "/reason")
    in_a_heap = chosen.ids is None
    found = _found(connection, chosen, ("new", "retry"))
    changed = 0
    for state in ("new", "retry"):
        ids = [each.quarantine_id for each in found if each.state == state and not (in_a_heap and _owed(each))]
        step = (state, "dismissed")
        changed += _change(connection, ids, step, now=now, random_bytes=random_bytes, by=by, reason=reason.strip())
    return changed


def _found(connection: Connection, chosen: Chosen, states: Sequence[str]) -> Sequence[Row[Any, Any, Any]]:
    columns = _TABLE.c
    query = select(columns.quarantine_id, columns.state, columns.receipt_bytes).where(columns.state.in_(states))
    if chosen.ids is not None:
        query = query.where(columns.quarantine_id.in_(chosen.ids))
    if chosen.code is not None:
        query = query.where(columns.code == chosen.code)
    if chosen.communes is not None:
        query = query.where(columns.commune_code.in_(chosen.communes))
    return connection.execute(query.order_by(columns.received_at).limit(chosen.at_most)).all()


def _owed(letter: Row[Any, Any, Any]) -> bool:
    return letter.receipt_bytes is not None and read_unverified(letter.receipt_bytes).state == "received"


def _change(
    connection: Connection,
    ids: Sequence[str],
    step: tuple[str, str],
    *,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    by: str | None,
    reason: str | None = None,
) -> int:
    columns, (before, after) = _TABLE.c, step
    changed = 0
    for start in range(0, len(ids), PAGE):
        same = (columns.quarantine_id.in_(ids[start : start + PAGE]), columns.state == before)
        query = (
            update(_TABLE).where(*same).values(state=after, changed_at=now).returning(columns.commune_code, columns.quarantine_id)
        )
        events = [
            {
                "commune_code": row.commune_code,
                "event_id": str(uuid7(now, random_bytes(10))),
                "quarantine_id": row.quarantine_id,
                "action": after,
                "account_id": by,
                "reason": reason,
                "at": now,
            }
            for row in connection.execute(query).all()
        ]
        if events:
            connection.execute(insert(tables.letter_events), events)
        changed += len(events)
    return changed
