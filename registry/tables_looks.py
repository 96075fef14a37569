"""Looks as the log has them: one row a look, however many people it showed.

- ``entry`` is what everybody may read (residence.transparency.looks); ``secret`` salts the rows and never leaves but row by row.
- Without a place in the log a look waits to be published; the log's files say which place it got, and this row only finds it again.

Example: ``select(looks).where(looks.c.place_in_log.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, found_by, instant, metadata, octets, own_id, text, word

WAITING: Final = text_of_sql("place_in_log IS NULL")

# One row a commune: the mark its looks are counted under in the log, and the last number given.
look_numbers: Final = Table(
    "look_numbers",
    metadata,
    commune(),
    own_id("counter", 16),
    word("unit", length=16),
    Column("last", BigInteger, nullable=False),
    found_by("counter"),
)

looks: Final = Table(
    "looks",
    metadata,
    commune(),
    own_id("look_id", 36),
    octets("secret"),
    octets("row_hashes"),  # 32 bytes a row
    octets("entry"),
    Column("number", BigInteger, nullable=False),  # without a gap in a commune, given in the look's own transaction
    instant("at"),
    instant("sealed_until", nullable=True),
    Column("place_in_log", BigInteger, nullable=True, index=True),
    found_by("look_id"),
    Index("ix_looks_waiting", "number", "look_id", sqlite_where=WAITING, postgresql_where=WAITING),
)

# What an entry of another kind than a look commits to (residence.transparency.looks.Kind); names nobody.
log_statements: Final = Table(
    "log_statements",
    metadata,
    commune(),
    own_id("look_id", 36),
    word("kind", length=8),
    text("said", nullable=False),
    found_by("look_id"),
)
