"""Another authority's code lists as they were fetched last: kept over a new start, and shown with their age.

Example: ``kept(connection, "kbtt", "nationalities").codes``
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, insert, select

from registry import tables

EVERYWHERE = "*"


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """One list. ``content``: code -> label."""

    name: str
    content: dict[str, str]
    fetched_at: datetime
    fresh_until: datetime
    etag: str | None = None


def kept(connection: Connection, authority: str, name: str) -> Catalogue | None:
    """Return a list, None when it was never fetched."""
    columns = tables.authority_catalogues.c
    query = select(tables.authority_catalogues).where(columns.authority == authority, columns.name == name)
    row = connection.execute(query.limit(1)).first()
    if row is None:
        return None
    return Catalogue(name=name, content=row.content, fetched_at=row.fetched_at, fresh_until=row.fresh_until, etag=row.etag)


def all_kept(connection: Connection, authority: str) -> list[Catalogue]:
    """Return every list that was ever fetched, by name."""
    columns = tables.authority_catalogues.c
    rows = connection.execute(
        select(tables.authority_catalogues).where(columns.authority == authority).order_by(columns.name).limit(100)
    )
    return [Catalogue(**{name: getattr(row, name) for name in Catalogue.__struct_fields__}) for row in rows]


def keep(connection: Connection, authority: str, catalogue: Catalogue) -> None:
    """Put a list in the place of the one before."""
    table = tables.authority_catalogues
    connection.execute(delete(table).where(table.c.authority == authority, table.c.name == catalogue.name))
    row = msgspec.structs.asdict(catalogue) | {"commune_code": EVERYWHERE, "authority": authority}
    connection.execute(insert(table), [row])
