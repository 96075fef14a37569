"""What was told to other authorities, as people look at it and decide: lists, counts, trying again, and counting back.

- Rows name a premises, a state and a code, and nobody: an operator may read them.
- Counting back: somebody reads in the authority's own list how many arrivals of a day it holds. The same number as ours confirms them all; another
  number confirms nothing, and the rows of that day are shown to be compared one by one.
- *Missing* forgets what the authority was thought to know, and the stay is told again, if that can still be done.

Example: ``count_back(connection, Count(authority="kbtt", facility="sao-mai", day="2026-07-10", theirs=12), now=now, random_bytes=random_bytes).ok``
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, null, select, update

from registry import tables
from registry.asking import among
from registry.authority_records import RecordState
from registry.locking import locked_row
from residence.clock import uuid7_text
from residence.errors import Refused

_TABLE: Final = tables.authority_records
WAITING_FOR_SOMEBODY: Final[tuple[RecordState, ...]] = ("refused", "other-channel", "probably", "exported")
UNDER_WAY: Final[tuple[RecordState, ...]] = ("due", "sending", "silent")
COUNTED: Final = ("accepted", "probably", "exported", "confirmed")
MOST: Final = 1000


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record on a list."""

    record_id: str
    authority: str
    facility: str
    premises_id: str
    stay_id: str
    state: str
    operation: str | None
    code: str | None
    problems: tuple[dict[str, str], ...]
    day: str | None
    attempts: int
    next_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    changed_at: datetime


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody counted in the authority's own list for one day of arrival."""

    authority: str
    facility: str
    day: str
    theirs: int
    account_id: str | None = None


class CountedBack(msgspec.Struct, frozen=True, kw_only=True):
    """How a count compares. ``rows``: what we think is there."""

    ok: bool
    ours: int
    theirs: int
    confirmed: int
    rows: tuple[Record, ...]


def counts(connection: Connection, *, commune_code: str | None = None) -> dict[tuple[str, str], int]:
    """Return (authority, state) -> how many."""
    columns = _TABLE.c
    query = select(columns.authority, columns.state, func.count()).group_by(columns.authority, columns.state)
    if commune_code is not None:
        query = query.where(columns.commune_code == commune_code)
    return {(row[0], row[1]): int(row[2]) for row in connection.execute(query)}


def records(
    connection: Connection, *, states: Collection[str], commune_code: str | None = None, limit: int = 100
) -> list[Record]:
    """Return records of these states, the longest waiting first."""
    columns = _TABLE.c
    query = select(_TABLE).where(columns.state.in_(sorted(states)))
    if commune_code is not None:
        query = query.where(columns.commune_code == commune_code)
    return [listed(row) for row in connection.execute(query.order_by(columns.changed_at, columns.record_id).limit(limit))]


def records_of_stay(connection: Connection, stay_id: str) -> list[Row[Any]]:
    """Return the records of one stay, whole: for whoever may see its guest."""
    query = select(_TABLE).where(_TABLE.c.stay_id == stay_id).order_by(_TABLE.c.authority)
    return list(connection.execute(query.limit(10)).all())


def exportable(connection: Connection, *, authority: str, facility: str, limit: int = MOST) -> list[Row[Any]]:
    """Return the records of one facility that need another channel and of which the authority knows nothing, locked."""
    columns = _TABLE.c
    query = select(_TABLE).where(columns.authority == authority, columns.facility == facility, columns.state == "other-channel")
    found = connection.execute(query.order_by(columns.recorded_at, columns.record_id).limit(limit)).all()
    locked: list[Row[Any]] = []
    for commune_code in sorted({row.commune_code for row in found}):  # nearly always one: a facility is somewhere
        own = among(columns.record_id, [row.record_id for row in found if row.commune_code == commune_code], connection)
        locked += connection.execute(query.where(columns.commune_code == commune_code, own).with_for_update()).all()
    return sorted((row for row in locked if row.told is None), key=lambda row: (row.recorded_at, row.record_id))


def listed(row: Row[Any]) -> Record:
    """Return a row as a list shows it."""
    values = {name: getattr(row, name) for name in Record.__struct_fields__}
    return Record(**{**values, "problems": tuple(row.problems or ())})


def retry(connection: Connection, record_ids: Sequence[str] | None, *, now: datetime, commune_code: str | None = None) -> int:
    """Let records be looked at again now: those named, or all that wait for somebody or for their time; returns how many."""
    columns = _TABLE.c
    query = update(_TABLE).where(columns.state.in_(("due", "silent", "refused", "other-channel")))
    if record_ids is not None:
        query = query.where(columns.record_id.in_(list(record_ids)))
    if commune_code is not None:
        query = query.where(columns.commune_code == commune_code)
    waiting = query.where(columns.state.in_(("due", "silent"))).values(next_at=now, failures=0, changed_at=now)
    standing = query.where(columns.state.in_(("refused", "other-channel"))).values(
        state="due", next_at=now, failures=0, changed_at=now
    )
    return connection.execute(waiting).rowcount + connection.execute(standing).rowcount


def answer(connection: Connection, record_id: str, *, is_there: bool, now: datetime, commune_code: str | None = None) -> None:
    """Say of one record that the authority has it, or has not; ``Refused("authority.record_unknown")``."""
    columns = _TABLE.c
    row = locked_row(connection, _TABLE, record_id)
    if row is None or row.state not in COUNTED or row.told is None or commune_code not in {None, row.commune_code}:
        raise Refused("authority.record_unknown", "/record_id", record_id)
    if is_there:
        _confirm(connection, row, now)
        return
    gone = {"state": "due", "told": null(), "telling": null(), "operation": None, "doubtful": False, "accepted_at": None}
    connection.execute(
        update(_TABLE).where(columns.record_id == record_id).values(**gone, code=None, next_at=now, changed_at=now)
    )


def count_back(
    connection: Connection, count: Count, *, now: datetime, random_bytes: Callable[[int], bytes], commune_code: str | None = None
) -> CountedBack:
    """Compare a count with ours, and confirm all of that day when they are the same."""
    columns = _TABLE.c
    query = select(_TABLE).where(
        columns.authority == count.authority, columns.facility == count.facility, columns.day == count.day
    )
    if commune_code is not None:
        query = query.where(columns.commune_code == commune_code)
    rows = [row for row in connection.execute(query.limit(MOST)) if row.told is not None]
    ok = len(rows) == count.theirs
    fresh = [row for row in rows if row.state in COUNTED and row.state != "confirmed"] if ok else []
    for row in fresh:
        _confirm(connection, row, now)
    kept = {
        "commune_code": rows[0].commune_code if rows else commune_code or "*",
        "count_id": uuid7_text(now, random_bytes(10)),
        **msgspec.structs.asdict(count),
        "ours": len(rows),
        "at": now,
    }
    connection.execute(insert(tables.authority_counts), [kept])
    shown = tuple(listed(row) for row in rows)
    return CountedBack(ok=ok, ours=len(rows), theirs=count.theirs, confirmed=len(fresh), rows=shown)


def _confirm(connection: Connection, row: Row[Any], now: datetime) -> None:
    told = {**row.told, "sure": "confirmed"}
    values = {"state": "confirmed", "told": told, "code": None, "changed_at": now}
    same = (_TABLE.c.record_id == row.record_id, _TABLE.c.state == row.state)
    connection.execute(update(_TABLE).where(*same).values(values))
