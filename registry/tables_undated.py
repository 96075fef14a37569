"""Declarations that a kiosk kept while its clock was not confirmed and that reached us after their deadline: to be dated when it is.

Example: ``select(undated_declarations).where(undated_declarations.c.kiosk_id == kiosk_id, undated_declarations.c.kept_at.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, found_by, instant, metadata, own_id, reference, word

WAITING: Final = text_of_sql("kept_at IS NULL")

undated_declarations: Final = Table(
    "undated_declarations",
    metadata,
    commune(),
    own_id("declaration_id", 36),
    reference("kiosk_id"),
    word("boot_id", length=36),
    Column("monotonic_ns", BigInteger, nullable=False),
    instant("due"),
    instant("received_at"),
    instant("kept_at", nullable=True),  # when it was kept, once that is known
    instant("recorded_at", index=True),
    found_by("declaration_id"),
    Index("ix_undated_declarations_waiting", "kiosk_id", sqlite_where=WAITING, postgresql_where=WAITING),
)
