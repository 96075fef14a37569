"""Cases: a unit and a night, opened by a named rule after a notice; every step in its own row.

- What may be done in which state is one table (``residence/cases/transitions.py``); ``act`` refuses the rest.
- ``open_case`` opens at most one case per person and premises that is not closed; new sightings are added to it.
- Closing a case answers its notice: the same sightings never open it again.
- A case names nobody: ``who`` is a person id or a pseudonym; names come after a claim, through ``registry/release.py``.

Example: ``act(connection, case_id, CaseAction.CLAIM, by=officer_id, now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from registry.notices import answer_notice
from residence.access.purposes import Purpose
from residence.cases.transitions import CLOSED, NEEDS_PURPOSE, NEEDS_REASON, CaseAction, CaseStatus, after
from residence.cases.undeclared import Undeclared
from residence.clock import uuid7
from residence.errors import Conflict, Refused

RandomBytes = Callable[[int], bytes]
_CLOSED = sorted(each.value for each in CLOSED)


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
        for name in ("rule", "who", "premises_id", "unit", "notice_id", "first_seen", "last_seen", "due", "rule_set", "article")
    }
    row |= {
        "commune_code": commune_code,
        "case_id": case_id,
        "state": CaseStatus.OPEN.value,
        "presence_ids": list(found.presence_ids),
        "explanations_tried": list(found.explanations_tried),
        "opened_at": now,
        "changed_at": now,
    }
    connection.execute(insert(tables.cases), [row])
    _write_event(connection, (commune_code, case_id), ("opened", None, CaseStatus.OPEN.value), now=now, random_bytes=random_bytes)
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


def case(connection: Connection, case_id: str) -> Row[Any] | None:
    """Return one case."""
    return connection.execute(select(tables.cases).where(tables.cases.c.case_id == case_id).limit(1)).first()


def cases_of(
    connection: Connection, commune_code: str, *, states: Iterable[CaseStatus] = (CaseStatus.OPEN,), limit: int = 200
) -> list[Row[Any]]:
    """Return a commune's cases in these states, oldest first."""
    columns = tables.cases.c
    query = select(tables.cases).where(columns.commune_code == commune_code, columns.state.in_([each.value for each in states]))
    return list(connection.execute(query.order_by(columns.opened_at, columns.case_id).limit(limit)).all())


def events_of(connection: Connection, case_id: str) -> list[Row[Any]]:
    """Return what was done with a case, oldest first."""
    columns = tables.case_events.c
    return list(
        connection.execute(select(tables.case_events).where(columns.case_id == case_id).order_by(columns.at, columns.event_id))
    )


def act(
    connection: Connection,
    case_id: str,
    action: CaseAction,
    *,
    by: str,
    now: datetime,
    random_bytes: RandomBytes,
    purpose: Purpose | None = None,
    reason: str | None = None,
) -> CaseStatus:
    """Take one step with a case, or raise ``Refused("case.*")``; ``Conflict("case.changed")`` when somebody was faster."""
    row = case(connection, case_id)
    if row is None:
        raise Refused("case.unknown", "/case_id")
    if action in NEEDS_REASON and not reason:
        raise Refused("case.reason_missing", "/reason")
    if action in NEEDS_PURPOSE and purpose is None:
        raise Refused("case.purpose_missing", "/purpose")
    before = CaseStatus(row.state)
    state = after(before, action, claimant=row.claimed_by == by)
    values: dict[str, Any] = {"state": state.value, "changed_at": now}
    if action is CaseAction.CLAIM:
        values |= {"claimed_by": by, "claim_purpose": purpose.value if purpose else None}
    if action in {CaseAction.RELEASE, CaseAction.REOPEN}:
        values |= {"claimed_by": None, "claim_purpose": None}
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
        answer_notice(connection, row.notice_id, answer="decided", now=now, by=by)
    step = (action.value, before.value, state.value)
    _write_event(connection, (row.commune_code, case_id), step, now=now, random_bytes=random_bytes, by=by, reason=reason)
    return state


def close_declared(connection: Connection, commune_code: str, case_id: str, *, now: datetime, random_bytes: RandomBytes) -> None:
    """Close a case nobody has claimed, because the stay was declared meanwhile."""
    columns = tables.cases.c
    state = after(CaseStatus.OPEN, CaseAction.CLOSE_DECLARED, claimant=False)
    same = (columns.commune_code == commune_code, columns.case_id == case_id, columns.state == CaseStatus.OPEN.value)
    if connection.execute(update(tables.cases).where(*same).values(state=state.value, changed_at=now)).rowcount:
        step = (CaseAction.CLOSE_DECLARED.value, CaseStatus.OPEN.value, state.value)
        _write_event(connection, (commune_code, case_id), step, now=now, random_bytes=random_bytes)


def _write_event(
    connection: Connection,
    of: tuple[str, str],
    step: tuple[str, str | None, str],
    *,
    now: datetime,
    random_bytes: RandomBytes,
    by: str | None = None,
    reason: str | None = None,
) -> None:
    row = {
        "commune_code": of[0],
        "event_id": str(uuid7(now, random_bytes(10))),
        "case_id": of[1],
        "action": step[0],
        "from_state": step[1],
        "to_state": step[2],
        "account_id": by,
        "reason": reason,
        "at": now,
    }
    connection.execute(insert(tables.case_events), [row])
