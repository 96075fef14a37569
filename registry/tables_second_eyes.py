"""What one officer asks for and another grants or returns, whole as it was asked.

- A row is changed when it is settled, and once more where what was granted is fetched later. What was granted is read from here by
  whoever acts on it.
- ``digest`` is the SHA-256 of what would happen, as whoever asked was shown it; nothing else can be granted.

Example: ``select(proposals).where(proposals.c.outcome.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, text, word

WAITING: Final = text_of_sql("outcome IS NULL")

# The kind is a registry.second_eyes.Kind, the outcome granted, returned or refused.
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
    word("digest", length=64),
    instant("expires_at"),
    reference("settled_by", nullable=True),
    instant("settled_at", nullable=True),
    word("outcome", nullable=True, length=16),
    text("settled_reason"),
    instant("fetched_at", nullable=True),  # of what was granted to be fetched once
    found_by("proposal_id"),
    Index("ix_proposals_subject_kind", "subject", "kind"),
    Index("ix_proposals_waiting", "commune_code", "asked_at", sqlite_where=WAITING, postgresql_where=WAITING),
)
