"""How officers share the work: whom a case was given to, cases that rest, filters somebody saved, and what bars an officer from a case.

- A task names a case and accounts, never a person. A case without a row was given to nobody and does not rest.
- An interest is a place an officer must not decide about (own address, a relative's, own establishment), as somebody declared it; those the
  register itself tells are worked out when asked (``registry/interests.py``) and stand nowhere.

Example: ``select(case_tasks).where(case_tasks.c.case_id == case_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, text, word

case_tasks: Final = Table(
    "case_tasks",
    metadata,
    commune(),
    own_id("case_id"),
    reference("given_to", nullable=True),
    reference("given_by", nullable=True),  # an account; None: the distribution
    instant("given_at", nullable=True),
    document("handed_back"),  # accounts that gave it back: it is not given to them again
    instant("held_until", nullable=True),
    found_by("case_id"),
)

saved_filters: Final = Table(
    "saved_filters",
    metadata,
    commune(),
    own_id("filter_id", 36),
    reference("account_id", index=True),
    word("queue", length=32),
    word("label", length=40),
    text("asked", nullable=False),  # residence.cases.queues.Filter, as the end of an address
    instant("saved_at"),
    found_by("filter_id"),
)

# The kind is a registry.interests.InterestKind.
officer_interests: Final = Table(
    "officer_interests",
    metadata,
    commune(),
    own_id("interest_id", 36),
    reference("account_id"),
    word("kind", length=24),
    reference("premises_id"),
    word("declared_by"),
    instant("declared_at"),
    instant("ended_at", nullable=True),
    found_by("interest_id"),
    Index("ix_officer_interests_account_id", "account_id"),
)
