"""Looks for a case that is sealed, or an order: in the log at once like any other, shown to the person on a set day.

- Looks at what an order met are sealed in the same way, until the order is over.
- Two officers seal a case, until a day both saw, no later than the commune allows. Looks made before stay as they are.
- Each look says in its own committed text until when it is sealed, so nobody can put that off afterwards.

Example: ``sealed_until(connection, case_id, now=now)`` is None unless the case is sealed now
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, select

from registry import tables
from residence.clock import parse_instant
from residence.errors import Refused

KINDS = ("seal-looks", "enter-order")  # registry.second_eyes.Kind: both hold until a day both saw
_COLUMNS = tables.proposals.c
_RECORDS, _LOOKS = tables.access_records.c, tables.looks.c


def sealed_until(connection: Connection, case_id: str | None, *, now: datetime) -> datetime | None:
    """Return until when looks for a case are sealed, None when they are not."""
    if case_id is None:
        return None
    same = (_COLUMNS.subject == case_id, _COLUMNS.kind.in_(KINDS), _COLUMNS.outcome == "granted")
    content = connection.scalar(select(_COLUMNS.content).where(*same).order_by(_COLUMNS.settled_at.desc()).limit(1))
    until = parse_instant(content["until"]) if content else None
    return until if until is not None and until > now else None


def check_until(until: datetime, *, now: datetime, at_most: timedelta) -> datetime:
    """Return a day a case may be sealed until, or raise ``Refused("eyes.until")``."""
    if not now < until <= now + at_most:
        raise Refused("eyes.until", "/until")
    return until


def sealed_now(now: datetime) -> ColumnElement[bool]:
    """Return the condition that an access record may not be shown to the person yet."""
    whole = (_LOOKS.commune_code == _RECORDS.commune_code, _LOOKS.look_id == _RECORDS.look_id)
    return exists().where(*whole, _LOOKS.sealed_until > now).correlate(tables.access_records)


def is_sealed(connection: Connection, access_id: str, *, now: datetime) -> bool:
    """Tell whether one access record may not be shown yet."""
    query = select(_RECORDS.access_id).where(_RECORDS.access_id == access_id, sealed_now(now)).limit(1)
    return connection.scalar(query) is not None
