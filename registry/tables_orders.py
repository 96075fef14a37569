"""Orders of a court or an investigation that two officers entered from a paper, and which declarations one of them met.

- An order names a person by the keyed index of one number and no more; when it is over, the index goes.
- A match names the declaration, not the person, and is shown to the accounts of the unit that the order names, to nobody else.

Example: ``select(orders).where(orders.c.number_index.is_not(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import blind_index, commune, document, found_by, instant, metadata, own_id, reference, text, word

IN_FORCE: Final = text_of_sql("number_index IS NOT NULL")

# kind: residence.cases.orders.OrderKind. ``held_until``: declarations recorded until then were held against it.
orders: Final = Table(
    "orders",
    metadata,
    commune(),
    own_id("order_id", 36),
    word("kind", length=16),
    text("paper", nullable=False),
    text("issuer", nullable=False),
    text("unit", nullable=False),
    document("receivers"),  # accounts
    blind_index("number", nullable=True),
    instant("in_force_at"),
    instant("expires_at"),
    instant("held_until"),
    reference("entered_by"),
    reference("granted_by"),
    Column("held_against", BigInteger, nullable=False),
    Column("matched", BigInteger, nullable=False),
    found_by("order_id"),
    Index("ix_orders_in_force", "commune_code", "expires_at", sqlite_where=IN_FORCE, postgresql_where=IN_FORCE),
)

order_matches: Final = Table(
    "order_matches",
    metadata,
    commune(),
    own_id("match_id", 36),
    reference("order_id", index=True),
    reference("declaration_id"),
    reference("premises_id"),
    word("unit", nullable=True, length=32),
    word("kind", length=16),
    instant("declared_at"),
    instant("matched_at"),
    found_by("match_id"),
)
