"""Requests of programs that must not be done twice: taken under the caller's own key, answered once, answered the same again.

- A key and whose it is are one hash; what was asked is a fingerprint. The same key with another fingerprint is a mistake and is refused.
- A request that is being worked on is leased; one whose worker died is taken up again by whoever asks next, under the same
  ``request_id``, from which the work derives its own ids. So it is finished and not done again.
- A key is good for ``KEPT_FOR``.

Example: ``taken = take(connection, asked, now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from registry.tables_api import api_requests
from residence.clock import uuid7

LEASE: Final = timedelta(seconds=60)
KEPT_FOR: Final = timedelta(hours=24)
_REQUESTS: Final = api_requests.c


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came. ``content``: everything that makes it this request and no other."""

    account_id: str
    commune_code: str
    key: str
    operation: str
    content: bytes

    @property
    def request_hash(self) -> str:
        """Return what the key is found by; two accounts may use one key."""
        return sha256(f"{self.account_id}\n{self.key}".encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """Return what tells this request from another under the same key."""
        return sha256(self.operation.encode() + b"\n" + self.content).hexdigest()


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that was given."""

    status: int
    media_type: str
    body: bytes


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What to do: work (``todo``), wait (``running``), refuse (``other``), or give ``answered`` again."""

    what: Literal["todo", "running", "other", "done"]
    request_id: str
    began_at: datetime
    answered: Answered | None = None


def take(connection: Connection, asked: Asked, *, now: datetime, random_bytes: Callable[[int], bytes]) -> Taken:
    """Take a request to work on it, or say how it stands."""
    row = _row(connection, asked)
    if row is not None and row.created_at <= now - KEPT_FOR:
        forget(connection, asked)
        row = None
    if row is None:
        made = _begin(connection, asked, now=now, random_bytes=random_bytes)
        if made is not None:
            return made
        row = _row(connection, asked)  # another process was faster
    if row is None or row.fingerprint != asked.fingerprint:
        return _stands(row, "other", now)
    if row.state == "done":
        answered = Answered(status=row.status, media_type=row.media_type, body=bytes(row.answer))
        return Taken(what="done", request_id=row.request_id, began_at=row.created_at, answered=answered)
    mine = (_REQUESTS.request_hash == asked.request_hash, _REQUESTS.state == "running", _REQUESTS.leased_until <= now)
    taken = connection.execute(update(api_requests).where(*mine).values(leased_until=now + LEASE)).rowcount == 1
    return _stands(row, "todo" if taken else "running", now)


def keep_answer(connection: Connection, asked: Asked, answered: Answered) -> None:
    """Keep the answer to a request that was taken."""
    values = {"state": "done", "status": answered.status, "media_type": answered.media_type, "answer": answered.body}
    connection.execute(update(api_requests).where(_REQUESTS.request_hash == asked.request_hash).values(values))


def give_back(connection: Connection, asked: Asked, *, now: datetime) -> None:
    """Let the next who asks take a request up: its work broke off, and what of it was done is not known."""
    connection.execute(update(api_requests).where(_REQUESTS.request_hash == asked.request_hash).values(leased_until=now))


def forget(connection: Connection, asked: Asked) -> None:
    """Free a key under which nothing was done."""
    connection.execute(delete(api_requests).where(_REQUESTS.request_hash == asked.request_hash))


def _begin(connection: Connection, asked: Asked, *, now: datetime, random_bytes: Callable[[int], bytes]) -> Taken | None:
    request_id = str(uuid7(now, random_bytes(10)))
    row = {
        "commune_code": asked.commune_code,
        "request_hash": asked.request_hash,
        "request_id": request_id,
        "operation": asked.operation,
        "fingerprint": asked.fingerprint,
        "state": "running",
        "status": None,
        "media_type": None,
        "answer": None,
        "created_at": now,
        "leased_until": now + LEASE,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(api_requests), [row])
    except IntegrityError:
        return None
    return Taken(what="todo", request_id=request_id, began_at=now)


def _stands(row: Row[Any] | None, what: Literal["todo", "running", "other"], now: datetime) -> Taken:
    return Taken(what=what, request_id=row.request_id if row else "", began_at=row.created_at if row else now)


def _row(connection: Connection, asked: Asked) -> Row[Any] | None:
    same = (_REQUESTS.request_hash == asked.request_hash, _REQUESTS.commune_code == asked.commune_code)
    return connection.execute(select(api_requests).where(*same)).first()
