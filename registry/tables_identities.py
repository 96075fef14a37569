"""Which identity of which provider opens which account.

- An identity is the keyed blind index of issuer and subject: a subject may be somebody's number, and the table does not say it.

Example: ``select(identities.c.account_id).where(identities.c.identity_id == index.hex())``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ForeignKeyConstraint, Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, word

identities: Final = Table(
    "identities",
    metadata,
    commune(),
    own_id("identity_id"),  # hex
    reference("account_id", index=True),
    word("provider", length=32),
    instant("created_at"),
    instant("last_used_at", nullable=True),
    ForeignKeyConstraint(["commune_code", "account_id"], ["accounts.commune_code", "accounts.account_id"]),
    found_by("identity_id"),
)
