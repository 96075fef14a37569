"""Every look on the record: written with the look, never changed, readable by the person looked at.

- One row per person looked at: who, in which role, for which purpose, bound to what, which fields; never a value.
- A telling to another authority is on the record like a look: its role is ``authority``, its purpose ``TELL_AUTHORITY``.
- Only what releases fields adds rows: ``registry/release.py``, ``registry/seen_persons.py``, ``registry/looking_back.py``,
  ``registry/authority_content.py``.

Example: ``looks_at(connection, person_id)`` is what a resident sees about themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Row, insert, select

from registry import tables
from residence.access.purposes import Field
from residence.clock import uuid7

if TYPE_CHECKING:
    from registry.release import Look

TELL_AUTHORITY: Final = "tell-authority"


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
            "way": look.way,
            "at": now,
        }
        for person_id in person_ids
    ]
    if rows:
        connection.execute(insert(tables.access_records), rows)


def add_telling(
    connection: Connection,
    person_id: str,
    *,
    commune_code: str,
    told: tuple[str, str, frozenset[Field]],
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Write that an authority is told of somebody. ``told``: which authority, about which stay, which fields."""
    authority, stay_id, fields = told
    row = {
        "commune_code": commune_code,
        "access_id": str(uuid7(now, random_bytes(10))),
        "person_id": person_id,
        "account_id": authority,
        "role": "authority",
        "purpose": TELL_AUTHORITY,
        "about": stay_id,
        "fields": sorted(field.value for field in fields),
        "way": "told",
        "at": now,
    }
    connection.execute(insert(tables.access_records), [row])


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
