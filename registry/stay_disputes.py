"""Stays somebody says are wrong: not them at all, or another room; the stay goes on standing, and every list of stays says so at once.

- A dispute with ``stay_id`` (``registry/disputing.py`` settles it as any other). ``field`` is the fault: ``stay`` (not me), ``unit`` (wrong room).
- Since when it stands is written into the stay's own row (``objected_at``): lists, pages, the API and what other authorities are told read that
  row, so none of them can miss it; statements about the stay do not change it.
- Only the person's own stay, and only one that was not withdrawn. Said twice it is said once: ``Conflict("dispute.standing")``.
- A reason may be left out: two taps are enough.

Example: ``raise_stay_dispute(connection, own, "stay", by="acc-1", reason="", now=now, random_bytes=...)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, Literal, get_args

from sqlalchemy import Connection, insert, select

from registry import tables
from registry.asking import among
from registry.authority_records import wake_stays_of
from registry.changing import is_keepable
from registry.disputing import mark_stay
from registry.locking import locked_row
from registry.stays import StayOnList
from residence.clock import uuid7
from residence.errors import Conflict, Refused

StayFault = Literal["stay", "unit"]
FAULTS: Final[tuple[StayFault, ...]] = get_args(StayFault)
CAN_BE_WRONG: Final = frozenset({"open", "ended", "disputed"})
_DISPUTES: Final = tables.disputes.c


def raise_stay_dispute(
    connection: Connection,
    own: StayOnList,
    fault: StayFault,
    *,
    by: str,
    reason: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Put a stay of the person's own under dispute; returns the dispute's id."""
    if not is_keepable(reason):
        raise Refused("dispute.reason", "/reason")
    if own.status not in CAN_BE_WRONG or locked_row(connection, tables.stays, own.stay_id) is None:
        raise Refused("server.not_allowed")
    if fault in standing_faults(connection, [own.stay_id]).get(own.stay_id, frozenset()):
        raise Conflict("dispute.standing", "/field")
    dispute_id = str(uuid7(now, random_bytes(10)))
    row = {
        "commune_code": own.commune_code,
        "dispute_id": dispute_id,
        "person_id": own.person_id,
        "field": fault,
        "reason": reason.strip(),
        "raised_by": by,
        "raised_at": now,
        "stay_id": own.stay_id,
    }
    connection.execute(insert(tables.disputes), [row])
    mark_stay(connection, own.stay_id)
    wake_stays_of(connection, own.person_id, now=now)
    return dispute_id


def standing_faults(connection: Connection, stay_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return what is said to be wrong of each of these stays of which anything is."""
    wanted = sorted(set(stay_ids))
    if not wanted:
        return {}
    query = select(_DISPUTES.stay_id, _DISPUTES.field).where(
        among(_DISPUTES.stay_id, wanted, connection), _DISPUTES.settled_at.is_(None)
    )
    found: dict[str, frozenset[str]] = {}
    for stay_id, field in connection.execute(query):
        found[stay_id] = found.get(stay_id, frozenset()) | {field}
    return found
