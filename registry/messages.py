"""The outbox of messages: put aside with the notice, taken by whoever sends, tried again until it went or its time is over.

- Put aside in the transaction that makes the notice: there is no notice without its message, and none of a notice that was rolled back.
- Taken for ``LEASE``: a sender that dies is followed by another. The mail server may then see the same message twice, under the same id, never not at all.
- Nobody's address is in a row, and no text. Whoever was seen is found when it is sent, by the numbers read at the door, and written down nowhere.
- A notice that was answered meanwhile makes its message needless.

Example: ``for due in take_due(connection, now=now): ...; settle(connection, due.message_id, Outcome(state="sent"), now=now)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry.tables_messages import DUE, messages
from registry.tables_oversight import notices
from residence.clock import uuid7

MessageKind = Literal["notice", "confirm", "recovery", "way-in", "trial"]
MessageState = Literal["waiting", "sending", "sent", "no_address", "needless", "failed"]
LEASE: Final = timedelta(minutes=5)
WAKES_FOR: Final = timedelta(days=14)  # as long as what a notice rests on is kept
# The pauses after each failure; after the last the message has failed.
PAUSES: Final = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 180, 360, 720, 1440))
_MESSAGES: Final = messages.c


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A message somebody has taken to send."""

    message_id: str
    kind: MessageKind
    about: str
    recipient: str
    subject_id: str
    commune_code: str
    attempts: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an attempt. ``waiting`` with ``pause`` is tried again."""

    state: MessageState
    fault: str | None = None
    pause: timedelta = timedelta()


def put_aside(
    connection: Connection,
    kind: MessageKind,
    about: str,
    *,
    commune_code: str,
    to: Iterable[tuple[str, str]],
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Put a message aside for each recipient and subject."""
    rows = [
        {
            "commune_code": commune_code,
            "message_id": str(uuid7(now, random_bytes(10))),
            "kind": kind,
            "about": about,
            "recipient": recipient,
            "subject_id": subject_id,
            "state": "waiting",
            "attempts": 0,
            "created_at": now,
            "next_at": now,
            "sent_at": None,
            "fault": None,
        }
        for recipient, subject_id in to
    ]
    connection.execute(insert(messages), rows)


def due_ids(connection: Connection, *, now: datetime, limit: int = 100) -> list[str]:
    """Return what is due by e-mail, the longest waiting first."""
    due = (DUE, _MESSAGES.next_at <= now, _MESSAGES.recipient != "channel")
    return list(connection.scalars(select(_MESSAGES.message_id).where(*due).order_by(_MESSAGES.next_at).limit(limit)))


def due_by_channel(connection: Connection, *, now: datetime, limit: int = 100) -> dict[str, list[str]]:
    """Return what is due by channels (``registry/alarm_channels.py``), for each its own, the longest waiting first."""
    due = (DUE, _MESSAGES.next_at <= now, _MESSAGES.recipient == "channel")
    query = select(_MESSAGES.subject_id, _MESSAGES.message_id).where(*due).order_by(_MESSAGES.next_at).limit(limit)
    found: dict[str, list[str]] = {}
    for channel_id, message_id in connection.execute(query):
        found.setdefault(channel_id, []).append(message_id)
    return found


def take(connection: Connection, message_id: str, *, now: datetime) -> Due | None:
    """Take one message to send it; None when another sender was faster."""
    mine = (_MESSAGES.message_id == message_id, DUE, _MESSAGES.next_at <= now)
    values = {"state": "sending", "next_at": now + LEASE, "attempts": _MESSAGES.attempts + 1}
    if connection.execute(update(messages).where(*mine).values(values)).rowcount != 1:
        return None
    row = message(connection, message_id)
    return None if row is None else msgspec.convert({name: getattr(row, name) for name in Due.__struct_fields__}, Due)


def settle(connection: Connection, message_id: str, outcome: Outcome, *, now: datetime) -> None:
    """Say what became of a message that was taken."""
    values: dict[str, Any] = {"state": outcome.state, "fault": outcome.fault, "next_at": now + outcome.pause}
    if outcome.state == "sent":
        values["sent_at"] = now
    connection.execute(update(messages).where(_MESSAGES.message_id == message_id).values(values))


def wake(connection: Connection, subject_id: str, *, now: datetime) -> None:
    """Send what found no address before: now there is one."""
    same = (_MESSAGES.subject_id == subject_id, _MESSAGES.state == "no_address", _MESSAGES.created_at >= now - WAKES_FOR)
    connection.execute(update(messages).where(*same).values(state="waiting", next_at=now))


def message(connection: Connection, message_id: str) -> Row[Any] | None:
    """Return one message."""
    return connection.execute(select(messages).where(_MESSAGES.message_id == message_id).limit(1)).first()


def notice_of(connection: Connection, commune_code: str, notice_id: str) -> Row[Any] | None:
    """Return the notice a message is about; both stand in one commune."""
    same = (notices.c.commune_code == commune_code, notices.c.notice_id == notice_id)
    return connection.execute(select(notices).where(*same).limit(1)).first()


def counts(connection: Connection, *, since: datetime) -> dict[str, int]:
    """Return how many messages of late are in which state."""
    query = select(_MESSAGES.state, func.count()).where(_MESSAGES.created_at >= since).group_by(_MESSAGES.state)
    return {row[0]: row[1] for row in connection.execute(query)}
