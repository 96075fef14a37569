"""A ward's last weeks, counted from the rows: declared on time, late, corrected, notices that solved it, closures, time to close.

- Counted for the commune as a whole, never by house or person; what is too few is hidden before it leaves here.
- A week is counted once it is over, and everything in the week in which it was recorded, sent, answered or closed, from rows that are not changed
  afterwards. So a week says the same for ever, and two files taken on different days differ by whole weeks, never by one person.
- One question for each kind, over the weeks shown; rows are read, none is opened.

Example: ``ward_weeks(connection, "demo-01", now=now)[-1].on_time``
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, select

from registry import tables
from residence.cases.closing import CLOSING
from residence.cases.notices import NoticeKind
from residence.cases.ward_figures import WEEKS, Week, shown, shown_median
from residence.clock import VIETNAM

_SAID, _NOTICES, _CASES = tables.declarations.c, tables.notices.c, tables.cases.c


def ward_weeks(connection: Connection, commune_code: str, *, now: datetime) -> list[Week]:
    """Return the last weeks that are over, the oldest first."""
    mondays = mondays_before(now.astimezone(VIETNAM).date())
    since = datetime.combine(mondays[0], time(), VIETNAM)
    until = since + timedelta(weeks=WEEKS)
    counts: dict[date, Counter[str]] = defaultdict(Counter)
    hours: dict[date, list[float]] = defaultdict(list)
    week = _weeks(mondays[0])
    for at, name in (
        *_said(connection, commune_code, since, until),
        *_notices(connection, commune_code, since, until),
    ):
        counts[week(at)][name] += 1
    ended = (_CASES.commune_code == commune_code, _CASES.changed_at >= since, _CASES.changed_at < until)
    closed = select(_CASES.opened_at, _CASES.changed_at, _CASES.closing_code).where(*ended, _CASES.closing_code.is_not(None))
    for opened, at, code in connection.execute(closed):
        counts[week(at)][f"closed {code}"] += 1
        hours[week(at)].append((at - opened) / timedelta(hours=1))
    return [_week(each, counts[each], hours[each]) for each in mondays]


def _said(connection: Connection, commune_code: str, since: datetime, until: datetime) -> Iterator[tuple[datetime, str]]:
    then = (_SAID.commune_code == commune_code, _SAID.recorded_at >= since, _SAID.recorded_at < until, _SAID.state == "accepted")
    for row in connection.execute(select(_SAID.recorded_at, _SAID.kind, _SAID.on_time).where(*then)):
        if row.kind == "correction":
            yield row.recorded_at, "corrected"
        elif row.kind == "arrival" and row.on_time is not None:
            yield row.recorded_at, "on_time" if row.on_time else "late"


def _notices(connection: Connection, commune_code: str, since: datetime, until: datetime) -> Iterator[tuple[datetime, str]]:
    ours = (_NOTICES.commune_code == commune_code, _NOTICES.kind == NoticeKind.PLEASE_DECLARE.value)
    sent = (_NOTICES.created_at >= since, _NOTICES.created_at < until)
    for at in connection.scalars(select(_NOTICES.created_at).where(*ours, *sent)):
        yield at, "notices"
    solved = (_NOTICES.answered_at >= since, _NOTICES.answered_at < until, _NOTICES.answer == "declared")
    for at in connection.scalars(select(_NOTICES.answered_at).where(*ours, *solved)):
        yield at, "declared_after"


def mondays_before(today: date) -> list[date]:
    """Return the first days of the weeks shown, the oldest first; the one today is in is not over.

    >>> mondays_before(date(2026, 7, 10))[-1].isoformat()
    '2026-06-29'
    """
    this = today - timedelta(days=today.weekday(), weeks=1)
    return [this - timedelta(weeks=number) for number in reversed(range(WEEKS))]


def _weeks(first: date) -> Callable[[datetime], date]:
    def week(at: datetime) -> date:
        day = at.astimezone(VIETNAM).date()
        return first + timedelta(weeks=(day - first).days // 7)

    return week


def _week(first_day: date, counts: Counter[str], hours: list[float]) -> Week:
    said: dict[str, Any] = {name: shown(counts[name]) for name in ("on_time", "late", "corrected", "notices", "declared_after")}
    return Week(
        first_day=first_day.isoformat(),
        **said,
        closed={code.value: shown(counts[f"closed {code.value}"]) for code in CLOSING},
        median_hours=shown_median(hours),
    )
