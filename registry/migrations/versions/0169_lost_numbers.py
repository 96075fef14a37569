"""Numbers of a kiosk's count that somebody called lost for good

Revision ID: 0169
Revises: 0163
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry import columns

revision = "0169"
down_revision = "0163"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lay who called which numbers lost, when and why."""
    op.create_table(
        "kiosk_lost_numbers",
        sa.Column("commune_code", sa.String(length=16), nullable=False),
        sa.Column("closing_id", sa.String(length=36), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=64), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.String(length=64), nullable=False),
        sa.Column("closed_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("closing_id", "commune_code", name=op.f("pk_kiosk_lost_numbers")),
    )
    op.create_index(
        "ix_kiosk_lost_numbers_commune_code_closed_at", "kiosk_lost_numbers", ["commune_code", "closed_at"], unique=False
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("kiosk_lost_numbers")
