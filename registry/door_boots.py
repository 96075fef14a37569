"""When something at a door really happened, where the kiosk's clock was not confirmed then and was later, in the same start.

- The monotonic clock runs evenly while a machine is up: one confirmed moment dates everything else of that start (``residence.wire.times.corrected``).
- The moment is kept once a start and for as long as events are; nothing that was recorded is changed. Correcting is done in reading.

Example: ``note_references(connection, batch, commune_code="demo-01", now=now)``
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, insert, select, tuple_

from registry.tables_door_boots import door_boots
from residence.clock import parse_instant, rfc3339
from residence.wire.door_events import DoorEventBatch
from residence.wire.times import Times, corrected

References = dict[tuple[str, str], Times]


def note_references(connection: Connection, batch: DoorEventBatch, *, commune_code: str, now: datetime) -> None:
    """Keep one confirmed moment of each start that this batch has one of."""
    found = {each.boot_id[:36]: each for each in reversed(batch.events) if each.time_state == "synced"}
    known = references(connection, {(batch.kiosk_id, boot_id) for boot_id in found})
    fresh = [
        {
            "commune_code": commune_code,
            "kiosk_id": batch.kiosk_id,
            "boot_id": boot_id,
            "monotonic_ns": each.monotonic_ns,
            "wall_at": parse_instant(each.wall),
            "recorded_at": now,
        }
        for boot_id, each in found.items()
        if (batch.kiosk_id, boot_id) not in known
    ]
    if fresh:
        connection.execute(insert(door_boots), fresh)


def references(connection: Connection, starts: Collection[tuple[str, str]]) -> References:
    """Return the confirmed moments of some starts: (kiosk, boot) -> clocks."""
    if not starts:
        return {}
    columns = door_boots.c
    rows = connection.execute(select(door_boots).where(tuple_(columns.kiosk_id, columns.boot_id).in_(sorted(starts))))
    return {
        (row.kiosk_id, row.boot_id): Times(
            boot_id=row.boot_id, monotonic_ns=row.monotonic_ns, wall=rfc3339(row.wall_at), time_state="synced"
        )
        for row in rows
    }


def really_at(times: Times, reference: Times | None) -> datetime | None:
    """Return when it was, where that can be said better than the kiosk's clock did; None otherwise."""
    if reference is None or times.time_state == "synced":
        return None
    return corrected(times, reference)
