"""How each facility's connection to another authority fares, as its sender last wrote it: for pages, and for a sender that starts anew.

Example: ``lines(connection)["kbtt", "sao-mai"].shut_until``
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from registry import tables
from registry.authority_catalogues import EVERYWHERE
from registry.bulk import write_rows


class LineState(msgspec.Struct, frozen=True, kw_only=True):
    """One connection."""

    authority: str
    facility: str
    state: str  # open | shut
    code: str | None
    failures: int
    shut_until: datetime | None
    changed_at: datetime


def lines(connection: Connection) -> dict[tuple[str, str], LineState]:
    """Return every connection that was ever used."""
    rows = connection.execute(select(tables.authority_lines).limit(10_000))
    found = [LineState(**{name: getattr(row, name) for name in LineState.__struct_fields__}) for row in rows]
    return {(each.authority, each.facility): each for each in found}


def is_spoken_to(connection: Connection, authority: str) -> bool:
    """Tell whether a process that speaks to an authority ever ran here."""
    authorities = tables.authority_lines.c.authority
    return connection.execute(select(authorities).where(authorities == authority).limit(1)).first() is not None


def write_line(connection: Connection, line: LineState) -> None:
    """Put a connection's state in the place of the one before; several senders may write it in the same moment."""
    row = msgspec.structs.asdict(line) | {"commune_code": EVERYWHERE}
    write_rows(connection, tables.authority_lines, [row], keep=("commune_code", "authority", "facility"))
