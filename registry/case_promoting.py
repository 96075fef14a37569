"""A notice made into a case by an officer: for whoever was seen, was asked to declare, and did not; when no rule opens a case by itself.

- Never sooner than the rules: the notice had its time to be answered and was not, somebody was really seen and it is still kept, and every
  explanation that needs names is tried once more with what is known by now.
- Only with a reason, and the case says that an officer opened it (rule ``by_officer``), who and why.
- Nobody opens a case in their own cause; that is asked before.

Example: ``promote(connection, notice_id, account.commune_code, said=(officer_id, reason), means=means)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from registry import tables
from registry.case_tasks import note_step
from registry.cases import case, open_case, standing_case, take_turn
from registry.explaining import explain_kept
from registry.presences import KEPT_FOR, sightings
from registry.vault import Vault
from residence.cases.notices import NoticeKind
from residence.cases.undeclared import TRIED_BY_NAME, Patience, Undeclared
from residence.errors import Refused
from residence.stays.rules import RuleBook


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a promotion needs besides the notice."""

    now: datetime
    vault: Vault
    rules: RuleBook
    random_bytes: Callable[[int], bytes]
    patience: Patience = Patience()


def waiting_notice(connection: Connection, commune_code: str, notice_id: str) -> Row[Any]:
    """Return a notice that asks to declare and waits, or refuse."""
    columns = tables.notices.c
    same = (columns.commune_code == commune_code, columns.notice_id == notice_id)
    row = connection.execute(select(tables.notices).where(*same)).first()
    if row is None or row.kind != NoticeKind.PLEASE_DECLARE.value or row.answered_at is not None:
        raise Refused("case.alert_gone", "/notice_id")
    return row


def promote(connection: Connection, notice: Row[Any], *, said: tuple[str, str], means: Means) -> str:
    """Open a case from a notice; returns its id. ``said``: by whom, and why."""
    by, reason = said
    if not reason:
        raise Refused("case.reason_missing", "/reason")
    if means.now < notice.created_at + means.patience.answer_within:
        raise Refused("case.alert_fresh", "/notice_id")
    take_turn(connection, notice.premises_id)
    if standing_case(connection, notice.premises_id, notice.who) is not None:
        raise Refused("case.alert_gone", "/notice_id")
    seen = [each for each in sightings(connection, [notice.premises_id], since=means.now - KEPT_FOR) if each.who == notice.who]
    ids = tuple(each.presence_id for each in seen)
    if not seen or explain_kept(connection, ids, vault=means.vault, rules=means.rules).presence_ids:
        raise Refused("case.alert_explained", "/notice_id")
    found = Undeclared(
        who=notice.who,
        premises_id=notice.premises_id,
        unit=notice.unit,
        step="case",
        rule="by_officer",
        first_seen=min(each.seen_at for each in seen),
        last_seen=max(each.seen_at for each in seen),
        due=notice.due or notice.created_at,
        rule_set=notice.rule_set or "",
        article=notice.article or "",
        presence_ids=ids,
        explanations_tried=TRIED_BY_NAME,
        notice_id=notice.notice_id,
    )
    case_id = open_case(connection, found, commune_code=notice.commune_code, now=means.now, random_bytes=means.random_bytes)
    row = case(connection, case_id)
    if row is not None:
        note_step(connection, row, "promoted", by=by, reason=reason, now=means.now, random_bytes=means.random_bytes)
    return case_id
