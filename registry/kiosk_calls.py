"""Calls for a person from kiosks: heard from their signs of life, acknowledged once by an operator, kept as the retention policy says.

- A kiosk's sign of life names its open call or none. A new number is a new call; a kiosk that names another or none has closed the old one.
- A dead kiosk's last word (its will) closes nothing: whoever called may still stand there.
- An acknowledgement is one operator's, with the time; a second one is refused, so that two do not go.

Example: ``hear_calls(connection, [state], now=now); acknowledge_call(connection, call_id, commune_code="demo-01", by="acc-1", now=now)``
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from residence.errors import Conflict, Refused
from residence.wire.kiosk_answers import CallAnswer
from residence.wire.state import KioskState

KNOWN_FOR: Final = timedelta(days=30)  # no kiosk names a call for so long
MOST_LISTED: Final = 200
_CALLS: Final = tables.kiosk_calls
_NUMBER: Final = re.compile(r"[0-9a-f-]{36}")


class KioskCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call, as operators see it."""

    call_id: str
    kiosk_id: str
    premises_id: str
    heard_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None

    @property
    def waits(self) -> bool:
        """Tell whether somebody is waiting for an answer."""
        return self.closed_at is None


def hear_calls(connection: Connection, states: Iterable[KioskState], *, now: datetime) -> int:
    """Write down new calls and close those that are over; return how many are new."""
    said = {each.kiosk_id: each for each in states}
    if not said:
        return 0
    columns = _CALLS.c
    known: dict[str, set[str]] = {}
    recent = select(columns.kiosk_id, columns.call_id).where(
        columns.kiosk_id.in_(sorted(said)), columns.heard_at > now - KNOWN_FOR
    )
    for kiosk_id, call_id in connection.execute(recent):
        known.setdefault(kiosk_id, set()).add(call_id)
    over = [kiosk_id for kiosk_id in known if said[kiosk_id].online]
    for kiosk_id in over:
        which = (columns.kiosk_id == kiosk_id, columns.closed_at.is_(None), columns.call_id != said[kiosk_id].call)
        connection.execute(update(_CALLS).where(*which).values(closed_at=now))
    new = [each for each in said.values() if _NUMBER.fullmatch(each.call) and each.call not in known.get(each.kiosk_id, ())]
    rows = [row for each in new if (row := _row(connection, each, now)) is not None]
    if rows:
        connection.execute(insert(_CALLS), rows)
    return len(rows)


def acknowledge_call(connection: Connection, call_id: str, *, commune_code: str, by: str, now: datetime) -> None:
    """Say that an operator has seen it. ``Refused`` when there is no such call here, ``Conflict`` when another was faster."""
    columns = _CALLS.c
    which = (columns.call_id == call_id, columns.commune_code == commune_code)
    row = connection.execute(select(_CALLS).where(*which).with_for_update()).first()
    if row is None:
        raise Refused("kiosk.call_unknown")
    if row.acknowledged_at is not None:
        raise Conflict("kiosk.call_acknowledged")
    values = {"acknowledged_at": now, "acknowledged_by": by, "closed_at": row.closed_at or now}
    connection.execute(update(_CALLS).where(*which).values(**values))


def calls_of(connection: Connection, commune_code: str, *, since: datetime, limit: int = MOST_LISTED) -> list[KioskCall]:
    """Return a commune's calls: those that wait first, the longest waiting at the top, then the newest."""
    columns = _CALLS.c
    query = select(_CALLS).where(columns.commune_code == commune_code, columns.heard_at > since)
    found = [_listed(row) for row in connection.execute(query.order_by(columns.heard_at.desc()).limit(limit))]
    return [*(each for each in reversed(found) if each.waits), *(each for each in found if not each.waits)]


def waiting_calls(connection: Connection, commune_code: str, *, since: datetime) -> int:
    """Count the calls that wait."""
    columns = _CALLS.c
    asked = (columns.commune_code == commune_code, columns.heard_at > since, columns.closed_at.is_(None))
    return connection.scalar(select(func.count()).select_from(_CALLS).where(*asked)) or 0


def answers_by_kiosk(connection: Connection, *, since: datetime, limit: int = 5000) -> dict[str, dict[str, CallAnswer]]:
    """Return kiosk -> call -> what is to be said of it, of the newest calls."""
    columns = _CALLS.c
    query = select(columns.kiosk_id, columns.call_id, columns.acknowledged_at).where(columns.heard_at > since)
    told: dict[str, dict[str, CallAnswer]] = {}
    for kiosk_id, call_id, acknowledged_at in connection.execute(query.order_by(columns.heard_at.desc()).limit(limit)):
        told.setdefault(kiosk_id, {})[call_id] = "heard" if acknowledged_at is None else "acknowledged"
    return told


def _row(connection: Connection, state: KioskState, now: datetime) -> dict[str, Any] | None:
    columns = tables.kiosks.c
    query = select(columns.commune_code, columns.premises_id).where(columns.kiosk_id == state.kiosk_id).limit(1)
    kiosk = connection.execute(query).first()
    if kiosk is None:
        return None
    return {
        "commune_code": kiosk.commune_code,
        "call_id": state.call,
        "kiosk_id": state.kiosk_id,
        "premises_id": kiosk.premises_id,
        "heard_at": now,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "closed_at": None,
    }


def _listed(row: Row[Any]) -> KioskCall:
    return KioskCall(**{name: getattr(row, name) for name in KioskCall.__struct_fields__})
