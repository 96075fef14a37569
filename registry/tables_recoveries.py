"""Ways back in: who showed their paper at the commune police, which two officers saw it or until when it waits, who stopped it, when it was used.

- The code on the person's paper is here as a hash only.

Example: ``select(recoveries).where(recoveries.c.person_id == person_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, word

recoveries: Final = Table(
    "recoveries",
    metadata,
    commune(),
    own_id("recovery_id", 36),
    reference("person_id", index=True),
    word("paper", length=32),  # residence.people.person.DocumentKind
    reference("asked_by"),
    instant("asked_at"),
    instant("opens_at", nullable=True),  # None: only when a second officer has seen them
    reference("seconded_by", nullable=True),
    instant("seconded_at", nullable=True),
    reference("stopped_by", nullable=True),
    instant("stopped_at", nullable=True),
    reference("code_hash"),
    instant("used_at", nullable=True),
    found_by("recovery_id"),
    Index("ix_recoveries_code_hash", "code_hash"),
)
