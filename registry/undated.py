"""When a declaration was really kept, where the kiosk's clock was not confirmed then and is later, in the same start (ADR 85).

- What such a clock said proves nothing, so whether the declarant was in time is open. The monotonic clock runs evenly while a machine is up:
  one confirmed moment of the same start, in a later declaration or a door event, dates it (``residence.wire.times.corrected``).
- Only what came after its deadline waits here; whoever reached us in time was in time. It waits as long as the retention policy says, which is no less than anything from a kiosk is believed.
- The declaration and its stay then say on time or late. The receipt stays as it was given, and what the kiosk said stays in its header.

Example: ``date_again(connection, statements, now=now)`` in the transaction that recorded them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from registry import tables
from registry.answering import LONGEST_OFFLINE
from registry.door_boots import References, references
from registry.statements import Statement
from registry.tables_undated import undated_declarations
from residence.stays.findings import derived_id
from residence.wire.times import Times, corrected

_LARGEST: Final = (1 << 63) - 1


def date_again(connection: Connection, statements: Sequence[Statement], *, now: datetime) -> int:
    """Note what cannot be dated yet, and date what the confirmed clocks of this batch can; return how many were dated."""
    unsure = [each for each in statements if each.source and each.source.boot_id and each.source.time_state != "synced"]
    if unsure:
        _note(connection, unsure, now)
    moments = {
        (each.source.kiosk_id, each.source.boot_id): _times(each)
        for each in statements
        if each.source and each.source.boot_id and each.source.time_state == "synced" and each.source.kept_at
    }
    return date_by(connection, moments) if moments else 0


def date_by(connection: Connection, moments: Mapping[tuple[str, str], Times]) -> int:
    """Date what waits for a confirmed moment of these starts."""
    columns = undated_declarations.c
    asked = (columns.kiosk_id.in_(sorted({kiosk_id for kiosk_id, _ in moments})), columns.kept_at.is_(None))
    waiting = connection.execute(select(undated_declarations).where(*asked)).all()
    return sum(_date(connection, row, moments.get((row.kiosk_id, row.boot_id))) for row in waiting)


def _note(connection: Connection, unsure: Sequence[Statement], now: datetime) -> None:
    """Keep those that were recorded with a deadline they are not known to have met; a kiosk's door may have dated this start before."""
    columns = tables.declarations.c
    found = {each.message.declaration_id: each for each in unsure}
    known = select(undated_declarations.c.declaration_id).where(undated_declarations.c.declaration_id.in_(sorted(found)))
    query = select(columns.declaration_id, columns.commune_code, columns.due).where(
        columns.declaration_id.in_(sorted(found)), columns.due.is_not(None), or_(columns.on_time.is_(None), columns.on_time.is_(False)),
        columns.declaration_id.not_in(known),
    )  # fmt: skip
    rows = [row for each in connection.execute(query) if (row := _row(each, found[each.declaration_id], now)) is not None]
    if not rows:
        return
    connection.execute(insert(undated_declarations), rows)
    moments: References = references(connection, {(row["kiosk_id"], row["boot_id"]) for row in rows})
    if moments:
        date_by(connection, moments)


def _row(judged: Any, statement: Statement, now: datetime) -> dict[str, Any] | None:
    source = statement.source
    if source is None or not 0 <= source.monotonic_ns <= _LARGEST:
        return None
    return {
        "commune_code": judged.commune_code,
        "declaration_id": judged.declaration_id,
        "kiosk_id": source.kiosk_id,
        "boot_id": source.boot_id[:36],
        "monotonic_ns": source.monotonic_ns,
        "due": judged.due,
        "received_at": statement.received_at,
        "kept_at": None,
        "recorded_at": now,
    }


def _date(connection: Connection, row: Row[Any], moment: Times | None) -> bool:
    if moment is None:
        return False
    said = Times(boot_id=row.boot_id, monotonic_ns=row.monotonic_ns, wall="", time_state="rtc_only")
    kept = corrected(said, moment)
    if kept is None or not row.received_at - LONGEST_OFFLINE <= kept <= row.received_at:
        return False  # nobody believes that, whatever the clock calls itself
    on_time = kept < row.due
    columns, stays = undated_declarations.c, tables.stays.c
    which = (columns.declaration_id == row.declaration_id, columns.commune_code == row.commune_code)
    connection.execute(update(undated_declarations).where(*which).values(kept_at=kept))
    declared = tables.declarations.c
    which = (declared.declaration_id == row.declaration_id, declared.commune_code == row.commune_code)
    connection.execute(update(tables.declarations).where(*which).values(on_time=on_time))
    its_own = or_(stays.stay_id == derived_id("stay", row.declaration_id), stays.declaration_id == row.declaration_id)
    open_yet = stays.on_time.is_(None) if not on_time else or_(stays.on_time.is_(None), stays.on_time.is_(False))
    stay = (stays.commune_code == row.commune_code, stays.due == row.due, its_own, open_yet)
    connection.execute(update(tables.stays).where(*stay).values(on_time=on_time))
    return True


def _times(statement: Statement) -> Times:
    source = statement.source
    if source is None or source.kept_at is None:
        raise ValueError(statement.message.declaration_id)
    return Times(boot_id=source.boot_id, monotonic_ns=source.monotonic_ns, wall=source.kept_at, time_state="synced")
