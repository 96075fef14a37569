"""Every look on the record: written with the look, never changed, readable by the person looked at.

- One row per person looked at: who, in which role, for which purpose, bound to what, which fields; never a value.
- Only what releases fields adds rows: ``registry/release.py``, ``registry/seen_persons.py``, ``registry/looking_back.py``.

Example: ``looks_at(connection, person_id)`` is what a resident sees about themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert, select

from registry import tables
from residence.access.purposes import Field
from residence.clock import uuid7

if TYPE_CHECKING:
    from registry.release import Look


def add(
    connection: Connection,
    person_ids: Iterable[str],
    *,
    look: Look,
    fields: frozenset[Field],
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Write one record per person, in the caller's transaction."""
    rows = [
        {
            "commune_code": look.commune_code,
            "access_id": str(uuid7(now, random_bytes(10))),
            "person_id": person_id,
            "account_id": look.account_id,
            "role": look.role,
            "purpose": look.purpose.value,
            "about": look.about,
            "fields": sorted(field.value for field in fields),
            "at": now,
        }
        for person_id in person_ids
    ]
    if rows:
        connection.execute(insert(tables.access_records), rows)


def looks_at(connection: Connection, person_id: str, *, limit: int = 100) -> list[Row[Any]]:
    """Return the youngest looks at one person."""
    columns = tables.access_records.c
    query = (
        select(tables.access_records).where(columns.person_id == person_id).order_by(columns.at.desc(), columns.access_id.desc())
    )
    return list(connection.execute(query.limit(limit)).all())


def looks_by(connection: Connection, account_id: str, *, limit: int = 100) -> list[Row[Any]]:
    """Return the youngest looks by one account."""
    columns = tables.access_records.c
    query = (
        select(tables.access_records)
        .where(columns.account_id == account_id)
        .order_by(columns.at.desc(), columns.access_id.desc())
    )
    return list(connection.execute(query.limit(limit)).all())
