"""Which doors a premises has, what was ordered for them, and what was last said to its kiosks.

- A door keeps its place (a bit on every list) for ever; a premises has at most thirty.
- Orders and lists are numbered here, not in a gateway: whoever speaks next goes on from the number that was used.

Example: ``add_door(connection, "blk-hoa-binh", "lobby", commune_code="demo-01", now=now)``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry.tables_doors import door_sites, doors
from residence.doors.words import DoorMode
from residence.errors import Conflict, Refused
from residence.wire.door_list import MOST_DOORS

NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One door."""

    premises_id: str
    commune_code: str
    door: str
    place: int
    mode: DoorMode


class DoorSite(msgspec.Struct, frozen=True, kw_only=True):
    """What was last said to the kiosks of one premises."""

    premises_id: str
    commune_code: str
    list_version: int = 0
    list_digest: bytes = b""
    list_issued_at: datetime = NEVER
    orders_serial: int = 0
    orders_digest: bytes = b""
    orders_issued_at: datetime = NEVER
    forgiven: int = 0


def add_door(connection: Connection, premises_id: str, door: str, *, commune_code: str, now: datetime) -> Door:
    """Add a door, or raise ``Conflict("door.known")`` / ``Refused("door.too_many")``."""
    known = doors_of(connection, [premises_id])
    if any(each.door == door for each in known):
        raise Conflict("door.known", "/door", door)
    if len(known) >= MOST_DOORS:
        raise Refused("door.too_many", "/door")
    place = 1 + max((each.place for each in known), default=-1)
    made = Door(premises_id=premises_id, commune_code=commune_code, door=door, place=place, mode=DoorMode.NORMAL)
    connection.execute(insert(doors), [msgspec.structs.asdict(made) | {"mode": made.mode.value, "changed_at": now}])
    if site_of(connection, premises_id) is None:
        connection.execute(
            insert(door_sites), [msgspec.structs.asdict(DoorSite(premises_id=premises_id, commune_code=commune_code))]
        )
    return made


def doors_of(connection: Connection, premises_ids: Iterable[str]) -> list[Door]:
    """Return the doors of these premises, by premises and place."""
    wanted = sorted(set(premises_ids))
    query = select(doors).where(doors.c.premises_id.in_(wanted)).order_by(doors.c.premises_id, doors.c.place)
    return [
        Door(
            premises_id=row.premises_id,
            commune_code=row.commune_code,
            door=row.door,
            place=row.place,
            mode=DoorMode(row.mode),
        )
        for row in connection.execute(query)
    ]


def order_mode(connection: Connection, premises_id: str, door: str, mode: DoorMode, *, now: datetime) -> None:
    """Order a mode for a door, or raise ``Refused("door.unknown")``."""
    changed = connection.execute(
        update(doors).where(doors.c.premises_id == premises_id, doors.c.door == door).values(mode=mode.value, changed_at=now)
    )
    if not changed.rowcount:
        raise Refused("door.unknown", "/door", f"{premises_id} {door}")


def forgive(connection: Connection, premises_id: str) -> None:
    """Have anti-passback begin anew at a premises, or raise ``Refused("door.unknown")``."""
    changed = connection.execute(
        update(door_sites).where(door_sites.c.premises_id == premises_id).values(forgiven=door_sites.c.forgiven + 1)
    )
    if not changed.rowcount:
        raise Refused("door.unknown", "/premises_id", premises_id)


def sites(connection: Connection) -> list[DoorSite]:
    """Return every premises with doors."""
    return [_site(row) for row in connection.execute(select(door_sites))]


def site_of(connection: Connection, premises_id: str) -> DoorSite | None:
    """Return what was last said to the kiosks of one premises."""
    row = connection.execute(select(door_sites).where(door_sites.c.premises_id == premises_id).limit(1)).first()
    return _site(row) if row else None


def keep_site(connection: Connection, site: DoorSite, *, before: DoorSite) -> bool:
    """Write what will now be said; False when somebody else has gone on from ``before`` meanwhile."""
    columns = door_sites.c
    changed = connection.execute(
        update(door_sites)
        .where(
            columns.premises_id == site.premises_id,
            columns.list_version == before.list_version,
            columns.orders_serial == before.orders_serial,
        )
        .values(
            list_version=site.list_version,
            list_digest=site.list_digest,
            list_issued_at=site.list_issued_at,
            orders_serial=site.orders_serial,
            orders_digest=site.orders_digest,
            orders_issued_at=site.orders_issued_at,
        )
    )
    return bool(changed.rowcount)


def _site(row: Row[Any]) -> DoorSite:
    values = {name: getattr(row, name) for name in DoorSite.__struct_fields__}
    return DoorSite(**values | {name: bytes(values[name]) for name in ("list_digest", "orders_digest")})
