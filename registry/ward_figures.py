"""A ward's last weeks, counted from the rows: declared on time, late, corrected, notices that solved it, closures, time to close.

- Counted for the commune as a whole, never by house or person; what is too few is hidden before it leaves here.
- One question for each kind, over the weeks shown; rows are read, none is opened.

Example: ``ward_weeks(connection, "demo-01", now=now)[-1].on_time``
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, select

from registry import tables
from residence.cases.closing import CLOSING
from residence.cases.notices import NoticeKind
from residence.cases.ward_figures import WEEKS, Week, shown, shown_median
from residence.clock import VIETNAM

_STAYS, _SAID, _NOTICES, _CASES = tables.stays.c, tables.declarations.c, tables.notices.c, tables.cases.c


def ward_weeks(connection: Connection, commune_code: str, *, now: datetime) -> list[Week]:
    """Return the last weeks, the oldest first; the last one is not over."""
    mondays = mondays_until(now.astimezone(VIETNAM).date())
    since = datetime.combine(mondays[0], time(), VIETNAM)
    counts: dict[date, Counter[str]] = defaultdict(Counter)
    hours: dict[date, list[float]] = defaultdict(list)
    week = _weeks(mondays[0])
    begun = (_STAYS.commune_code == commune_code, _STAYS.start_at >= since, _STAYS.start_at <= now)
    for row in connection.execute(select(_STAYS.start_at, _STAYS.on_time).where(*begun, _STAYS.on_time.is_not(None))):
        counts[week(row.start_at)]["on_time" if row.on_time else "late"] += 1
    said = (_SAID.commune_code == commune_code, _SAID.recorded_at >= since, _SAID.kind == "correction", _SAID.state == "accepted")
    for at in connection.scalars(select(_SAID.recorded_at).where(*said)):
        counts[week(at)]["corrected"] += 1
    sent = (_NOTICES.commune_code == commune_code, _NOTICES.created_at >= since)
    kind = _NOTICES.kind == NoticeKind.PLEASE_DECLARE.value
    for row in connection.execute(select(_NOTICES.created_at, _NOTICES.answer).where(*sent, kind)):
        counts[week(row.created_at)]["notices"] += 1
        counts[week(row.created_at)]["declared_after"] += row.answer == "declared"
    closed = (_CASES.commune_code == commune_code, _CASES.changed_at >= since, _CASES.closing_code.is_not(None))
    for opened, ended, code in connection.execute(
        select(_CASES.opened_at, _CASES.changed_at, _CASES.closing_code).where(*closed)
    ):
        counts[week(ended)][f"closed {code}"] += 1
        hours[week(ended)].append((ended - opened) / timedelta(hours=1))
    return [_week(each, counts[each], hours[each]) for each in mondays]


def mondays_until(today: date) -> list[date]:
    """Return the first days of the weeks shown, the oldest first.

    >>> mondays_until(date(2026, 7, 10))[-1].isoformat()
    '2026-07-06'
    """
    this = today - timedelta(days=today.weekday())
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
