"""The cases of a commune as work queues read them, and their distribution over its officers.

- One query for all that is worked on, whichever queue is shown: an officer's counts come from the same rows as the list.
- Closed cases are read back for as long as ``CLOSED_SHOWN``.
- ``distribute_cases`` gives every open case that nobody has to whoever has least to do (``residence/cases/distribution.py``), in the order the
  cases want somebody; done again it changes nothing.

Example: ``distribute_cases(registry, now=now, times=CaseTimes(), random_bytes=random_bytes).given``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, and_, exists, func, select

from registry import tables
from registry.case_tasks import give
from registry.cases import triaged
from registry.database import Registry
from registry.interests import interests_of
from residence.cases.distribution import distribute
from residence.cases.queues import QueuedCase
from residence.cases.transitions import CLOSED, CaseStatus
from residence.cases.triage import CaseTimes, Triaged
from residence.clock import VIETNAM

SHOWN: Final = 1000
CLOSED_SHOWN: Final = timedelta(days=60)
_WORKED_ON: Final = tuple(each.value for each in CaseStatus if each not in CLOSED)
_CASE: Final = tables.cases.c
_TASK: Final = tables.case_tasks.c
_READ: Final = [
    *(_CASE[name] for name in ("commune_code", "case_id", "rule", "lapsed", "state", "who", "premises_id", "unit", "notice_id")),
    *(_CASE[name] for name in ("first_seen", "last_seen", "due", "claimed_by", "closing_code", "opened_at", "counted_from")),
    *(_CASE[name] for name in ("asked_at", "changed_at")),
    *(_TASK[name] for name in ("given_to", "handed_back", "held_until")),
]


class Distributed(msgspec.Struct, frozen=True, kw_only=True):
    """What a distribution did: cases given, and those every officer is barred from."""

    given: int = 0
    nobodys: int = 0


def worked_on(connection: Connection, commune_code: str, *, limit: int = SHOWN) -> list[Row[Any]]:
    """Return a commune's cases that are not closed, oldest first, each with its task."""
    return _read(connection, commune_code, _WORKED_ON, limit=limit)


def closed_lately(connection: Connection, commune_code: str, *, now: datetime, limit: int = SHOWN) -> list[Row[Any]]:
    """Return a commune's cases opened within ``CLOSED_SHOWN`` that are closed, the newest first."""
    found = _read(connection, commune_code, sorted(CLOSED), since=now - CLOSED_SHOWN, limit=limit)
    return sorted(found, key=lambda row: row.changed_at, reverse=True)


def count_closed(connection: Connection, commune_code: str, *, now: datetime) -> int:
    """Return how many ``closed_lately`` would return."""
    closed = (_CASE.commune_code == commune_code, _CASE.state.in_(sorted(CLOSED)), _CASE.opened_at >= now - CLOSED_SHOWN)
    return connection.scalar(select(func.count()).select_from(tables.cases).where(*closed)) or 0


def _read(
    connection: Connection, commune_code: str, states: Sequence[str], *, limit: int, since: datetime | None = None
) -> list[Row[Any]]:
    same = and_(_TASK.case_id == _CASE.case_id, _TASK.commune_code == _CASE.commune_code)
    query: Select[Any] = select(*_READ).outerjoin(tables.case_tasks, same)
    link = tables.case_links.c  # what is worked on together with another stands in no queue by itself
    joined = exists().where(link.case_id == _CASE.case_id, link.commune_code == _CASE.commune_code, link.split_at.is_(None))
    query = query.where(_CASE.commune_code == commune_code, _CASE.state.in_(states), ~joined)
    if since is not None:
        query = query.where(_CASE.opened_at >= since)
    return list(connection.execute(query.order_by(_CASE.opened_at, _CASE.case_id).limit(limit)).all())


def queued(row: Row[Any], stands: Triaged) -> QueuedCase:
    """Return what queues ask of a case read here."""
    return QueuedCase(
        state=CaseStatus(row.state),
        rule=row.rule,
        premises_id=row.premises_id,
        urgency=stands.urgency,
        holder=row.claimed_by or row.given_to,
        held_until=row.held_until,
    )


def officers_of(connection: Connection, commune_code: str | None = None) -> list[Row[Any]]:
    """Return the officers who may sign in, by id: of one commune, or of all."""
    columns = tables.accounts.c
    query: Select[Any] = select(columns.commune_code, columns.account_id, columns.sign_in_name)
    query = query.where(columns.role == "officer", columns.disabled_at.is_(None))
    if commune_code is not None:
        query = query.where(columns.commune_code == commune_code)
    return list(connection.execute(query.order_by(columns.account_id)).all())


def distribute_cases(registry: Registry, *, now: datetime, times: CaseTimes, random_bytes: Callable[[int], bytes]) -> Distributed:
    """Give every open case that nobody has to somebody, commune by commune, each in its own transaction."""
    with registry.reading() as connection:
        communes = sorted({row.commune_code for row in officers_of(connection)})
    given = nobodys = 0
    for commune in communes:
        with registry.writing() as connection:
            chosen = _chosen(connection, commune, now=now, times=times)
            for row, to in chosen:
                if to is not None:
                    give(connection, row, to=to, by=None, now=now, random_bytes=random_bytes)
                    given += 1
            nobodys += sum(to is None for _, to in chosen)
    return Distributed(given=given, nobodys=nobodys)


def _chosen(connection: Connection, commune: str, *, now: datetime, times: CaseTimes) -> list[tuple[Row[Any], str | None]]:
    rows = worked_on(connection, commune)
    waiting = [row for row, _ in triaged(rows, now=now, times=times) if row.claimed_by is None and row.given_to is None]
    if not waiting:
        return []
    officers = [row.account_id for row in officers_of(connection, commune)]
    load = {each: sum(each == (row.claimed_by or row.given_to) for row in rows) for each in officers}
    to = distribute([row.case_id for row in waiting], load=load, barred=_barred(connection, waiting, officers, now))
    return [(row, to[row.case_id]) for row in waiting]


def _barred(
    connection: Connection, waiting: Iterable[Row[Any]], officers: Sequence[str], now: datetime
) -> dict[str, frozenset[str]]:
    today = now.astimezone(VIETNAM).date()
    interests = {each: interests_of(connection, each, on=today) for each in officers}
    return {
        row.case_id: frozenset(row.handed_back or ()) | {each for each in officers if interests[each].bars(row)}
        for row in waiting
    }
