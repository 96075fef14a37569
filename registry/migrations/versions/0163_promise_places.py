"""Promise places in the log of statements

Revision ID: 0163
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry import columns

revision = "0163"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lay which log is open, and the blocks of commitments."""
    op.create_table(
        "statement_logs",
        sa.Column("commune_code", sa.String(length=16), nullable=False),
        sa.Column("counter", sa.String(length=16), nullable=False),
        sa.Column("log_id", sa.String(length=8), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("began_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("counter", "commune_code", name=op.f("pk_statement_logs")),
    )
    op.create_table(
        "statement_blocks",
        sa.Column("commune_code", sa.String(length=16), nullable=False),
        sa.Column("block_id", sa.String(length=36), nullable=False),
        sa.Column("log_id", sa.String(length=8), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("block_id", "commune_code", name=op.f("pk_statement_blocks")),
    )
    op.create_index("ix_statement_blocks_log_id_first", "statement_blocks", ["log_id", "first"], unique=False)


def downgrade() -> None:
    """Drop them again; the log's files stay."""
    op.drop_table("statement_blocks")
    op.drop_table("statement_logs")
