"""Who a case was given to, who handed it back, and until when it rests; each change in the case's own events.

- To be given a case is no claim. A case somebody has claimed is theirs until they hand it back or close it, so only an open one is given.
- Who hands a case back gives a reason and is not given it again by the distribution.
- Only its claimant lets a case rest, for a reason and at most ``CaseTimes.hold_at_most``, never past the day what was seen is deleted.
  Its clocks run on: to put something off is no way to have more time.

Example: ``give(connection, row, to="acc-2", by="acc-1", now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from residence.cases.transitions import CaseStatus
from residence.cases.triage import CaseTimes
from residence.clock import uuid7
from residence.errors import Refused

RandomBytes = Callable[[int], bytes]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a case beside the case."""

    given_to: str | None = None
    given_by: str | None = None
    given_at: datetime | None = None
    handed_back: tuple[str, ...] = ()
    held_until: datetime | None = None


def tasks_of(connection: Connection, case_ids: Iterable[str]) -> dict[str, Task]:
    """Return what is kept of these cases; those with nothing are left out."""
    wanted = sorted(set(case_ids))
    if not wanted:
        return {}
    query = select(tables.case_tasks).where(among(tables.case_tasks.c.case_id, wanted, connection))
    return {
        row.case_id: Task(
            given_to=row.given_to,
            given_by=row.given_by,
            given_at=row.given_at,
            handed_back=tuple(row.handed_back),
            held_until=row.held_until,
        )
        for row in connection.execute(query)
    }


def give(connection: Connection, case: Row[Any], *, to: str, by: str | None, now: datetime, random_bytes: RandomBytes) -> None:
    """Give an open case to somebody; ``by`` is None when the distribution does."""
    if case.state != CaseStatus.OPEN.value:
        raise Refused("case.action_not_allowed", "/action", f"give in {case.state}")
    _keep(connection, case, given_to=to, given_by=by, given_at=now)
    note_step(connection, case, "given", by=by, now=now, random_bytes=random_bytes)


def hand_back(
    connection: Connection, case: Row[Any], *, by: str, reason: str | None, now: datetime, random_bytes: RandomBytes
) -> None:
    """Give back a case that was given to ``by`` and that nobody has claimed."""
    task = tasks_of(connection, [case.case_id]).get(case.case_id, Task())
    if case.state != CaseStatus.OPEN.value or task.given_to != by:
        raise Refused("case.action_not_allowed", "/action", f"hand back in {case.state}")
    if not reason:
        raise Refused("case.reason_missing", "/reason")
    note_handed_back(connection, case, by=by)
    note_step(connection, case, "handed-back", by=by, reason=reason, now=now, random_bytes=random_bytes)


def note_handed_back(connection: Connection, case: Row[Any], *, by: str) -> None:
    """Note that somebody has let a case go: it is nobody's, and not given to them again."""
    task = tasks_of(connection, [case.case_id]).get(case.case_id, Task())
    back = sorted({*task.handed_back, by})
    _keep(connection, case, given_to=None, given_by=None, given_at=None, handed_back=back, held_until=None)


def hold(
    connection: Connection,
    case: Row[Any],
    *,
    until: datetime,
    said: tuple[str, str],
    times: CaseTimes,
    now: datetime,
    random_bytes: RandomBytes,
) -> None:
    """Let a case rest until a time. ``said``: by whom, and why."""
    by, reason = said
    if case.claimed_by != by or case.state not in {CaseStatus.CLAIMED.value, CaseStatus.ASKED.value}:
        raise Refused("case.action_not_allowed", "/action", f"hold in {case.state}")
    if not reason:
        raise Refused("case.reason_missing", "/reason")
    evidence_ends = case.last_seen + times.evidence_kept
    if not now < until <= now + times.hold_at_most or now < evidence_ends < until:
        raise Refused("case.hold_too_long", "/until")
    _keep(connection, case, held_until=until)
    note_step(connection, case, "held", by=by, reason=reason, now=now, random_bytes=random_bytes)


def resume(connection: Connection, case: Row[Any], *, by: str, now: datetime, random_bytes: RandomBytes) -> None:
    """End a case's rest before its time."""
    task = tasks_of(connection, [case.case_id]).get(case.case_id, Task())
    if case.claimed_by != by or task.held_until is None or task.held_until <= now:
        raise Refused("case.action_not_allowed", "/action", f"resume in {case.state}")
    _keep(connection, case, held_until=None)
    note_step(connection, case, "resumed", by=by, now=now, random_bytes=random_bytes)


def _keep(connection: Connection, case: Row[Any], **changed: Any) -> None:
    task = tasks_of(connection, [case.case_id]).get(case.case_id, Task())
    row = msgspec.structs.asdict(task) | {"handed_back": list(task.handed_back)} | changed
    row |= {"commune_code": case.commune_code, "case_id": case.case_id}
    write_rows(connection, tables.case_tasks, [row], keep=("commune_code", "case_id"))


def note_step(
    connection: Connection,
    case: Row[Any],
    action: str,
    *,
    by: str | None,
    now: datetime,
    random_bytes: RandomBytes,
    reason: str | None = None,
) -> str:
    """Write a step that leaves the case in its state; returns the event's id."""
    event = {
        "commune_code": case.commune_code,
        "event_id": str(uuid7(now, random_bytes(10))),
        "case_id": case.case_id,
        "action": action,
        "from_state": case.state,
        "to_state": case.state,
        "code": None,
        "account_id": by,
        "reason": reason,
        "at": now,
    }
    connection.execute(insert(tables.case_events), [event])
    return str(event["event_id"])
