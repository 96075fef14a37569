"""What one officer asks for and another grants or returns, whole as it was asked.

- A row is never changed but once: when it is settled. What was granted is read from here by whoever acts on it.

Example: ``select(proposals).where(proposals.c.outcome.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, text, word

WAITING: Final = text_of_sql("outcome IS NULL")

# The kind is a registry.second_eyes.Kind, the outcome granted or returned.
proposals: Final = Table(
    "proposals",
    metadata,
    commune(),
    own_id("proposal_id", 36),
    word("kind", length=24),
    reference("subject"),
    document("content"),
    text("reason", nullable=False),
    reference("asked_by"),
    instant("asked_at"),
    reference("settled_by", nullable=True),
    instant("settled_at", nullable=True),
    word("outcome", nullable=True, length=16),
    text("settled_reason"),
    found_by("proposal_id"),
    Index("ix_proposals_subject_kind", "subject", "kind"),
    Index("ix_proposals_waiting", "commune_code", "asked_at", sqlite_where=WAITING, postgresql_where=WAITING),
)
