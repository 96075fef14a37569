"""Closed days as they were signed, newest first; kept once and never changed.

- Closing the same list again answers with the close that stands: a button pressed twice closes once.

Example: ``newest_close(connection, Place("demo-01", "htl-sao-mai"), day="2026-07-10")``
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from registry import tables
from registry.desk_lists import Place
from residence.wire.day_close import DayClose, read_close

MOST: int = 62


class KeptClose(msgspec.Struct, frozen=True, kw_only=True):
    """One closed day. ``version``: of tonight's list as it was closed."""

    close_id: str
    commune_code: str
    premises_id: str
    day: str
    version: str
    account_id: str
    signed: bytes
    closed_at: datetime

    @property
    def close(self) -> DayClose:
        """Return what was signed; it is our own, so its signature is not checked again."""
        return read_close(self.signed)


def keep_close(connection: Connection, close: KeptClose) -> None:
    """Keep a close for good."""
    connection.execute(insert(tables.day_closes).values(msgspec.structs.asdict(close)))


def newest_close(connection: Connection, place: Place, *, day: str) -> KeptClose | None:
    """Return the last close of one evening."""
    columns = tables.day_closes.c
    found = select(tables.day_closes).where(
        columns.commune_code == place.commune_code, columns.premises_id == place.premises_id, columns.day == day
    )
    row = connection.execute(found.order_by(columns.closed_at.desc(), columns.close_id.desc()).limit(1)).first()
    return _kept(row) if row else None


def closes_at(connection: Connection, place: Place, *, limit: int = MOST) -> list[KeptClose]:
    """Return the closes of one premises, the latest evening first."""
    columns = tables.day_closes.c
    found = select(tables.day_closes).where(columns.commune_code == place.commune_code, columns.premises_id == place.premises_id)
    rows = connection.execute(found.order_by(columns.day.desc(), columns.closed_at.desc(), columns.close_id).limit(limit))
    return [_kept(row) for row in rows]


def kept_close(connection: Connection, close_id: str) -> KeptClose | None:
    """Return one close by id."""
    row = connection.execute(select(tables.day_closes).where(tables.day_closes.c.close_id == close_id).limit(1)).first()
    return _kept(row) if row else None


def _kept(row: Row[Any]) -> KeptClose:
    return KeptClose(**row._asdict())
