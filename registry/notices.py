"""Notices sent: once per kind and thing, always before a case.

- A notice row is the fact that it was said; with it, in the same transaction, goes what the outbox is to send of it (``registry/messages.py``).

Example: ``send_notice(connection, notice, now=now, random_bytes=random_bytes)`` returns None when it was sent before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from registry import tables
from registry.alarm_channels import CHANNEL, channels_of
from registry.asking import among
from registry.messages import put_aside
from registry.sweep_marks import mark
from residence.cases.notices import DECLARE_KINDS, Addressee, NoticeKind
from residence.cases.undeclared import SentNotice
from residence.clock import uuid7

PAGE: Final = 5_000
# the stay was declared; a case was closed; the host's word (residence.cases.questions.Reply); what a temporary residence's end was met with
Answer = Literal[
    "declared", "decided", "visitor", "left", "will_declare", "lives_here", "nobody_known", "renewed", "moved_out", "settled"
]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice to send. ``who``: a person id or a pseudonym in hex; ``about``: stay, person or first presence."""

    kind: NoticeKind
    about: str
    who: str
    premises_id: str
    commune_code: str
    addressee: Addressee
    unit: str | None = None
    due: datetime | None = None
    rule: str | None = None
    rule_set: str | None = None
    article: str | None = None


def send_notice(connection: Connection, notice: Notice, *, now: datetime, random_bytes: Callable[[int], bytes]) -> str | None:
    """Write a notice unless the same was sent before; returns its id, or None."""
    if was_sent(connection, notice.commune_code, notice.kind, about=notice.about):
        return None
    notice_id = str(uuid7(now, random_bytes(10)))
    row = msgspec.structs.asdict(notice) | {
        "kind": notice.kind.value,
        "notice_id": notice_id,
        "created_at": now,
        "answered_at": None,
        "answer": None,
        "answered_by": None,
    }
    connection.execute(insert(tables.notices), [row])
    if notice.kind is NoticeKind.PLEASE_DECLARE:
        mark(connection, [(notice.commune_code, notice.premises_id)])  # its time to be answered runs from now on
    addressed = [("person", notice.who)] if notice.addressee == "person" else [("premises", notice.premises_id)]
    if notice.kind in DECLARE_KINDS:
        addressed.append(
            ("seen", notice.about.partition(":")[0])
        )  # the person, if they gave an address; who that is shows only when it is sent
    if notice.kind is NoticeKind.DEADLINE_NEAR:
        channels = channels_of(connection, notice.premises_id)
        addressed += [(CHANNEL, each.channel_id) for each in channels]
    put_aside(connection, "notice", notice_id, commune_code=notice.commune_code, to=addressed, now=now, random_bytes=random_bytes)
    return notice_id


def was_sent(connection: Connection, commune_code: str, kind: NoticeKind, *, about: str) -> bool:
    """Tell whether a notice of this kind about this stay, person or sighting went out before."""
    columns = tables.notices.c
    same = (columns.commune_code == commune_code, columns.kind == kind.value, columns.about == about)
    return connection.scalar(select(columns.notice_id).where(*same).limit(1)) is not None


def sent_about(connection: Connection, commune_code: str, kind: NoticeKind, about: Sequence[str]) -> set[str]:
    """Return those of these stays, people or sightings about which a notice of this kind went out before."""
    if not about:
        return set()
    columns = tables.notices.c
    same = (columns.commune_code == commune_code, columns.kind == kind.value, among(columns.about, about, connection))
    return set(connection.scalars(select(columns.about).where(*same)))


def sent_notices(
    connection: Connection,
    premises_ids: Iterable[str],
    *,
    kind: NoticeKind = NoticeKind.PLEASE_DECLARE,
    since: datetime | None = None,
    page: int = PAGE,
) -> tuple[SentNotice, ...]:
    """Return the notices of one kind sent to these premises, the newest first, asked for in pages; ``since`` leaves out what no sighting can need."""
    columns = tables.notices.c
    query = select(tables.notices).where(columns.premises_id.in_(sorted(set(premises_ids))), columns.kind == kind.value)
    if since is not None:
        query = query.where(columns.created_at >= since)
    query, found = query.order_by(columns.created_at.desc(), columns.notice_id).limit(page), list[SentNotice]()
    while True:
        rows = connection.execute(query).all()
        found += map(_sent, rows)
        if len(rows) < page:
            return tuple(found)
        last, same = rows[-1], columns.created_at == rows[-1].created_at
        query = query.where(or_(columns.created_at < last.created_at, and_(same, columns.notice_id > last.notice_id)))


def _sent(row: Row[Any]) -> SentNotice:
    return SentNotice(
        notice_id=row.notice_id, who=row.who, premises_id=row.premises_id, sent_at=row.created_at, answered_at=row.answered_at
    )


def waiting_notices(
    connection: Connection,
    premises_ids: Iterable[str],
    *,
    kind: NoticeKind = NoticeKind.PLEASE_DECLARE,
    limit: int = 1000,
) -> list[Row[Any]]:
    """Return the notices of one kind to these premises that nobody has answered, oldest first."""
    columns = tables.notices.c
    query = select(tables.notices).where(
        columns.premises_id.in_(sorted(set(premises_ids))), columns.kind == kind.value, columns.answered_at.is_(None)
    )
    return list(connection.execute(query.order_by(columns.created_at, columns.notice_id).limit(limit)).all())


def answer_notice(
    connection: Connection, commune_code: str, notice_id: str, *, answer: Answer | str, now: datetime, by: str | None = None
) -> None:
    """Mark a commune's notice as answered, by whom if by somebody."""
    columns = tables.notices.c
    values = {"answered_at": now, "answer": answer, "answered_by": by}
    same = (columns.commune_code == commune_code, columns.notice_id == notice_id)
    connection.execute(update(tables.notices).where(*same).values(**values))


def settle_notice(
    connection: Connection, commune_code: str, kind: NoticeKind, *, about: str, answer: Answer, now: datetime
) -> None:
    """Mark the notice of a kind about something as answered, if it was sent and stands."""
    columns = tables.notices.c
    same = (
        columns.commune_code == commune_code,
        columns.kind == kind.value,
        columns.about == about,
        columns.answered_at.is_(None),
    )
    connection.execute(update(tables.notices).where(*same).values(answered_at=now, answer=answer))


def say_visitor(connection: Connection, notice: Notice, *, by: str, now: datetime, random_bytes: Callable[[int], bytes]) -> None:
    """Keep the host's word that somebody seen is a visitor who does not stay the night.

    It answers the notices about them that stand, else ``notice``, which then never goes out: whoever is found at night after it is undeclared all the same.
    """
    columns = tables.notices.c
    about_them = (
        columns.premises_id == notice.premises_id,
        columns.who == notice.who,
        columns.kind == notice.kind.value,
        columns.answered_at.is_(None),
    )
    standing = list(connection.scalars(select(columns.notice_id).where(*about_them)))
    if not standing:
        sent = send_notice(connection, notice, now=now, random_bytes=random_bytes)
        standing = [sent] if sent is not None else []
    for notice_id in standing:
        answer_notice(connection, notice.commune_code, notice_id, answer="visitor", now=now, by=by)
