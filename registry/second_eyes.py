"""Four eyes: what one asks for, another sees whole and grants or returns; never the same person.

- The same account cannot settle what it asked for, nor can another account bound to the same person of the register.
- Returned is not refused for ever: it may be asked for again, with the reason it was returned for in mind.
- What waits for one subject is asked for once; what is settled stays as it is.

Example: ``ask(connection, Wish(kind=Kind.SEAL_LOOKS, subject=case_id, content={"until": "..."}, ...), now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from registry.accounts import person_of
from registry.locking import locked_row
from residence.clock import uuid7
from residence.errors import Conflict, Refused

LONGEST_REASON: Final = 500
_COLUMNS = tables.proposals.c


class Kind(StrEnum):
    """What needs a second person."""

    SEAL_LOOKS = "seal-looks"  # looks for a case are counted now and shown to the person on a set day


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    kind: Kind
    subject: str
    content: Mapping[str, Any]
    reason: str
    asked_by: str
    commune_code: str


def ask(connection: Connection, wish: Wish, *, now: datetime, random_bytes: Callable[[int], bytes]) -> str:
    """Write down what is asked for; ``Conflict("eyes.waiting")`` when that waits already."""
    waits = (_COLUMNS.subject == wish.subject, _COLUMNS.kind == wish.kind.value, _COLUMNS.outcome.is_(None))
    if connection.scalar(select(_COLUMNS.proposal_id).where(*waits).limit(1)) is not None:
        raise Conflict("eyes.waiting")
    proposal_id = str(uuid7(now, random_bytes(10)))
    values = {
        "commune_code": wish.commune_code,
        "proposal_id": proposal_id,
        "kind": wish.kind.value,
        "subject": wish.subject,
        "content": dict(wish.content),
        "reason": _words(wish.reason),
        "asked_by": wish.asked_by,
        "asked_at": now,
    }
    connection.execute(insert(tables.proposals), [values])
    return proposal_id


def settle(connection: Connection, proposal_id: str, *, by: str, granted: bool, reason: str, now: datetime) -> None:
    """Grant or return; ``Refused("eyes.same_person")``, ``Conflict("eyes.settled")``."""
    row = locked_row(connection, tables.proposals, proposal_id)
    if row is None:
        raise Refused("eyes.unknown")
    if by == row.asked_by or _is_one_person(connection, by, row.asked_by):
        raise Refused("eyes.same_person")
    if row.outcome is not None:
        raise Conflict("eyes.settled")
    same = (_COLUMNS.commune_code == row.commune_code, _COLUMNS.proposal_id == proposal_id)
    values = {
        "settled_by": by,
        "settled_at": now,
        "outcome": "granted" if granted else "returned",
        "settled_reason": reason.strip()[:LONGEST_REASON] if granted else _words(reason),
    }
    connection.execute(update(tables.proposals).where(*same).values(values))


def _words(reason: str) -> str:
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        raise Refused("eyes.reason", "/reason")
    return said


def _is_one_person(connection: Connection, one: str, other: str) -> bool:
    return bool(_people_of(connection, one) & _people_of(connection, other))


def _people_of(connection: Connection, account_id: str) -> set[str]:
    """Return whom an account is bound to, and whoever stands for them since."""
    bound = connection.scalar(select(tables.accounts.c.person_id).where(tables.accounts.c.account_id == account_id))
    return {each for each in (bound, person_of(connection, account_id)) if each is not None}


def proposal(connection: Connection, proposal_id: str) -> Row[Any] | None:
    """Return one, or None."""
    return connection.execute(select(tables.proposals).where(_COLUMNS.proposal_id == proposal_id)).one_or_none()


def proposals_of(connection: Connection, commune_code: str, *, limit: int = 100) -> list[Row[Any]]:
    """Return a commune's proposals, those that wait first, then the youngest."""
    query = select(tables.proposals).where(_COLUMNS.commune_code == commune_code)
    return list(connection.execute(query.order_by(_COLUMNS.outcome.is_not(None), _COLUMNS.asked_at.desc()).limit(limit)).all())


def granted(connection: Connection, kind: Kind, subject: str) -> Row[Any] | None:
    """Return what was granted last for a subject."""
    same = (_COLUMNS.subject == subject, _COLUMNS.kind == kind.value, _COLUMNS.outcome == "granted")
    query = select(tables.proposals).where(*same).order_by(_COLUMNS.settled_at.desc()).limit(1)
    return connection.execute(query).one_or_none()
