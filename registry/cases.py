"""Cases: a unit and a night, opened by a named rule after a notice; every step in its own row.

- What may be done in which state is one table (``residence/cases/transitions.py``); ``act`` refuses the rest. What a closed case was is
  another (``closing.py``), how urgent an open one is a third (``triage.py``).
- ``open_case`` opens at most one case per person and premises that is not closed; new sightings are added to it.
- Closing a case answers its notice: the same sightings never open it again.
- A case names nobody: ``who`` is a person id or a pseudonym; names come after a claim, through ``registry/release.py``.

Example: ``act(connection, case_id, CaseStep(action=CaseAction.CLAIM, by=officer_id, purpose=purpose), now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from registry.asking import among
from registry.case_grounds import note_ground
from registry.case_tasks import note_handed_back
from registry.notices import answer_notice
from registry.sweep_marks import mark
from residence.access.purposes import Purpose
from residence.cases.closing import ClosingCode, closing_rule, codes_for
from residence.cases.grounds import Ground, check_ground
from residence.cases.transitions import CLOSED, NEEDS_PURPOSE, NEEDS_REASON, CaseAction, CaseStatus, after
from residence.cases.triage import CaseFacts, CaseTimes, Triaged, triage
from residence.cases.undeclared import Undeclared
from residence.clock import uuid7
from residence.errors import Conflict, Refused

RandomBytes = Callable[[int], bytes]
_CLOSED = sorted(each.value for each in CLOSED)


class CaseStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step an officer takes. ``code``: what the case was, with a closing step; ``reason``: in words, where one is asked for.

    ``ground``: what it rests on (``residence/cases/grounds.py``).
    """

    action: CaseAction
    by: str
    purpose: Purpose | None = None
    reason: str | None = None
    code: ClosingCode | None = None
    ground: Ground | None = None


def open_case(connection: Connection, found: Undeclared, *, commune_code: str, now: datetime, random_bytes: RandomBytes) -> str:
    """Open a case, or add what was seen since to the one that is open; returns its id."""
    columns = tables.cases.c
    standing = standing_case(connection, found.premises_id, found.who)
    if standing is not None:
        seen: dict[str, Any] = {
            "presence_ids": sorted(set(standing.presence_ids) | set(found.presence_ids)),
            "last_seen": found.last_seen,
            "changed_at": now,
        }
        if set(standing.presence_ids) != set(seen["presence_ids"]):
            connection.execute(update(tables.cases).where(columns.case_id == standing.case_id).values(**seen))
        return str(standing.case_id)
    case_id = str(uuid7(now, random_bytes(10)))
    row = {
        name: getattr(found, name)
        for name in (
            "rule",
            "lapsed",
            "who",
            "premises_id",
            "unit",
            "notice_id",
            "first_seen",
            "last_seen",
            "due",
            "rule_set",
            "article",
        )
    }
    row |= {
        "commune_code": commune_code,
        "case_id": case_id,
        "state": CaseStatus.OPEN.value,
        "presence_ids": list(found.presence_ids),
        "explanations_tried": list(found.explanations_tried),
        "opened_at": now,
        "counted_from": now,
        "changed_at": now,
    }
    connection.execute(insert(tables.cases), [row])
    opened = _event((commune_code, case_id), ("opened", None, CaseStatus.OPEN.value), now=now, random_bytes=random_bytes)
    connection.execute(insert(tables.case_events), [opened])
    return case_id


def take_turn(connection: Connection, premises_id: str) -> None:
    """Let one transaction at a time judge a premises: two sweeps must not both open the same case (SQLite has one writer anyway)."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(sha256(b"sweep\x00" + premises_id.encode()).digest()[:8], "big", signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(number)))


def standing_case(connection: Connection, premises_id: str, who: str) -> Row[Any] | None:
    """Return the case about somebody at these premises that is not closed."""
    columns = tables.cases.c
    condition = (columns.premises_id == premises_id, columns.who == who, columns.state.not_in(_CLOSED))
    return connection.execute(select(tables.cases).where(*condition)).first()


def standing_cases(connection: Connection, commune_code: str, premises_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Return whom the cases at these premises that are not closed are about: (premises, who)."""
    wanted = sorted(set(premises_ids))
    if not wanted:
        return set()
    columns = tables.cases.c
    here = (columns.commune_code == commune_code, among(columns.premises_id, wanted, connection), columns.state.not_in(_CLOSED))
    return {(row.premises_id, row.who) for row in connection.execute(select(columns.premises_id, columns.who).where(*here))}


def case(connection: Connection, case_id: str) -> Row[Any] | None:
    """Return one case."""
    return connection.execute(select(tables.cases).where(tables.cases.c.case_id == case_id).limit(1)).first()


def cases_of(
    connection: Connection, commune_code: str, *, states: Iterable[CaseStatus] = (CaseStatus.OPEN,), limit: int = 200
) -> list[Row[Any]]:
    """Return a commune's cases in these states, oldest first; ``triaged`` orders them."""
    columns = tables.cases.c
    query = select(tables.cases).where(columns.commune_code == commune_code, columns.state.in_([each.value for each in states]))
    return list(connection.execute(query.order_by(columns.opened_at, columns.case_id).limit(limit)).all())


def triaged(rows: Iterable[Row[Any]], *, now: datetime, times: CaseTimes) -> list[tuple[Row[Any], Triaged]]:
    """Return cases in the order they want somebody, each with why and its clocks."""
    judged = [(row, triage(facts_of(row), now=now, times=times)) for row in rows]
    return sorted(judged, key=lambda each: (*each[1].order, each[0].opened_at, each[0].case_id))


def facts_of(row: Row[Any]) -> CaseFacts:
    """Return what triage reads of a case's row."""
    return CaseFacts(
        rule=row.rule,
        state=CaseStatus(row.state),
        due=row.due,
        last_seen=row.last_seen,
        counted_from=row.counted_from,
        asked_at=row.asked_at,
    )


def events_of(connection: Connection, case_id: str) -> list[Row[Any]]:
    """Return what was done with a case, oldest first."""
    columns = tables.case_events.c
    return list(
        connection.execute(select(tables.case_events).where(columns.case_id == case_id).order_by(columns.at, columns.event_id))
    )


def act(connection: Connection, case_id: str, step: CaseStep, *, now: datetime, random_bytes: RandomBytes) -> CaseStatus:
    """Take one step with a case, or raise ``Refused("case.*")``; ``Conflict("case.changed")`` when somebody was faster."""
    row = case(connection, case_id)
    if row is None:
        raise Refused("case.unknown", "/case_id")
    code = _checked(step)
    before = CaseStatus(row.state)
    state = after(before, step.action, claimant=row.claimed_by == step.by)
    values = {"state": state.value, "changed_at": now, **_effects(row, step, now=now)}
    if code is not None:
        values |= {"closing_code": code.value, "asked_at": None}
    columns = tables.cases.c
    changed = connection.execute(
        update(tables.cases)
        .where(columns.case_id == case_id, columns.state == before.value, columns.changed_at == row.changed_at)
        .values(**values)
    )
    if changed.rowcount != 1:
        raise Conflict("case.changed", "/case_id")
    if state in CLOSED and row.notice_id is not None:
        # Decided is answered: else the next sweep would open the same case again.
        answer_notice(connection, row.commune_code, row.notice_id, answer="decided", now=now, by=step.by)
    if step.action is CaseAction.RELEASE:
        note_handed_back(connection, row, by=step.by)
    if state in CLOSED:
        mark(connection, [(row.commune_code, row.premises_id)])  # what is seen from now on may be another case
    event = _event(
        (row.commune_code, case_id), (step.action.value, before.value, state.value), now=now, random_bytes=random_bytes
    )
    event |= {"account_id": step.by, "reason": step.reason, "code": code.value if code else None}
    connection.execute(insert(tables.case_events), [event])
    if step.ground is not None:
        note_ground(connection, (row.commune_code, case_id, event["event_id"]), step.ground)
    return state


def _checked(step: CaseStep) -> ClosingCode | None:
    """Return the closing code of a step; raise when something it needs is missing."""
    if step.action in NEEDS_PURPOSE and step.purpose is None:
        raise Refused("case.purpose_missing", "/purpose")
    rule = closing_rule(step.code, step.action)
    check_ground(step.ground, step.code)
    if not step.reason and (step.action in NEEDS_REASON or (rule is not None and rule.needs_reason)):
        raise Refused("case.reason_missing", "/reason")
    return None if rule is None else step.code or codes_for(step.action)[0]


def _effects(row: Row[Any], step: CaseStep, *, now: datetime) -> dict[str, Any]:
    """Return what a step changes besides the state: who holds the case, and the clock that counts the commune's time."""
    match step.action:
        case CaseAction.CLAIM:
            return {"claimed_by": step.by, "claim_purpose": step.purpose.value if step.purpose else None}
        case CaseAction.RELEASE:
            return {"claimed_by": None, "claim_purpose": None}
        case CaseAction.ASK:
            return {"asked_at": now}
        case CaseAction.ANSWER_RECEIVED:
            waited = now - row.asked_at if row.asked_at else timedelta()
            return {"asked_at": None, "counted_from": row.counted_from + waited}
        case CaseAction.REOPEN:
            return {"claimed_by": None, "claim_purpose": None, "closing_code": None, "counted_from": now}
        case _:
            return {}


def close_declared(connection: Connection, commune_code: str, case_id: str, *, now: datetime, random_bytes: RandomBytes) -> None:
    """Close a case nobody has claimed, because the stay was declared meanwhile."""
    columns = tables.cases.c
    state = after(CaseStatus.OPEN, CaseAction.CLOSE_DECLARED, claimant=False)
    same = (columns.commune_code == commune_code, columns.case_id == case_id, columns.state == CaseStatus.OPEN.value)
    values = {"state": state.value, "closing_code": ClosingCode.DECLARED.value, "changed_at": now}
    if connection.execute(update(tables.cases).where(*same).values(**values)).rowcount:
        step = (CaseAction.CLOSE_DECLARED.value, CaseStatus.OPEN.value, state.value)
        event = _event((commune_code, case_id), step, now=now, random_bytes=random_bytes)
        connection.execute(insert(tables.case_events), [event | {"code": ClosingCode.DECLARED.value}])


def _event(of: tuple[str, str], step: tuple[str, str | None, str], *, now: datetime, random_bytes: RandomBytes) -> dict[str, Any]:
    return {
        "commune_code": of[0],
        "event_id": str(uuid7(now, random_bytes(10))),
        "case_id": of[1],
        "action": step[0],
        "from_state": step[1],
        "to_state": step[2],
        "code": None,
        "account_id": None,
        "reason": None,
        "at": now,
    }
