"""What happened at premises, in order, for programs that follow: each statement about a stay as it was answered, without a name.

- An event is a row of ``declarations``: written once, by every way in (kiosk, desk, program, import), so nothing is missing and nothing is
  kept twice. Its id is the declaration's.
- The order is the registry's time and the id. A page holds nothing younger than ``before``: a transaction that began earlier and ends later
  would otherwise slip in behind a reader. What that costs is in ADR 81.

Example: ``events_after(connection, ["htl-sao-mai"], after=None, before=now - SETTLED, limit=50)``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, and_, or_, select

from registry import tables
from residence.clock import rfc3339
from residence.wire.receipts import receipt_code
from residence.wire.stay_events import EventAnswer

SETTLED: Final = timedelta(seconds=5)
_DECLARATIONS: Final = tables.declarations.c


class StayEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One statement and its answer. ``state``: accepted, conflicting or refused."""

    declaration_id: str
    commune_code: str
    premises_id: str
    unit: str | None
    kind: str
    about: str | None
    origin: str
    state: Literal["accepted", "conflicting", "refused"]
    arrival_at: datetime | None
    due: datetime | None
    on_time: bool | None
    recorded_at: datetime


_COLUMNS: Final = [_DECLARATIONS[name] for name in StayEvent.__struct_fields__]


def events_after(
    connection: Connection,
    premises_ids: Sequence[str],
    *,
    after: tuple[datetime, str] | None,
    before: datetime,
    limit: int,
) -> list[StayEvent]:
    """Return the oldest events at these premises beyond ``after`` and not beyond ``before``."""
    wanted = [_DECLARATIONS.premises_id.in_(sorted(set(premises_ids))), _DECLARATIONS.recorded_at <= before]
    if after is not None:
        at, own_id = after
        later = and_(_DECLARATIONS.recorded_at == at, _DECLARATIONS.declaration_id > own_id)
        wanted += [_DECLARATIONS.recorded_at >= at, or_(_DECLARATIONS.recorded_at > at, later)]
    query = select(*_COLUMNS).where(*wanted).order_by(_DECLARATIONS.recorded_at, _DECLARATIONS.declaration_id).limit(limit)
    return [StayEvent(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001  # SQLAlchemy's public name


def events_by_id(connection: Connection, declaration_ids: Sequence[str]) -> dict[str, StayEvent]:
    """Return the events that are these declarations."""
    wanted = sorted(set(declaration_ids))
    query = select(*_COLUMNS).where(_DECLARATIONS.declaration_id.in_(wanted))
    return {row.declaration_id: StayEvent(**row._mapping) for row in connection.execute(query)} if wanted else {}  # noqa: SLF001


def told(event: StayEvent) -> EventAnswer:
    """Return an event as programs are told of it."""
    return EventAnswer(
        id=event.declaration_id,
        type=f"declaration.{event.state}",
        at=rfc3339(event.recorded_at),
        premises_id=event.premises_id,
        unit=event.unit,
        kind=event.kind,
        about=event.about,
        origin=event.origin,
        receipt_code=receipt_code(event.declaration_id),
        due=rfc3339(event.due) if event.due else None,
        on_time=event.on_time,
    )
