"""Who and where: people, their identifiers through time, premises, units, households, residences.

- A person's fields are sealed under that person's key (``subject_keys``); without the key row they are gone.
- Numbers are not unique: a number may be on two people until somebody looks. History is kept, never overwritten.
- A residence or stay may name a person of another commune; hence no foreign key to persons.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Index, Integer, Table
from sqlalchemy import text as text_of_sql

from registry.columns import (
    blind_index,
    commune,
    found_by,
    index_where_set,
    instant,
    metadata,
    octets,
    own_id,
    reference,
    sealed,
    text,
    word,
)

ENDING: Final = text_of_sql("valid_to IS NOT NULL")

# subject_kind: person | premises | presence | account | declaration | quarantine | path. kek_id names the period key in the key provider.
subject_keys: Final = Table(
    "subject_keys",
    metadata,
    commune(),
    own_id("subject_id"),
    word("subject_kind", length=16),
    word("kek_id", length=80),
    octets("wrapped_key"),
    instant("created_at"),
    found_by("subject_id"),
    Index("ix_subject_keys_kek_id", "kek_id"),
)

# A status is one of living, deceased, erased.
persons: Final = Table(
    "persons",
    metadata,
    commune(),
    own_id("person_id"),
    word("status", length=16),
    sealed("full_name"),
    sealed("birth"),
    sealed("sex"),
    sealed("nationality"),
    sealed("residence_text"),
    sealed("document"),
    sealed("contact"),
    blind_index("contact", nullable=True),  # of the telephone number as dialled today
    word("name_quality", length=16),
    reference("declaration_id", nullable=True),  # the statement the fields were taken from; none for an authority's register
    reference("merged_into", nullable=True),  # this id is a pointer: both were one person
    instant("created_at"),
    instant("changed_at"),
    found_by("person_id"),
    index_where_set("persons", "merged_into"),
    index_where_set("persons", "contact_index"),
)

# What the fields were before a correction: one row per replaced state, the sealed values as they stood in ``persons`` (they open as cells of
# that row). ``declaration_id`` is what replaced them, at ``recorded_at``.
person_versions: Final = Table(
    "person_versions",
    metadata,
    commune(),
    own_id("version_id"),
    reference("person_id", index=True),
    sealed("full_name"),
    sealed("birth"),
    sealed("sex"),
    sealed("nationality"),
    sealed("residence_text"),
    sealed("document"),
    sealed("contact"),
    reference("declaration_id", nullable=True),
    instant("recorded_at"),
    found_by("version_id"),
)

# kind, status: residence.stays.known.NumberKind and NumberStatus, or status "stated"
identifiers: Final = Table(
    "identifiers",
    metadata,
    commune(),
    own_id("identifier_id"),
    reference("person_id", index=True),
    word("kind", length=32),
    sealed("value", nullable=False),
    blind_index("value"),
    word("status", length=16),
    reference("subject_id"),  # whose key sealed it; differs from person_id after a merge
    reference("declaration_id", nullable=True),
    instant("recorded_at"),
    instant("ended_at", nullable=True),
    found_by("identifier_id"),
    Index("ix_identifiers_value_index", "value_index"),
)

# One row per word of a name, keyed per commune: search by words inside a commune, nothing more.
name_tokens: Final = Table(
    "name_tokens",
    metadata,
    commune(),
    blind_index("token", primary_key=True),
    own_id("person_id"),
    Index("ix_name_tokens_person_id", "person_id"),
    sqlite_with_rowid=False,
)

# The kind is a residence.places.premises.PremisesKind; ``earlier_kinds`` those it was corrected from, JSON [[kind, until], ...], the oldest first.
premises: Final = Table(
    "premises",
    metadata,
    commune(),
    own_id("premises_id"),
    word("kind", length=32),
    sealed("name", nullable=False),
    sealed("address_text"),
    Column("remote_area", Boolean, nullable=False),
    Column("capacity", Integer, nullable=True),  # people who may sleep there, as the authority has it; nothing is computed
    word("declared_by", nullable=True, length=16),  # residence.places.relations.Answering, where it is not as the kind has it
    text("earlier_kinds"),
    word("usual_reason", nullable=True, length=32),  # residence.stays.declaration.Reason
    instant("created_at"),
    Index("ix_premises_premises_id", "premises_id"),
)

units: Final = Table(
    "units",
    metadata,
    commune(),
    own_id("premises_id"),
    own_id("unit", 32),
    word("unit_key", length=32),  # residence.stays.spans.normal_unit: what two writings of a unit are compared by
    instant("created_at"),
    found_by("premises_id", "unit"),
    ForeignKeyConstraint(["commune_code", "premises_id"], ["premises.commune_code", "premises.premises_id"]),
    Index("ix_units_premises_id_unit_key", "premises_id", "unit_key"),
)

households: Final = Table(
    "households",
    metadata,
    commune(),
    own_id("household_id"),
    reference("premises_id", index=True),
    word("unit", nullable=True, length=32),
    word("formed_on", nullable=True, length=10),  # YYYY-MM-DD; heads and owners are in ``relations``
    instant("created_at"),
    instant("ended_at", nullable=True),
    found_by("household_id"),
    ForeignKeyConstraint(["commune_code", "premises_id"], ["premises.commune_code", "premises.premises_id"]),
)

# The kind is permanent or temporary.
residences: Final = Table(
    "residences",
    metadata,
    commune(),
    own_id("residence_id"),
    reference("person_id", index=True),
    reference("premises_id", index=True),
    word("unit", nullable=True, length=32),
    reference("household_id", nullable=True, index=True),
    word("kind", length=16),
    word("relation", nullable=True, length=32),
    word("valid_from", length=10),  # YYYY-MM-DD, both inclusive
    word("valid_to", nullable=True, length=10),
    text("registration_ref"),
    reference("recorded_by", nullable=True),  # an import or an account
    instant("recorded_at"),
    found_by("residence_id"),
    Index("ix_residences_ending", "commune_code", "valid_to", sqlite_where=ENDING, postgresql_where=ENDING),
    ForeignKeyConstraint(["commune_code", "premises_id"], ["premises.commune_code", "premises.premises_id"]),
)
