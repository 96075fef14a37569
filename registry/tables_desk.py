"""What a front desk itself leaves in the registry: its closed days.

- ``signed`` is the close as it was signed (``residence/wire/day_close.py``); counts and ids, nobody's name.

Example: ``select(day_closes).where(day_closes.c.premises_id == "htl-sao-mai", day_closes.c.day == "2026-07-10")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, instant, metadata, octets, own_id, reference, word

day_closes: Final = Table(
    "day_closes",
    metadata,
    commune(),
    own_id("close_id", 36),
    reference("premises_id"),
    word("day", length=10),  # YYYY-MM-DD
    word("version", length=16),  # of the list it was closed on: whether anything has changed since
    reference("account_id"),
    octets("signed"),
    instant("closed_at"),
    found_by("close_id"),
    Index("ix_day_closes_premises_id_day", "premises_id", "day"),
)
