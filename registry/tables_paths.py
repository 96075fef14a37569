"""Guided paths of people who lack papers: where each stands, what was done, what was handed over with whose consent.

- ``code`` is what a slip says: that of the declaration the path began with, else of the path's own id. It finds the state and nothing else.
- What somebody said of themselves and who helps them is sealed under the path's own key, which goes when the path goes.
- ``in_database`` is yes or no once somebody looked. ``due`` is the first moment that is too late, by the law named in ``law``.
- ``sheet`` of a hand-over is what the person was shown, byte for byte.

Example: ``select(paths.c.state).where(paths.c.code == code)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import (
    commune,
    document,
    found_by,
    index_where_set,
    instant,
    metadata,
    own_id,
    reference,
    sealed,
    text,
    word,
)

OPEN: Final = text_of_sql("ended_at IS NULL")

paths: Final = Table(
    "paths",
    metadata,
    commune(),
    own_id("path_id"),
    word("code", length=16),
    word("situation", length=32),  # residence.paths.steps.Situation
    word("state", length=16),  # residence.paths.steps.PathState
    reference("person_id", nullable=True),
    reference("declaration_id", nullable=True),
    reference("premises_id", nullable=True),
    word("began_by_way", length=8),  # registry.paths.Way
    reference("begun_by", nullable=True),  # account; none: the person themselves, with their slip
    instant("begun_at"),
    instant("clock_from"),
    word("in_database", nullable=True, length=4),
    instant("due"),
    word("law", length=32),
    reference("taken_by", nullable=True),
    word("helper_kind", nullable=True, length=16),  # residence.paths.steps.HelperKind
    sealed("helper"),
    sealed("called"),
    sealed("words"),
    instant("changed_at"),
    instant("ended_at", nullable=True, index=True),
    found_by("path_id"),
    Index("ix_paths_code", "code"),
    index_where_set("paths", "person_id"),
    Index("ix_paths_open", "commune_code", "due", sqlite_where=OPEN, postgresql_where=OPEN),
)

path_steps: Final = Table(
    "path_steps",
    metadata,
    commune(),
    own_id("step_id"),
    reference("path_id", index=True),
    word("step", length=16),  # residence.paths.steps.PathStep
    word("state", length=16),
    reference("by", nullable=True),
    text("reason"),
    text("legal_basis"),
    instant("due"),
    instant("at"),
    found_by("step_id"),
)

path_handovers: Final = Table(
    "path_handovers",
    metadata,
    commune(),
    own_id("handover_id"),
    reference("path_id", index=True),
    word("office", length=32),
    document("fields"),
    sealed("sheet"),
    word("consent_words", length=32),
    word("heard_in", length=2),  # the language the words of consent were read in
    reference("heard_by"),
    instant("given_at"),
    instant("withdrawn_at", nullable=True),
    reference("withdrawn_by", nullable=True),  # account; none: whoever holds the slip
    instant("office_told_at", nullable=True),
    found_by("handover_id"),
    Index("ix_path_handovers_office", "commune_code", "office", "given_at"),
)
