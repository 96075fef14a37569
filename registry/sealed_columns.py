"""Which columns hold what is sealed, and under whose key: one list for whoever opens, checks or seals all of it anew.

- A new ``*_sealed`` column is named here, or the tests fail.

Example: ``SEALED[0]`` is ``(persons, "person_id", "person_id", ("full_name", ...))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry import tables
from registry.persons import SEALED_COLUMNS

Sealed = tuple[Table, str, str, tuple[str, ...]]  # table, its id, whose key sealed it, sealed columns

SEALED: Final[tuple[Sealed, ...]] = (
    (tables.persons, "person_id", "person_id", SEALED_COLUMNS),
    (tables.person_versions, "version_id", "person_id", SEALED_COLUMNS),
    (tables.identifiers, "identifier_id", "subject_id", ("value",)),
    (tables.contact_points, "contact_id", "subject_id", ("address",)),
    (tables.declarations, "declaration_id", "subject_id", ("body",)),
    (tables.premises, "premises_id", "premises_id", ("name", "address_text")),
    (tables.corrections, "correction_id", "subject_id", ("name", "address_text")),
    (tables.relations, "relation_id", "subject_id", ("name",)),
    (tables.absences, "absence_id", "subject_id", ("destination", "reason")),
    (tables.presences, "presence_id", "presence_id", ("reading",)),
    (tables.quarantine, "quarantine_id", "quarantine_id", ("payload",)),
    (tables.guest_list_pieces, "piece_id", "list_id", ("lines",)),
)
# Sealed as well, and opened by their own pages only: a check of the registry does not count them.
SEALED_BESIDES: Final[tuple[Sealed, ...]] = (
    (tables.door_passes, "pass_id", "person_id", ("token",)),
    (tables.procedure_files, "file_id", "subject_id", ("form",)),
    (tables.population_questions, "question_id", "subject_id", ("answer",)),
    (tables.portal_records, "file_id", "subject_id", ("words",)),
    (tables.paths, "path_id", "path_id", ("helper", "called", "words")),
    (tables.path_handovers, "handover_id", "path_id", ("sheet",)),
    (tables.delegations, "delegation_id", "giver_id", ("giver_label",)),
    (tables.delegations, "delegation_id", "taker_id", ("taker_label",)),
    (tables.authority_records, "record_id", "subject_id", ("words",)),
)

OF_PREMISES_TOO: Final = (tables.relations, tables.corrections)
# What was copied as it was sealed elsewhere: that table, and which column names the row there.
SEALED_AS: Final = {"person_versions": ("persons", "person_id"), "corrections": ("premises", "subject_id")}
