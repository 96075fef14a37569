"""Closed cases drawn for a second view: the night's draw, written into the log, and who is asked.

- What is drawn from is every case an officer closed since the last draw and that is closed so still; what closed by itself is nobody's judgement.
- The draw stands in the log, with its seed and a digest of all it was drawn from, before anybody is asked (``residence/cases/second_views.py``).
- Whoever had to do with the case, is the closer under another account or has an interest in it is not asked. Where nobody is left, the case waits for
  somebody; so does one whose officer is gone.

Example: ``draw_second_views(registry, now=now, percent=10, random_bytes=random_bytes)`` is how many were drawn
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from registry import tables
from registry.asking import among
from registry.case_queue import officers_of
from registry.cases import case
from registry.communes import communes
from registry.database import Registry
from registry.interests import interests_of
from registry.look_log import add_statement, statements_of
from registry.second_eyes import people_of
from residence.cases.second_views import Closure, chosen_by_chance, draw_holds, draw_text, drawn
from residence.cases.transitions import CLOSED
from residence.clock import VIETNAM, uuid7
from residence.transparency.looks import SECRET_BYTES

FURTHEST_BACK: Final = timedelta(days=7)
_VIEWS, _DRAWS = tables.second_views.c, tables.second_view_draws.c
_CASES, _EVENTS = tables.cases.c, tables.case_events.c
RandomBytes = Callable[[int], bytes]


def draw_second_views(registry: Registry, *, now: datetime, percent: int, random_bytes: RandomBytes) -> int:
    """Draw for every commune what was closed since its last draw, and ask somebody for whatever waits for nobody."""
    many = 0
    for commune_code in communes(registry):
        with registry.writing() as connection:
            many += _draw(connection, commune_code, now=now, percent=percent, random_bytes=random_bytes)
            _ask_somebody(connection, commune_code, now=now, random_bytes=random_bytes)
    return many


def closures_between(
    connection: Connection, commune_code: str, since: datetime, until: datetime
) -> list[tuple[Closure, datetime]]:
    """Return what officers closed in [since, until) and is closed so still, in the order of their events, with when."""
    closed = (_CASES.state.in_(sorted(CLOSED)), _CASES.changed_at >= since, _CASES.changed_at < until)
    query = select(_CASES.case_id, _CASES.closing_code).where(_CASES.commune_code == commune_code, *closed)
    codes: dict[str, str] = {row.case_id: row.closing_code for row in connection.execute(query)}
    steps = select(_EVENTS.event_id, _EVENTS.case_id, _EVENTS.code, _EVENTS.account_id, _EVENTS.at)
    steps = steps.where(_EVENTS.commune_code == commune_code, among(_EVENTS.case_id, sorted(codes), connection))
    rows = (
        connection.execute(steps.where(_EVENTS.code.is_not(None)).order_by(_EVENTS.at, _EVENTS.event_id)).all() if codes else []
    )
    last: dict[str, Any] = {row.case_id: row for row in rows}
    found = [
        (Closure(event_id=row.event_id, case_id=row.case_id, code=row.code, closed_by=row.account_id), row.at)
        for row in last.values()
        if row.account_id is not None and row.code == codes[row.case_id]
    ]
    return sorted(found, key=lambda each: each[0])


def _draw(connection: Connection, commune_code: str, *, now: datetime, percent: int, random_bytes: RandomBytes) -> int:
    before = connection.scalar(
        select(_DRAWS.until).where(_DRAWS.commune_code == commune_code).order_by(_DRAWS.until.desc()).limit(1)
    )
    since = max(before or now - FURTHEST_BACK, now - FURTHEST_BACK)
    closures = dict(closures_between(connection, commune_code, since, now))
    if not closures:
        return 0
    seed, secret = random_bytes(32), random_bytes(SECRET_BYTES)
    chosen = drawn(closures, seed=seed, percent=percent)
    draw_id, look_id = str(uuid7(now, random_bytes(10))), str(uuid7(now, random_bytes(10)))
    salt = base64.b64encode(secret).decode()
    text = draw_text(list(closures), chosen, seed=seed, percent=percent, salt=salt, where=commune_code)
    add_statement(connection, text, kind="draw", place=(commune_code, look_id), secret=secret, now=now)
    row = {
        "commune_code": commune_code,
        "draw_id": draw_id,
        "look_id": look_id,
        "since": since,
        "until": now,
        "seed": seed.hex(),
        "percent": percent,
        "closures": len(closures),
        "drawn": len(chosen),
    }
    connection.execute(insert(tables.second_view_draws), [row])
    rows = [_view((commune_code, draw_id), each, at=closures[each], now=now, random_bytes=random_bytes) for each in chosen]
    if rows:
        connection.execute(insert(tables.second_views), rows)
    return len(rows)


def _view(of: tuple[str, str], closure: Closure, *, at: datetime, now: datetime, random_bytes: RandomBytes) -> dict[str, Any]:
    return {
        "commune_code": of[0],
        "view_id": str(uuid7(now, random_bytes(10))),
        "draw_id": of[1],
        "case_id": closure.case_id,
        "event_id": closure.event_id,
        "code": closure.code,
        "closed_by": closure.closed_by,
        "closed_at": at,
    }


def _ask_somebody(connection: Connection, commune_code: str, *, now: datetime, random_bytes: RandomBytes) -> None:
    """Ask for every view that waits and that nobody who may is asked for."""
    rows = waiting_views(connection, commune_code)
    load = Counter(asked for row in rows if (asked := asked_now(row)) is not None)
    for row in rows:
        free = free_to_see(connection, row, now=now)
        if asked_now(row) in free:
            continue
        to = chosen_by_chance(free, seed=random_bytes(32), about=row.view_id, load=load)
        if to is not None:
            load[to] += 1
        if to == asked_now(row):
            continue
        # whoever said something since this was read keeps their place
        place, unsaid = ("reviewer_id", _VIEWS.said_at) if row.said_at is None else ("third_id", _VIEWS.third_at)
        same = (_VIEWS.commune_code == commune_code, _VIEWS.view_id == row.view_id, unsaid.is_(None))
        connection.execute(update(tables.second_views).where(*same).values({place: to}))


def asked_now(row: Row[Any]) -> str | None:
    """Return who is to see a waiting case next, as far as somebody is asked."""
    asked: str | None = row.reviewer_id if row.said_at is None else row.third_id
    return asked


def waiting_views(connection: Connection, commune_code: str) -> list[Row[Any]]:
    """Return a commune's views that wait for a second or a third, the oldest first."""
    differs = _VIEWS.said != _VIEWS.code
    waits = or_(_VIEWS.said_at.is_(None), _VIEWS.third_at.is_(None) & differs)
    query = select(tables.second_views).where(_VIEWS.commune_code == commune_code, waits).order_by(_VIEWS.view_id)
    return list(connection.execute(query.limit(1000)).all())


def free_to_see(connection: Connection, view: Row[Any], *, now: datetime) -> list[str]:
    """Return the officers of a commune who may see a drawn case again, by id."""
    row = case(connection, view.case_id)
    if row is None:
        return []
    had_to_do = _had_to_do(connection, view)
    closer, on = people_of(connection, view.closed_by), now.astimezone(VIETNAM).date()
    free = (each.account_id for each in officers_of(connection, view.commune_code) if each.account_id not in had_to_do)
    return [
        each
        for each in free
        if not people_of(connection, each) & closer and not interests_of(connection, each, on=on).concerns(row)
    ]


def _had_to_do(connection: Connection, view: Row[Any]) -> set[str]:
    steps = select(_EVENTS.account_id).where(_EVENTS.case_id == view.case_id, _EVENTS.account_id.is_not(None))
    visits = select(tables.visits.c.account_id).where(tables.visits.c.case_id == view.case_id)
    earlier = {view.closed_by} if view.said_at is None else {view.closed_by, view.reviewer_id}
    return earlier | {each for query in (steps, visits) for each in connection.scalars(query)}


def draws_of(connection: Connection, commune_code: str, *, limit: int = 60) -> list[Row[Any]]:
    """Return a commune's draws, the youngest first."""
    query = select(tables.second_view_draws).where(_DRAWS.commune_code == commune_code)
    return list(connection.execute(query.order_by(_DRAWS.until.desc()).limit(limit)).all())


def holds(connection: Connection, draw: Row[Any]) -> bool:
    """Tell whether a draw follows from its seed and all there was to draw from, as committed to in the log."""
    return draw_holds(statements_of(connection, [draw.look_id]).get(draw.look_id, "").encode())
