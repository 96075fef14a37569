"""Every look on the record: written with the look, never changed, readable by the person looked at.

- One row per person looked at: who, in which role, for which purpose, bound to what, which fields; never a value.
- A telling to another authority is on the record like a look: its role is ``authority``, its purpose ``TELL_AUTHORITY``.
- All people of one look make one look in the log (``registry/look_log.py``): a list costs the log one entry, and each of its rows counts.
- Only what releases fields adds rows: ``registry/release.py``, ``registry/seen_persons.py``, ``registry/looking_back.py``,
  ``registry/authority_content.py``; an erasure, which shows nothing (``registry/erasing.py``);
  and somebody who takes the proof of their own stay, so that the proof has a place in the log (ADR 96).

Example: ``looks_by(connection, account_id)`` is what an officer sees of their own looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select

from registry import look_log, tables
from registry.sealed_looks import sealed_until
from residence.access.purposes import Field, Way
from residence.clock import uuid7
from residence.transparency.looks import SECRET_BYTES
from residence.wire.deletions import PURPOSE
from residence.wire.stay_proofs import LOG_PURPOSE

if TYPE_CHECKING:
    from registry.release import Look

TELL_AUTHORITY: Final = "tell-authority"
ERASE: Final = PURPOSE


def add(
    connection: Connection,
    person_ids: Iterable[str],
    *,
    look: Look,
    fields: frozenset[Field],
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Write one record per person and the look they make together, in the caller's transaction."""
    told = _Told(
        commune_code=look.commune_code,
        account_id=look.account_id,
        role=look.role,
        purpose=look.purpose.value,
        about=look.about,
        fields=fields,
        way=look.way,
    )
    _write(connection, list(person_ids), told, now=now, random_bytes=random_bytes)


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
    telling = _Told(
        commune_code=commune_code,
        account_id=authority,
        role="authority",
        purpose=TELL_AUTHORITY,
        about=stay_id,
        fields=fields,
        way="told",
    )
    _write(connection, [person_id], telling, now=now, random_bytes=random_bytes)


def add_erasure(
    connection: Connection,
    person_id: str,
    *,
    commune_code: str,
    by: str,
    about: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Write that a person was erased and by whom; returns the record's id. ``about``: the digest of the certificate."""
    erasing = _Told(
        commune_code=commune_code, account_id=by, role="operator", purpose=ERASE, about=about, fields=frozenset(), way="single"
    )
    return _write(connection, [person_id], erasing, now=now, random_bytes=random_bytes)[0]


def add_own_proof(
    connection: Connection,
    person_id: str,
    *,
    commune_code: str,
    by: str,
    about: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Write that a person took the proof of a statement about themselves; returns the record's id. ``about``: the statement's digest."""
    taking = _Told(
        commune_code=commune_code,
        account_id=by,
        role="resident",
        purpose=LOG_PURPOSE,
        about=about,
        fields=frozenset(),
        way="single",
    )
    return _write(connection, [person_id], taking, now=now, random_bytes=random_bytes)[0]


def own_proof(connection: Connection, person_id: str, about: str) -> str | None:
    """Return the record of the first time a person took this proof, None when they never did."""
    columns = tables.access_records.c
    same = (columns.person_id == person_id, columns.about == about, columns.purpose == LOG_PURPOSE)
    return connection.scalar(select(columns.access_id).where(*same).order_by(columns.at).limit(1))


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of one look share."""

    commune_code: str
    account_id: str
    role: str
    purpose: str
    about: str | None
    fields: frozenset[Field]
    way: Way


def _write(
    connection: Connection, person_ids: list[str], told: _Told, *, now: datetime, random_bytes: Callable[[int], bytes]
) -> list[str]:
    if not person_ids:
        return []
    look_id = str(uuid7(now, random_bytes(10)))
    shared = {
        "commune_code": told.commune_code,
        "account_id": told.account_id,
        "role": told.role,
        "purpose": told.purpose,
        "about": told.about,
        "fields": sorted(field.value for field in told.fields),
        "way": told.way,
        "at": now,
        "look_id": look_id,
    }
    rows = [
        {**shared, "access_id": str(uuid7(now, random_bytes(10))), "person_id": person_id, "place": place}
        for place, person_id in enumerate(person_ids)
    ]
    connection.execute(insert(tables.access_records), rows)
    sealed = sealed_until(connection, told.about, now=now) if told.role == "officer" else None
    look_log.add_look(connection, rows, look_id=look_id, secret=random_bytes(SECRET_BYTES), sealed_until=sealed)
    return [str(row["access_id"]) for row in rows]


def has_looked(connection: Connection, account_id: str, about: str, *, since: datetime) -> bool:
    """Tell whether an account looked at what a case, pair or stay is about, since a moment."""
    columns = tables.access_records.c
    same = (columns.account_id == account_id, columns.about == about, columns.at >= since)
    return connection.scalar(select(columns.access_id).where(*same).limit(1)) is not None


def looks_by(connection: Connection, account_id: str, *, limit: int = 100) -> list[Row[Any]]:
    """Return the youngest looks by one account."""
    columns = tables.access_records.c
    query = (
        select(tables.access_records)
        .where(columns.account_id == account_id)
        .order_by(columns.at.desc(), columns.access_id.desc())
    )
    return list(connection.execute(query.limit(limit)).all())
