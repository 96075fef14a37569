"""One moment of each start of a kiosk at which its clock was confirmed: by it everything else of that start is dated.

Example: ``select(door_boots).where(door_boots.c.kiosk_id == kiosk_id, door_boots.c.boot_id == boot_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Table

from registry.columns import commune, found_by, instant, metadata, own_id

door_boots: Final = Table(
    "door_boots",
    metadata,
    commune(),
    own_id("kiosk_id"),
    own_id("boot_id", 36),
    Column("monotonic_ns", BigInteger, nullable=False),
    instant("wall_at"),
    instant("recorded_at", index=True),
    found_by("kiosk_id", "boot_id"),
)
