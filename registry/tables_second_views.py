"""Closed cases somebody else sees again: what was drawn each night, what the second and the third said, who looked into a difference.

- ``code`` and ``closed_by`` are those of the closing step; whoever sees the case again is shown neither.
- Codes are residence.cases.second_views.SAYABLE; reasons name nobody.

Example: ``select(second_views).where(second_views.c.reviewer_id == account_id, second_views.c.said_at.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, found_by, instant, metadata, own_id, reference, text, word

SECOND_WAITS: Final = text_of_sql("said_at IS NULL")
THIRD_WAITS: Final = text_of_sql("third_id IS NOT NULL AND third_at IS NULL")

# One row a night and commune in which a case was closed. ``look_id``: its place in the log (registry.tables_looks.log_statements).
second_view_draws: Final = Table(
    "second_view_draws",
    metadata,
    commune(),
    own_id("draw_id", 36),
    word("look_id", length=36),
    instant("since"),
    instant("until"),
    word("seed", length=64),
    Column("percent", Integer, nullable=False),
    Column("closures", Integer, nullable=False),
    Column("drawn", Integer, nullable=False),
    found_by("draw_id"),
    Index("ix_second_view_draws_commune_code_until", "commune_code", "until"),
)

second_views: Final = Table(
    "second_views",
    metadata,
    commune(),
    own_id("view_id", 36),
    word("draw_id", length=36),
    reference("case_id", index=True),
    reference("event_id"),
    word("code", length=32),
    reference("closed_by"),
    instant("closed_at"),
    reference("reviewer_id", nullable=True),
    word("said", nullable=True, length=32),
    text("said_reason"),
    instant("said_at", nullable=True),
    reference("third_id", nullable=True),
    word("third_said", nullable=True, length=32),
    text("third_reason"),
    instant("third_at", nullable=True),
    reference("looked_into_by", nullable=True),
    instant("looked_into_at", nullable=True),
    text("looked_into"),
    found_by("view_id"),
    Index("ix_second_views_commune_code_closed_at", "commune_code", "closed_at"),
    Index("ix_second_views_second_waits", "reviewer_id", sqlite_where=SECOND_WAITS, postgresql_where=SECOND_WAITS),
    Index("ix_second_views_third_waits", "third_id", sqlite_where=THIRD_WAITS, postgresql_where=THIRD_WAITS),
)
