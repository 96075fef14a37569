"""Codes on slips that open the page of one stay: which were issued, when each was first used, how often somebody guessed.

- No code is here: what a code is follows from the statement's own random bytes or from the vault.
- One row for each statement of which a code was issued or tried.

Example: ``select(stay_codes.c.first_used_at).where(stay_codes.c.declaration_id == declaration_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, Table

from registry.columns import commune, found_by, index_where_set, instant, metadata, own_id, reference

stay_codes: Final = Table(
    "stay_codes",
    metadata,
    commune(),
    own_id("declaration_id", 36),
    reference("stay_id"),
    Column("issue", Integer, nullable=False),  # 0: the kiosk's own slip; each that a desk issues counts one more
    reference("issued_by", nullable=True),
    instant("issued_at", nullable=True),
    instant("first_used_at", nullable=True),
    instant("closed_at", nullable=True),
    reference("account_id", nullable=True),  # what it opened
    Column("wrong", Integer, nullable=False),  # how often something else was tried in its place
    found_by("declaration_id"),
    index_where_set("stay_codes", "account_id"),
)
