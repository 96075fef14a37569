"""Cases of another commune an officer opened by breaking the glass: who, which, why, until when.

- A row is written once and never changed; it ends by its own time. The person reads the reason beside the looks made by it.

Example: ``select(glass_breaks).where(glass_breaks.c.account_id == account_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, text

glass_breaks: Final = Table(
    "glass_breaks",
    metadata,
    commune(),
    own_id("break_id", 36),
    reference("case_id"),
    reference("account_id"),
    text("reason", nullable=False),
    instant("opened_at"),
    instant("ends_at"),
    found_by("break_id"),
    Index("ix_glass_breaks_account_id_case_id", "account_id", "case_id"),
)
