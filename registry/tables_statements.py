"""The log of statements as the registry has it: which number comes next, and the salted commitments in the order they were promised.

- One row says which log is open. Its number is raised in the transaction that records a batch, so that no number is given twice and none is left out.
- A block is what one batch promised: the number of its first statement, and 32 bytes for each. It names nobody; the salts stand in the receipts alone.
- Both lie with no commune: the order is one for all (ADR 163).

Example: ``select(statement_blocks.c.leaves).where(statement_blocks.c.log_id == log_id).order_by(statement_blocks.c.first)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Table

from registry.columns import commune, found_by, instant, metadata, octets, own_id, text, word

statement_logs: Final = Table(
    "statement_logs",
    metadata,
    commune(),
    own_id("counter", 16),
    word("log_id", length=8),  # the log's key, by its id
    text("origin", nullable=False),  # the log's name
    Column("next", BigInteger, nullable=False),  # the number the next statement gets
    Column("published", BigInteger, nullable=False),  # how long the log is at least
    Column("is_open", Boolean, nullable=False),  # whether receipts promise places
    instant("began_at"),
    found_by("counter"),
)

statement_blocks: Final = Table(
    "statement_blocks",
    metadata,
    commune(),
    own_id("block_id", 36),
    word("log_id", length=8),
    Column("first", BigInteger, nullable=False),
    octets("leaves"),  # 32 bytes a statement
    instant("at"),
    found_by("block_id"),
    Index("ix_statement_blocks_log_id_first", "log_id", "first"),
)
