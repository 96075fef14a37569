"""Which missing numbers of a kiosk's count somebody has called lost for good: who, when and why. Rows are added and never changed.

Example: ``select(kiosk_lost_numbers).where(kiosk_lost_numbers.c.commune_code == "demo-01")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, text

kiosk_lost_numbers: Final = Table(
    "kiosk_lost_numbers",
    metadata,
    commune(),
    own_id("closing_id", 36),
    reference("kiosk_id"),
    reference("epoch"),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    text("reason"),
    reference("closed_by"),
    instant("closed_at"),
    found_by("closing_id"),
    Index("ix_kiosk_lost_numbers_commune_code_closed_at", "commune_code", "closed_at"),
)
