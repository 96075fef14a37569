"""Who answers for what, and what bounds a person's being here: dated relations, absences, permitted stays.

- A relation has days, both inclusive and either unknown: an owner of before keeps their row. There may be several owners and, wrongly,
  several heads; that is a finding, never refused.
- ``subject_id`` is a premises (owner, manager), a household (head) or a person (guardian); by value, for a guardian may live anywhere.
- Whom a register names by its own reference before listing them waits: ``stated_row`` is the row that will be that person.
- An owner who is no person of the registry (a company) has only a name, sealed under the premises' key.

Example: ``select(relations).where(relations.c.subject_id == "blk-hoa-binh", relations.c.kind == "owner")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, index_where_set, instant, metadata, own_id, reference, sealed, word

# The kind is a residence.places.relations.RelationKind.
relations: Final = Table(
    "relations",
    metadata,
    commune(),
    own_id("relation_id"),
    word("kind", length=16),
    reference("subject_id"),
    reference("person_id", nullable=True, index=True),
    reference("stated_row", nullable=True),
    sealed("name"),
    word("valid_from", nullable=True, length=10),  # YYYY-MM-DD, both inclusive
    word("valid_to", nullable=True, length=10),
    reference("recorded_by", nullable=True),  # an import, a declaration or an account
    instant("recorded_at"),
    found_by("relation_id"),
    Index("ix_relations_subject_id_kind", "subject_id", "kind"),
    index_where_set("relations", "stated_row"),
)

# A declared time away (tạm vắng), with what was said of it.
absences: Final = Table(
    "absences",
    metadata,
    commune(),
    own_id("absence_id"),
    reference("person_id", index=True),
    word("valid_from", length=10),
    word("valid_to", nullable=True, length=10),
    sealed("destination"),
    sealed("reason"),
    reference("subject_id"),  # whose key sealed it; differs from person_id after a merge
    reference("recorded_by", nullable=True),
    instant("recorded_at"),
    found_by("absence_id"),
)

# Until when a foreigner may stay, as each source said; the latest said counts. Not the passport's expiry.
permitted_stays: Final = Table(
    "permitted_stays",
    metadata,
    commune(),
    own_id("permit_id"),
    reference("person_id", index=True),
    word("valid_to", length=10),
    reference("recorded_by", nullable=True),
    instant("recorded_at"),
    found_by("permit_id"),
    Index("ix_permitted_stays_commune_code_valid_to", "commune_code", "valid_to"),
)
