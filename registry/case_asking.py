"""Asking the host of a case and reminding them, by its claimant; and taking the host's reply.

- A question and a reminder are notices like any other: kept, put into the outbox of messages, shown at the desk, named in the case.
- One of each kind for a case and a day, so that nobody is pestered; who was asked today is not asked again.
- A question moves the case to *asked* and stops its clock to decide; the reply, from the desk or by the message's link, moves it back by itself.
- A reminder asks for the declaration itself and changes nothing of the case.

Example: ``ask_host(connection, case, place, by=officer_id, means=Means(...))``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from registry.case_tasks import note_step
from registry.cases import CaseStep, act, standing_case
from registry.notices import Notice, answer_notice, send_notice
from residence.cases.notices import NoticeKind, addressee
from residence.cases.questions import Reply
from residence.cases.transitions import CaseAction, CaseStatus
from residence.clock import VIETNAM
from residence.errors import Conflict, Refused
from residence.places.premises import Premises


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a step needs besides the case: the time, how long an answer may take, randomness."""

    now: datetime
    answer_within: timedelta
    random_bytes: Callable[[int], bytes]


def ask_host(connection: Connection, case: Row[Any], place: Premises, *, by: str, means: Means) -> None:
    """Send the host a question about whoever was seen; the case waits for the reply."""
    act(connection, case.case_id, CaseStep(action=CaseAction.ASK, by=by), now=means.now, random_bytes=means.random_bytes)
    _send(connection, case, place, kind=NoticeKind.OFFICER_ASKS, about=case.case_id, means=means)


def remind(connection: Connection, case: Row[Any], place: Premises, *, by: str, means: Means) -> None:
    """Ask the host, and whoever was seen if they gave an address, once more to declare."""
    if case.claimed_by != by or case.state not in {CaseStatus.CLAIMED.value, CaseStatus.ASKED.value}:
        raise Refused("case.action_not_allowed", "/action", f"remind in {case.state}")
    first = min(case.presence_ids, default=case.case_id)  # ids begin with their time
    _send(connection, case, place, kind=NoticeKind.PLEASE_DECLARE_AGAIN, about=first, means=means)
    note_step(connection, case, "reminded", by=by, now=means.now, random_bytes=means.random_bytes)


def _send(connection: Connection, case: Row[Any], place: Premises, *, kind: NoticeKind, about: str, means: Means) -> None:
    day = means.now.astimezone(VIETNAM).date().isoformat()
    notice = Notice(
        kind=kind,
        about=f"{about}:{day}",
        who=case.who,
        premises_id=case.premises_id,
        commune_code=case.commune_code,
        addressee=addressee(kind, place.kind),
        unit=case.unit,
        due=means.now + means.answer_within,
        rule=case.rule,
        rule_set=case.rule_set,
        article=case.article,
    )
    if send_notice(connection, notice, now=means.now, random_bytes=means.random_bytes) is None:
        raise Refused("case.sent_today", "/action")


def take_reply(
    connection: Connection, notice: Row[Any], reply: Reply, *, by: str, now: datetime, random_bytes: Callable[[int], bytes]
) -> None:
    """Keep a host's reply, once, and give the case back to its claimant."""
    if notice.kind != NoticeKind.OFFICER_ASKS.value:
        raise Refused("server.not_allowed")
    if notice.answered_at is not None:
        raise Conflict("case.replied", "/reply")
    answer_notice(connection, notice.commune_code, notice.notice_id, answer=reply.value, now=now, by=by)
    case = standing_case(connection, notice.premises_id, notice.who)
    if case is not None and case.state == CaseStatus.ASKED.value:
        act(connection, case.case_id, CaseStep(action=CaseAction.ANSWER_RECEIVED, by=by), now=now, random_bytes=random_bytes)
