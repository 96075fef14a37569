"""Questions to the population database, each for one file: what was asked for, by whom, and the answer under the person's key.

- The number it is asked by stands in the file's sealed form and is not copied here.

Example: ``select(population_questions).where(population_questions.c.file_id == file_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table, text

from registry.columns import commune, found_by, instant, metadata, own_id, reference, sealed, word

WORKED_ON: Final = text("state IN ('due', 'sending', 'silent')")

# state: registry.population_questions.QuestionState; fields: those asked for, joined by blanks
population_questions: Final = Table(
    "population_questions",
    metadata,
    commune(),
    own_id("question_id", 36),
    reference("file_id", index=True),
    reference("person_id", index=True),
    reference("subject_id"),  # whose key seals ``answer``
    word("fields", length=80),
    word("state", length=16),
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    instant("next_at"),
    instant("claimed_until", nullable=True),
    word("code", nullable=True, length=80),
    sealed("answer"),
    reference("asked_by"),
    instant("recorded_at"),
    instant("changed_at"),
    found_by("question_id"),
    Index("ix_population_questions_worked_on", "next_at", sqlite_where=WORKED_ON, postgresql_where=WORKED_ON),
)
