"""The scoreboard's daily rows: how many of how many, by commune, day and measure; never about one person.

- A day is counted once or anew; the last count of a day stands. Shares and intervals are computed when shown.

Example: ``select(scoreboard_days).where(scoreboard_days.c.commune_code == "demo-01", scoreboard_days.c.day >= "2026-07-01")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, Table

from registry.columns import commune, instant, metadata, own_id

scoreboard_days: Final = Table(
    "scoreboard_days",
    metadata,
    commune(),
    own_id("day", 10),  # YYYY-MM-DD in Vietnam
    own_id("measure", 16),  # residence.cleaning.scoreboard.Measure
    Column("part", Integer, nullable=False),
    Column("whole", Integer, nullable=False),
    instant("counted_at"),
)
