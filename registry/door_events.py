"""What happened at doors, as kiosks sent it: in order, without gaps.

- A mark says up to which number of its epoch a kiosk's events are kept. What is ahead of it waits at the kiosk; what is behind it was kept
  before. So sending again and out of order costs nothing.
- When a kiosk no longer holds what is missing here (this registry was restored from a backup), the mark moves on: a gap is in the numbers.
- What happened while the clock was not confirmed is dated again once it was, in the same start (``door_boots.py``).
- Events name nobody; they are kept for security, not to see who comes and goes, and go when the retention policy says; the marks stay.

Example: ``up_to = record_events(connection, batch, commune_code="demo-01", now=now)``
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import convert
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from registry.door_boots import note_references, really_at, references
from registry.tables_doors import door_events, door_marks
from registry.undated import date_by
from residence.clock import TimeState, parse_instant, rfc3339
from residence.wire.door_events import DoorEvent, DoorEventBatch
from residence.wire.times import Times

MOST_LISTED: Final = 1000


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it is listed."""

    kiosk_id: str
    epoch: str
    sequence: int
    door: str
    what: str
    detail: str
    who: str
    wall_at: datetime  # the kiosk's clock, as far as ``time_state`` says
    time_state: str
    boot_id: str
    monotonic_ns: int
    recorded_at: datetime
    corrected_at: datetime | None = None  # when it was, where the clock was confirmed only later in the same start


def record_events(connection: Connection, batch: DoorEventBatch, *, commune_code: str, now: datetime) -> int:
    """Keep what follows on what is kept; return up to which number all is kept."""
    before = _mark(connection, commune_code, batch)
    up_to = before or 0
    if batch.events[0].sequence == batch.oldest_held > up_to + 1:
        up_to = batch.oldest_held - 1
    fresh = []
    for each in batch.events:
        if each.sequence == up_to + 1:
            fresh.append(each)
            up_to = each.sequence
    if fresh:
        connection.execute(insert(door_events), [_row(each, batch, commune_code, now) for each in fresh])
    note_references(connection, batch, commune_code=commune_code, now=now)
    _date_declarations(connection, batch)
    if before is None:
        values = {"commune_code": commune_code, "kiosk_id": batch.kiosk_id, "epoch": batch.epoch, "up_to": up_to}
        connection.execute(insert(door_marks), [values | {"changed_at": now}])
    elif up_to != before:
        connection.execute(update(door_marks).where(*_marked(commune_code, batch)).values(up_to=up_to, changed_at=now))
    return up_to


def recent_events(
    connection: Connection, *, commune_code: str | None = None, kiosk_id: str | None = None, limit: int = 100
) -> list[RecordedEvent]:
    """Return the newest events, the newest last."""
    columns = door_events.c
    query = select(door_events)
    if commune_code is not None:
        query = query.where(columns.commune_code == commune_code)
    if kiosk_id is not None:
        query = query.where(columns.kiosk_id == kiosk_id)
    rows = connection.execute(query.order_by(columns.recorded_at.desc(), columns.sequence.desc()).limit(min(limit, MOST_LISTED)))
    listed = [_listed(row) for row in rows][::-1]
    known = references(connection, {(each.kiosk_id, each.boot_id) for each in listed})
    return [_corrected(each, known.get((each.kiosk_id, each.boot_id))) for each in listed]


def _date_declarations(connection: Connection, batch: DoorEventBatch) -> None:
    """Let a confirmed moment at the door date declarations of the same start, too."""
    if synced := [each for each in batch.events if each.time_state == "synced"]:
        moments = {
            (batch.kiosk_id, each.boot_id): Times(
                boot_id=each.boot_id, monotonic_ns=each.monotonic_ns, wall=each.wall, time_state="synced"
            )
            for each in reversed(synced)
        }
        date_by(connection, moments)


def _mark(connection: Connection, commune_code: str, batch: DoorEventBatch) -> int | None:
    query = select(door_marks.c.up_to).where(*_marked(commune_code, batch))
    return connection.execute(query.with_for_update()).scalar()


def _marked(commune_code: str, batch: DoorEventBatch) -> tuple[ColumnElement[bool], ...]:
    columns = door_marks.c
    return columns.commune_code == commune_code, columns.kiosk_id == batch.kiosk_id, columns.epoch == batch.epoch


def _row(event: DoorEvent, batch: DoorEventBatch, commune_code: str, now: datetime) -> dict[str, Any]:
    return {
        "commune_code": commune_code,
        "event_id": f"{batch.kiosk_id}.{batch.epoch[:36]}.{event.sequence:012d}",
        "kiosk_id": batch.kiosk_id,
        "epoch": batch.epoch,
        "sequence": event.sequence,
        "boot_id": event.boot_id[:36],
        "monotonic_ns": event.monotonic_ns,
        "wall_at": parse_instant(event.wall),
        "time_state": event.time_state,
        "door": event.door[:32],
        "what": event.what[:64],
        "detail": event.detail[:200],
        "who": event.who[:32],
        "recorded_at": now,
    }


def _listed(row: Row[Any]) -> RecordedEvent:
    values = {name: getattr(row, name) for name in RecordedEvent.__struct_fields__ if name != "corrected_at"}
    return RecordedEvent(**values | {"detail": row.detail or "", "who": row.who or ""})


def _corrected(event: RecordedEvent, reference: Times | None) -> RecordedEvent:
    wall, state = rfc3339(event.wall_at), convert(event.time_state, TimeState)
    times = Times(boot_id=event.boot_id, monotonic_ns=event.monotonic_ns, wall=wall, time_state=state)
    return msgspec.structs.replace(event, corrected_at=really_at(times, reference))
