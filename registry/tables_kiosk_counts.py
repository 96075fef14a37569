"""How far each kiosk's own count has been looked through, and which of its numbers are missing since when.

Example: ``select(kiosk_counts).where(kiosk_counts.c.commune_code == "demo-01", kiosk_counts.c.missing_since.is_not(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, Table

from registry.columns import commune, document, found_by, index_where_set, instant, metadata, own_id

kiosk_counts: Final = Table(
    "kiosk_counts",
    metadata,
    commune(),
    own_id("kiosk_id"),
    own_id("epoch"),
    Column("through", Integer, nullable=False),  # every number up to it has come or is missing
    document("missing"),  # [[first, last, since], ...]
    instant("missing_since", nullable=True),  # the oldest of them
    instant("changed_at"),
    found_by("kiosk_id", "epoch"),
    index_where_set("kiosk_counts", "missing_since"),
)
