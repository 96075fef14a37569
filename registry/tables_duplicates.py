"""Pairs of persons who may be one: proposed by a search, decided by a person, undone by a person.

- state: proposed | same | different | withdrawn. Only ``proposed`` is ever changed by a search; what a person decided stays.
- ``said`` holds what each comparison said, as codes and bits; no value of a person is in it.
- ``merge_id`` is the merge of a pair that is one person (``registry/merging.py``).
- ``later_until``: somebody put the pair off until then; it waits all the same.
- ``duplicate_steps`` keeps every step a person took with a pair: same, different, undone, later; by whom and why.
- The commune is the first person's; ``other_commune`` lets the second's find the pair too.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, Index, Table

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, text, word

duplicate_pairs: Final = Table(
    "duplicate_pairs",
    metadata,
    commune(),
    own_id("pair_id", 36),
    reference("one_id"),
    reference("other_id"),
    word("other_commune", length=16),
    word("state", length=16),
    Column("bits", Float, nullable=False),
    document("said"),
    word("model", length=16),  # the beginning of the model's SHA-256: what found it
    instant("found_at"),
    instant("seen_at"),  # the last search that found it
    instant("decided_at", nullable=True),
    word("decided_by", nullable=True),
    text("reason"),
    reference("merge_id", nullable=True),
    instant("later_until", nullable=True),
    found_by("pair_id"),
    Index("ix_duplicate_pairs_commune_code_state_bits", "commune_code", "state", "bits"),
    Index("ix_duplicate_pairs_other_commune_state_bits", "other_commune", "state", "bits"),
    Index("ix_duplicate_pairs_state_seen_at", "state", "seen_at"),
    Index("ix_duplicate_pairs_one_id", "one_id"),
    Index("ix_duplicate_pairs_other_id", "other_id"),
)

duplicate_steps: Final = Table(
    "duplicate_steps",
    metadata,
    commune(),
    own_id("step_id", 36),
    reference("pair_id", index=True),
    word("step", length=16),
    word("by"),
    text("reason"),
    instant("at"),
    found_by("step_id"),
)
