"""Dead letters as one commune's operator sees them: its own, and those whose sender nobody knows; never a payload.

Example: ``letters_of(connection, "demo-01")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select

from registry import tables
from registry.quarantine import NOWHERE, StoredLetter

_TABLE: Final = tables.quarantine
_WAITING: Final = ("new", "retry")


def letters_of(connection: Connection, commune_code: str, *, limit: int = 100) -> list[StoredLetter]:
    """Return the letters that wait, the newest first."""
    query = (
        select(*(_TABLE.c[name] for name in StoredLetter.__struct_fields__))
        .where(_TABLE.c.state.in_(_WAITING), _TABLE.c.commune_code.in_((commune_code, NOWHERE)))
        .order_by(_TABLE.c.received_at.desc(), _TABLE.c.quarantine_id)
        .limit(limit)
    )
    return [StoredLetter(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001  # SQLAlchemy's public name


def counts_of(connection: Connection, commune_code: str) -> dict[str, int]:
    """Return how often each code came, over the letters that wait."""
    query = (
        select(_TABLE.c.code, func.sum(_TABLE.c.seen_count))
        .where(_TABLE.c.state.in_(_WAITING), _TABLE.c.commune_code.in_((commune_code, NOWHERE)))
        .group_by(_TABLE.c.code)
        .order_by(_TABLE.c.code)
    )
    return {code: int(total) for code, total in connection.execute(query)}
