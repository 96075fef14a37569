"""Looks that may not be shown to the person yet: sealed by case, for a stated ground, until a day; counted for the person all the while.

Example: ``select(look_seals).where(look_seals.c.until > now)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, text

look_seals: Final = Table(
    "look_seals",
    metadata,
    commune(),
    own_id("seal_id"),
    reference("about"),  # the case whose looks are sealed
    text("ground", nullable=False),
    reference("sealed_by"),
    instant("sealed_at"),
    instant("until"),
    found_by("seal_id"),
    Index("ix_look_seals_about", "commune_code", "about"),
)
