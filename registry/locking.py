"""A row asked for by its id and locked until the transaction ends, in the way a distributed database can: its commune is named with the lock.

- Ids are looked up wherever they are; a lock is taken in one shard only, so it names the shard. A row's commune never changes, so nothing can come between.

Example: ``row = locked_row(connection, tables.residences, residence_id)`` is None when there is none
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Row, Table, select


def id_column(table: Table) -> Column[str]:
    """Return the column a row of a table is asked for by."""
    return next(each for each in table.primary_key if each.name != "commune_code")


def locked_row(connection: Connection, table: Table, row_id: str) -> Row[Any] | None:
    """Return a row, locked, or None."""
    own_id = id_column(table)
    commune_code = connection.scalar(select(table.c.commune_code).where(own_id == row_id).limit(1))
    if commune_code is None:
        return None
    same = (table.c.commune_code == commune_code, own_id == row_id)
    return connection.execute(select(table).where(*same).with_for_update()).one_or_none()
