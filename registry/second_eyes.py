"""Four eyes: what one asks for, another sees whole and grants, refuses or returns; never the same person.

- The same account cannot settle what it asked for, nor can another account bound to the same person of the register.
- What would happen is worked out when it is asked, and its digest kept. It is granted by whoever was shown exactly that, while exactly that
  would still happen; ``Conflict("eyes.changed")`` otherwise: then it can only be returned, and asked for anew.
- Returned may be asked for again; refused may not be while nothing has changed. What nobody settles in its time expires.
- What waits for one subject is asked for once; what is settled stays as it is.

Example: ``ask(connection, Wish(kind=Kind.SEAL_LOOKS, subject=case_id, content={"until": "..."}, ...), now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from registry import tables
from registry.accounts import KnownAccount, account_from, person_of
from registry.locking import locked_row
from residence.clock import uuid7
from residence.errors import Conflict, Refused

LONGEST_REASON: Final = 500
_COLUMNS = tables.proposals.c


class Kind(StrEnum):
    """What needs a second person."""

    SEAL_LOOKS = "seal-looks"  # looks for a case are counted now and shown to the person on a set day
    HAND_OUT = "hand-out"  # a case leaves as a file, with the name
    MERGE = "merge"  # two records become one person
    BULK = "bulk"  # one step with more cases than one officer may do at once
    ENTER_ORDER = "enter-order"  # an order of a court or an investigation is held against declarations
    LOOK_RULES = "look-rules"  # when looks are asked about


class Answer(StrEnum):
    """What a second person says."""

    GRANTED = "granted"
    REFUSED = "refused"
    RETURNED = "returned"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. ``digest``: of what would happen (``digest_of``)."""

    kind: Kind
    subject: str
    content: Mapping[str, Any]
    digest: str
    reason: str
    asked_by: str
    commune_code: str
    expires_at: datetime


class Settling(msgspec.Struct, frozen=True, kw_only=True):
    """What a second person says, and what they were shown; ``current`` is the digest of what would happen now."""

    by: str
    answer: Answer
    reason: str
    seen: str = ""
    current: str = ""


def digest_of(preview: Mapping[str, Any]) -> str:
    """Return the digest of what would happen: SHA-256 over it as JSON with its names in order.

    >>> digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(msgspec.json.encode(preview, order="sorted")).hexdigest()


def ask(connection: Connection, wish: Wish, *, now: datetime, random_bytes: Callable[[int], bytes]) -> str:
    """Write down what is asked for; ``Conflict("eyes.waiting")`` when that waits already, ``("eyes.refused")`` when it was refused as it is."""
    same = (_COLUMNS.subject == wish.subject, _COLUMNS.kind == wish.kind.value)
    if _exists(connection, *same, _COLUMNS.outcome.is_(None), _COLUMNS.expires_at > now):
        raise Conflict("eyes.waiting")
    if _exists(connection, *same, _COLUMNS.outcome == Answer.REFUSED.value, _COLUMNS.digest == wish.digest):
        raise Conflict("eyes.refused")
    proposal_id = str(uuid7(now, random_bytes(10)))
    values = {
        "commune_code": wish.commune_code,
        "proposal_id": proposal_id,
        "kind": wish.kind.value,
        "subject": wish.subject,
        "content": dict(wish.content),
        "digest": wish.digest,
        "reason": _words(wish.reason),
        "asked_by": wish.asked_by,
        "asked_at": now,
        "expires_at": wish.expires_at,
    }
    connection.execute(insert(tables.proposals), [values])
    return proposal_id


def settle(connection: Connection, proposal_id: str, settling: Settling, *, now: datetime) -> None:
    """Settle what waits, or say why not: ``Refused("eyes.same_person")``, ``Conflict("eyes.settled" | "eyes.expired" | "eyes.changed")``."""
    row = locked_row(connection, tables.proposals, proposal_id)
    if row is None:
        raise Refused("eyes.unknown")
    if settling.by == row.asked_by or _is_one_person(connection, settling.by, row.asked_by):
        raise Refused("eyes.same_person")
    if row.outcome is not None:
        raise Conflict("eyes.settled")
    if row.expires_at <= now:
        raise Conflict("eyes.expired")
    granted = settling.answer is Answer.GRANTED
    if granted and not row.digest == settling.seen == settling.current:
        raise Conflict("eyes.changed")
    values = {
        "settled_by": settling.by,
        "settled_at": now,
        "outcome": settling.answer.value,
        "settled_reason": settling.reason.strip()[:LONGEST_REASON] if granted else _words(settling.reason),
    }
    connection.execute(update(tables.proposals).where(*_same(row)).values(values))


def fetch_once(connection: Connection, row: Row[Any], *, current: str, now: datetime) -> None:
    """Note that what was granted is fetched; ``Conflict("eyes.fetched" | "eyes.expired" | "eyes.changed")``."""
    locked = locked_row(connection, tables.proposals, row.proposal_id)
    if locked is None or locked.outcome != Answer.GRANTED.value:
        raise Refused("eyes.unknown")
    if locked.fetched_at is not None:
        raise Conflict("eyes.fetched")
    if locked.settled_at + (locked.expires_at - locked.asked_at) <= now:
        raise Conflict("eyes.expired")
    if locked.digest != current:
        raise Conflict("eyes.changed")
    connection.execute(update(tables.proposals).where(*_same(row)).values(fetched_at=now))


def _same(row: Row[Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _COLUMNS.commune_code == row.commune_code, _COLUMNS.proposal_id == row.proposal_id


def _exists(connection: Connection, *where: ColumnElement[bool]) -> bool:
    return connection.scalar(select(_COLUMNS.proposal_id).where(*where).limit(1)) is not None


def _words(reason: str) -> str:
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        raise Refused("eyes.reason", "/reason")
    return said


def _is_one_person(connection: Connection, one: str, other: str) -> bool:
    return bool(people_of(connection, one) & people_of(connection, other))


def people_of(connection: Connection, account_id: str) -> set[str]:
    """Return whom an account is bound to, and whoever stands for them since."""
    bound = connection.scalar(select(tables.accounts.c.person_id).where(tables.accounts.c.account_id == account_id))
    return {each for each in (bound, person_of(connection, account_id)) if each is not None}


def asker_of(connection: Connection, row: Row[Any]) -> KnownAccount | None:
    """Return the account that asked, or None when it may not sign in any more."""
    columns = tables.accounts.c
    same = (columns.account_id == row.asked_by, columns.disabled_at.is_(None))
    found = connection.execute(select(tables.accounts).where(*same).limit(1)).one_or_none()
    return None if found is None else account_from(found)


def proposal(connection: Connection, proposal_id: str) -> Row[Any] | None:
    """Return one, or None."""
    return connection.execute(select(tables.proposals).where(_COLUMNS.proposal_id == proposal_id)).one_or_none()


def proposals_of(connection: Connection, commune_code: str, *, limit: int = 100) -> list[Row[Any]]:
    """Return a commune's proposals, those that wait first, then the youngest."""
    query = select(tables.proposals).where(_COLUMNS.commune_code == commune_code)
    return list(connection.execute(query.order_by(_COLUMNS.outcome.is_not(None), _COLUMNS.asked_at.desc()).limit(limit)).all())


def waiting_for(connection: Connection, kind: Kind, subject: str, *, now: datetime) -> Row[Any] | None:
    """Return what waits for a subject, or None."""
    same = (_COLUMNS.subject == subject, _COLUMNS.kind == kind.value, _COLUMNS.outcome.is_(None), _COLUMNS.expires_at > now)
    return connection.execute(select(tables.proposals).where(*same).limit(1)).one_or_none()
