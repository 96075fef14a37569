"""Administrative units through time, codes of other systems, and what people decided about split units.

- Reference tables: the same everywhere. Their ``commune_code`` is the unit's own code, which with its first day tells units apart; ``*`` for a
  file of them.
- ``unit_questions`` is asked by street or settlement of a unit that was split; no house and no person stands in it. What people did with a
  question stays in ``unit_decisions``, taken back or not.
- ``premises_origins`` keeps what code a source gave for premises that are recorded under a unit of today.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table

from registry.columns import (
    commune,
    document,
    found_by,
    index_where_set,
    instant,
    metadata,
    octets,
    own_id,
    reference,
    text,
    word,
)

unit_files: Final = Table(
    "unit_files",
    metadata,
    commune(),
    own_id("file_id", 36),
    word("kind", length=8),  # units | codes
    text("source", nullable=False),
    text("licence", nullable=False),
    text("file_name", nullable=False),
    octets("digest"),
    Column("lines", Integer, nullable=False),
    word("imported_by"),
    instant("imported_at"),
    found_by("file_id"),
)

# Days are YYYY-MM-DD, "" where the first is not known; both inclusive.
admin_units: Final = Table(
    "admin_units",
    metadata,
    commune(),
    own_id("valid_from", 10),
    word("valid_to", nullable=True, length=10),
    word("level", length=16),
    text("name", nullable=False),
    word("parent", nullable=True, length=16),
    reference("file_id"),
    Index("ix_admin_units_parent", "parent"),
)

unit_successors: Final = Table(
    "unit_successors",
    metadata,
    commune(),
    own_id("valid_from", 10),
    own_id("successor", 16),
    Index("ix_unit_successors_successor", "successor"),
)

unit_codes: Final = Table(
    "unit_codes",
    metadata,
    commune(),
    own_id("system", 32),
    own_id("system_code", 32),
    own_id("valid_from", 10),
    word("valid_to", nullable=True, length=10),
    reference("file_id"),
    found_by("system", "system_code", "valid_from"),
)

# state: open | decided | divided. ``place_key`` is empty for addresses that name neither street nor settlement: only rows themselves can say.
unit_questions: Final = Table(
    "unit_questions",
    metadata,
    commune(),
    own_id("question_id", 36),
    word("valid_from", length=10),
    word("place_key", length=200),
    text("place_text", nullable=False),
    document("candidates"),
    word("state", length=16),
    word("choice", nullable=True, length=16),
    word("decided_by", nullable=True),
    instant("decided_at", nullable=True),
    text("reason"),
    instant("asked_at"),
    found_by("question_id"),
    Index("ix_unit_questions_commune_code_state", "commune_code", "state"),
)

# What was done: decided, divided or undone.
unit_decisions: Final = Table(
    "unit_decisions",
    metadata,
    commune(),
    own_id("decision_id", 36),
    reference("question_id", index=True),
    word("action", length=16),
    word("choice", nullable=True, length=16),
    word("account_id"),
    text("reason", nullable=False),
    instant("at"),
    found_by("decision_id"),
)

premises_origins: Final = Table(
    "premises_origins",
    metadata,
    commune(),
    own_id("premises_id"),
    word("stated_code", length=32),
    word("stated_system", nullable=True, length=32),
    word("stated_on", length=10),  # the day the source's codes are of
    reference("question_id", nullable=True),  # the decision that put it here, if one had to be made
    instant("recorded_at"),
    instant("changed_at", nullable=True),  # when that decision was taken back or made anew (registry/placed_by_decisions.py)
    index_where_set("premises_origins", "question_id"),
    index_where_set("premises_origins", "changed_at"),
)
