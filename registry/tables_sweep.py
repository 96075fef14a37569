"""Which premises the sweep has to look at, and when: one row for each at which somebody undeclared was seen.

- ``due_at``: the next look; ``registry.sweep_marks.AT_ONCE`` when something changed, null when nothing is left to wait for.
- ``touched`` counts the changes, so that a look which began before one does not put its own answer over it.
- A row names premises and nobody; one that waits for nothing goes with the nightly deletions.

Example: ``select(sweep_marks.c.premises_id).where(sweep_marks.c.commune_code == code, sweep_marks.c.due_at <= now)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, found_by, instant, metadata, own_id

DONE: Final = text_of_sql("due_at IS NULL")

sweep_marks: Final = Table(
    "sweep_marks",
    metadata,
    commune(),
    own_id("premises_id"),
    instant("due_at", nullable=True),
    Column("touched", Integer, nullable=False),
    instant("looked_at"),
    found_by("premises_id"),
    Index("ix_sweep_marks_commune_code_due_at", "commune_code", "due_at"),  # a commune's round
    Index("ix_sweep_marks_due_at_commune_code", "due_at", "commune_code"),  # which communes have one to make
    Index("ix_sweep_marks_done", "looked_at", sqlite_where=DONE, postgresql_where=DONE),
)
