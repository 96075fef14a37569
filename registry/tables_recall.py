"""Which guests agreed that a house may fill a form in with their data when they come again.

- A row names the statement the guest agreed with, and no person: it follows the statement wherever that goes, and leads nowhere once it is erased.

Example: ``select(recall_consents).where(recall_consents.c.ended_at.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference

recall_consents: Final = Table(
    "recall_consents",
    metadata,
    commune(),
    own_id("declaration_id", 36),
    reference("premises_id"),
    reference("account_id"),  # who took the guest's word
    instant("given_at", index=True),
    instant("ended_at", nullable=True),
    found_by("declaration_id"),
)
