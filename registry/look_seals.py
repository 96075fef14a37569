"""Sealing the looks of one case for a time: the person sees that there are so many, and not whose, until the day has come.

- Whoever seals is an officer of the case's commune who does not hold the case, and says on what ground. The ground is kept, never shown.
- A seal has an end, at most ``LONGEST`` away (ours: no law is known); it cannot be without one, and it cannot be renewed before the last month.
- Nothing is hidden from the count: ``registry/disclosures.py`` tells how many looks are sealed and until when at the latest.

Example: ``seal_looks(connection, case_id, ground="...", by="acc-2", until=day, now=now, random_bytes=os.urandom)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, exists, insert, or_, select

from registry import tables
from registry.accounts import find_account
from registry.cases import case
from registry.changing import LONGEST_REASON
from residence.clock import uuid7
from residence.errors import Conflict, Refused

LONGEST: Final = timedelta(days=180)
RENEWED_FROM: Final = timedelta(days=30)


def seal_looks(
    connection: Connection,
    case_id: str,
    *,
    ground: str,
    by: str,
    until: datetime,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Seal the looks bound to a case; returns the seal's id, or raises ``Refused`` / ``Conflict("looks.sealed")``."""
    found, account = case(connection, case_id), find_account(connection, by)
    if found is None or account is None or account.disabled_at is not None or account.role != "officer":
        raise Refused("server.not_allowed")
    if account.commune_code != found.commune_code or found.claimed_by == account.account_id:
        raise Refused("looks.seal_by")
    if not ground.strip() or len(ground) > LONGEST_REASON:
        raise Refused("looks.seal_ground", "/ground")
    if not now < until <= now + LONGEST:
        raise Refused("looks.seal_until", "/until")
    columns = tables.look_seals.c
    standing = (columns.commune_code == found.commune_code, columns.about == case_id, columns.until > now + RENEWED_FROM)
    if connection.scalar(select(columns.seal_id).where(*standing).limit(1)) is not None:
        raise Conflict("looks.sealed")
    row = {
        "commune_code": found.commune_code,
        "seal_id": str(uuid7(now, random_bytes(10))),
        "about": case_id,
        "ground": ground.strip(),
        "sealed_by": account.account_id,
        "sealed_at": now,
        "until": until,
    }
    connection.execute(insert(tables.look_seals), [row])
    return str(row["seal_id"])


def sealed_now(now: datetime) -> ColumnElement[bool]:
    """Return the condition that an access record is sealed: by its case here, or by the look's own word in the log."""
    records, seals, logged = tables.access_records.c, tables.look_seals.c, tables.looks.c
    by_case = exists().where(seals.commune_code == records.commune_code, seals.about == records.about, seals.until > now)
    by_itself = exists().where(
        logged.commune_code == records.commune_code, logged.look_id == records.look_id, logged.sealed_until > now
    )
    return or_(by_case, by_itself)


def is_sealed(connection: Connection, access_id: str, *, now: datetime) -> bool:
    """Tell whether one access record is sealed."""
    records = tables.access_records.c
    query = select(records.access_id).where(records.access_id == access_id, sealed_now(now)).limit(1)
    return connection.scalar(query) is not None
