"""Who lets whom act for them, for what and until when, and each use of it.

- Both sides' words for the other are sealed under their own keys. A code that waits to be taken is here as a hash.
- A use names whose page it was, by whom, under which delegation (none: as a guardian, ``relation_id``); its act is seen, left or wrong.

Example: ``select(delegation_uses).where(delegation_uses.c.person_id == person_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, document, found_by, index_where_set, instant, metadata, own_id, reference, sealed, word

delegations: Final = Table(
    "delegations",
    metadata,
    commune(),
    own_id("delegation_id", 36),
    reference("giver_id", index=True),
    reference("given_by"),
    document("scopes"),
    sealed("giver_label"),
    instant("given_at"),
    instant("ends_at"),
    reference("code_hash", nullable=True),
    reference("taker_id", nullable=True),
    reference("taken_by", nullable=True),
    sealed("taker_label"),
    instant("taken_at", nullable=True),
    instant("ended_at", nullable=True),
    reference("ended_by", nullable=True),
    found_by("delegation_id"),
    index_where_set("delegations", "code_hash"),
    index_where_set("delegations", "taker_id"),
)

delegation_uses: Final = Table(
    "delegation_uses",
    metadata,
    commune(),
    own_id("use_id", 36),
    reference("person_id"),
    reference("account_id"),
    reference("delegation_id", nullable=True),
    reference("relation_id", nullable=True),
    word("act", length=16),
    reference("stay_id", nullable=True),
    instant("at"),
    found_by("use_id"),
    Index("ix_delegation_uses_person_id_at", "person_id", "at"),
    Index("ix_delegation_uses_account_id_at", "account_id", "at"),
)
