"""What has run out and is still on the books, as the search found it (``residence/cases/lapses.py``).

- A row's id follows from rule, row and day: found again it is the same. One that is no longer found is cleared and stays.
- It names no person: the residence, stay or permit it rests on does, and an erased person's is nobody's.

Example: ``select(lapses).where(lapses.c.commune_code == "demo-01", lapses.c.cleared_at.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, text, word

STANDING: Final = text_of_sql("cleared_at IS NULL")

lapses: Final = Table(
    "lapses",
    metadata,
    commune(),
    own_id("lapse_id", 32),
    word("rule", length=32),  # residence.cases.lapses.LapseRule
    reference("row_id"),
    reference("premises_id"),
    word("unit", nullable=True, length=32),
    word("since", length=10),  # YYYY-MM-DD
    document("data"),  # days and counts, never a value of a person
    word("rule_set"),
    text("article"),
    document("explanations_tried"),
    instant("found_at"),
    instant("seen_at"),  # the last search that found it
    instant("cleared_at", nullable=True),
    found_by("lapse_id"),
    Index("ix_lapses_commune_code_rule_since", "commune_code", "rule", "since"),
    Index("ix_lapses_standing", "commune_code", "lapse_id", sqlite_where=STANDING, postgresql_where=STANDING),
)
