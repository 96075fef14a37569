"""Alembic's entry: migrates the connection it is handed, never one of its own.

- ``registry.database.upgrade`` passes the connection in ``config.attributes``; addresses and secrets are nowhere in a file.
- SQLite cannot alter columns in place, so changes are rendered as batches there.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from registry import columns, tables


def render_item(kind: str, value: Any, _autogen_context: AutogenContext) -> str | Literal[False]:
    """Write our column kinds by name; leave the rest to Alembic."""
    if kind == "type" and isinstance(value, columns.Instant | columns.Document):
        return f"columns.{type(value).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
