"""Files of procedures a person asked for around a stay: what stands in the form is sealed under their key; each step has its signed slip.

- The state is that of the last step; a file names the rules it was filed under.

Example: ``select(procedure_files).where(procedure_files.c.person_id == person_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table, text

from registry.columns import commune, found_by, instant, metadata, octets, own_id, reference, sealed, word
from registry.columns import text as words

OPEN: Final = text("state IN ('filed', 'in_hand', 'supplement')")

procedure_files: Final = Table(
    "procedure_files",
    metadata,
    commune(),
    own_id("file_id", 36),
    reference("person_id", index=True),
    reference("subject_id"),  # whose key sealed it; differs from person_id after a merge
    word("kind", length=40),  # residence.cases.procedures.ProcedureKind
    reference("premises_id", nullable=True),
    sealed("form", nullable=False),
    word("papers", length=120),  # those still to be brought, joined by blanks
    word("state", length=16),
    instant("filed_at"),
    instant("due", nullable=True),
    instant("changed_at"),
    found_by("file_id"),
    Index("ix_procedure_files_open", "commune_code", "filed_at", sqlite_where=OPEN, postgresql_where=OPEN),
)

procedure_steps: Final = Table(
    "procedure_steps",
    metadata,
    commune(),
    own_id("step_id", 36),
    reference("file_id", index=True),
    Column("place", Integer, nullable=False),
    word("step", length=16),  # residence.cases.procedures.Step
    instant("at"),
    reference("by"),
    words("reason"),
    words("legal_basis"),
    octets("slip"),  # residence.wire.answers
    found_by("step_id"),
)
