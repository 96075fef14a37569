"""What cleaning found, who decided it and why, how far a pass has come, and what a person confirmed anew.

- An item's id follows from its rule, commune and what it is about: found again it is the same item. ``digest`` is keyed and says whether the data
  behind it changed; it tells nothing else. Evidence is ids of rows, never a value.
- state: open | decided | cleared. A decided item stays decided until its digest is another; a cleared one is no longer found.
- ``cleaning_steps`` is written once for each change of an item; ``before`` is what an undo restores. A decision is the steps of one batch.

Example: ``select(cleaning_items).where(cleaning_items.c.commune_code == "demo-01", cleaning_items.c.state == "open")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import (
    commune,
    document,
    found_by,
    index_where_set,
    instant,
    metadata,
    own_id,
    reference,
    text,
    word,
)

cleaning_items: Final = Table(
    "cleaning_items",
    metadata,
    commune(),
    own_id("item_id", 36),
    word("rule", length=32),  # residence.cleaning.rules.RuleName
    reference("subject_id"),  # what it was found at
    document("evidence"),  # [[kind, id], ...]
    word("digest", length=32),
    word("state", length=16),
    word("owner"),  # a role, or the account that took it
    instant("due"),
    instant("found_at"),
    instant("seen_at"),  # the last pass that found it
    word("outcome", nullable=True, length=16),
    reference("batch_id", nullable=True),  # the decision that stands
    found_by("item_id"),
    Index("ix_cleaning_items_commune_code_state_rule_due", "commune_code", "state", "rule", "due"),
    Index("ix_cleaning_items_subject_id", "subject_id"),
    index_where_set("cleaning_items", "batch_id"),
)

# Every person, household or premises an item is about: what clears it, and what an erased person takes along.
cleaning_links: Final = Table(
    "cleaning_links",
    metadata,
    commune(),
    own_id("about_id"),
    own_id("item_id", 36),
    found_by("about_id", "item_id"),
    Index("ix_cleaning_links_item_id", "item_id"),
    sqlite_with_rowid=False,
)

# step: found | back | cleared | taken | decided | undone. ``by`` is empty where the search itself did it.
cleaning_steps: Final = Table(
    "cleaning_steps",
    metadata,
    commune(),
    own_id("step_id", 36),
    reference("item_id", index=True),
    reference("batch_id", nullable=True),
    word("step", length=16),
    word("outcome", nullable=True, length=16),
    word("by", nullable=True),
    text("reason"),
    document("before", nullable=True),
    instant("at"),
    found_by("step_id"),
    index_where_set("cleaning_steps", "batch_id"),
)

# One row for each kind of subject; the commune is that of nobody, for a pass goes through all. ``after`` is the last id judged.
cleaning_passes: Final = Table(
    "cleaning_passes",
    metadata,
    commune(),
    own_id("subject", 16),
    reference("after"),
    instant("since", nullable=True),  # judge what changed since; null: everything
    instant("began_at"),
    instant("ended_at", nullable=True),
)

# A field somebody confirmed anew. What came with a card or a register is read from there.
confirmations: Final = Table(
    "confirmations",
    metadata,
    commune(),
    own_id("person_id"),
    own_id("field", 32),  # residence.cleaning.rules.Freshness
    word("confirmed_by"),
    instant("confirmed_at"),
    found_by("person_id", "field"),
)
