"""What is published of a month that is over: counted once, small counts left out, and kept as it was said.

- Counted commune by commune in the night after the month; a month that was published is left alone.
- Looks are the rows of ``access_records``, sealed ones too: a count tells of no case. Second views count in the month they were given.
- Uptime is the month without the windows in which no gateway took declarations for some shard, as gateways signed them.

Example: ``months_of(connection, "demo-01")[0].looks.total``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select

from registry import tables
from registry.access_records import TELL_AUTHORITY
from registry.communes import communes
from registry.database import Registry
from residence.access.purposes import Purpose
from residence.cases.public_figures import Counts, MonthFigures, published
from residence.clock import VIETNAM

SHOWN: Final = 24
_FIGURES, _LOOKS, _CASES = tables.public_figures.c, tables.access_records.c, tables.cases.c
_DISPUTES, _RIGHTS, _VIEWS = tables.disputes.c, tables.rights_requests.c, tables.second_views.c


def publish_month(registry: Registry, *, now: datetime, least: int) -> int:
    """Publish the last month that is over of every commune that has none yet; returns how many."""
    since, until = month_before(now)
    month, many = f"{since.astimezone(VIETNAM):%Y-%m}", 0
    for commune_code in communes(registry):
        with registry.writing() as connection:
            same = (_FIGURES.commune_code == commune_code, _FIGURES.month == month)
            if connection.scalar(select(_FIGURES.month).where(*same)) is not None:
                continue
            counts = _counts(connection, commune_code, since, until)
            figures = published(counts, month=month, commune_code=commune_code, least=least)
            row = {"commune_code": commune_code, "month": month, "figures": msgspec.to_builtins(figures), "made_at": now}
            connection.execute(insert(tables.public_figures), [row])
            many += 1
    return many


def months_of(connection: Connection, commune_code: str) -> list[MonthFigures]:
    """Return what was published of a commune, the youngest month first."""
    query = select(_FIGURES.figures).where(_FIGURES.commune_code == commune_code).order_by(_FIGURES.month.desc())
    return [msgspec.convert(each, MonthFigures) for each in connection.scalars(query.limit(SHOWN))]


def month_before(now: datetime) -> tuple[datetime, datetime]:
    """Return the last calendar month that is over in Vietnam, as [since, until).

    >>> [each.isoformat() for each in month_before(datetime(2026, 3, 5, tzinfo=VIETNAM))]
    ['2026-02-01T00:00:00+07:00', '2026-03-01T00:00:00+07:00']
    """
    first = now.astimezone(VIETNAM).date().replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return datetime.combine(before, time(), VIETNAM), datetime.combine(first, time(), VIETNAM)


def _counts(connection: Connection, commune_code: str, since: datetime, until: datetime) -> Counts:
    looked = select(_LOOKS.purpose, func.count()).where(
        _LOOKS.commune_code == commune_code, _LOOKS.at >= since, _LOOKS.at < until
    )
    looks = dict.fromkeys((*(one.value for one in Purpose), TELL_AUTHORITY), 0)
    looks |= {row[0]: row[1] for row in connection.execute(looked.group_by(_LOOKS.purpose))}
    ended = (_CASES.commune_code == commune_code, _CASES.changed_at >= since, _CASES.changed_at < until)
    closed = select(_CASES.closing_code, func.count()).where(*ended, _CASES.closing_code.is_not(None))
    then = (_VIEWS.commune_code == commune_code, _VIEWS.said_at >= since, _VIEWS.said_at < until)
    return Counts(
        looks=looks,
        closed={row[0]: row[1] for row in connection.execute(closed.group_by(_CASES.closing_code))},
        hours=_hours(connection, commune_code, since, until),
        pairs=[(row.code, row.said) for row in connection.execute(select(_VIEWS.code, _VIEWS.said).where(*then))],
        uptime=1 - down(_windows(connection, since, until), since, until) / (until - since),
    )


def _hours(connection: Connection, commune_code: str, since: datetime, until: datetime) -> dict[str, list[float]]:
    hour = timedelta(hours=1)
    found: dict[str, list[float]] = {"field": [], "stay": [], "right": []}
    settled = (_DISPUTES.commune_code == commune_code, _DISPUTES.settled_at >= since, _DISPUTES.settled_at < until)
    for row in connection.execute(select(_DISPUTES.raised_at, _DISPUTES.settled_at, _DISPUTES.stay_id).where(*settled)):
        found["stay" if row.stay_id else "field"].append((row.settled_at - row.raised_at) / hour)
    answered = (_RIGHTS.commune_code == commune_code, _RIGHTS.answered_at >= since, _RIGHTS.answered_at < until)
    for each in connection.execute(select(_RIGHTS.asked_at, _RIGHTS.answered_at).where(*answered)):
        found["right"].append((each.answered_at - each.asked_at) / hour)
    return found


def _windows(connection: Connection, since: datetime, until: datetime) -> list[Any]:
    columns = tables.outages.c
    ours = (columns.premises_id.is_(None), columns.ended_at > since, columns.began_at < until)
    return list(connection.execute(select(columns.began_at, columns.ended_at).where(*ours).order_by(columns.began_at)).all())


def down(windows: Iterable[Any], since: datetime, until: datetime) -> timedelta:
    """Return how long a time is covered by windows, which come in the order they began and may overlap."""
    covered, reached = timedelta(), since
    for each in windows:
        began, ended = max(each.began_at, reached), min(each.ended_at, until)
        if ended > began:
            covered, reached = covered + (ended - began), ended
    return covered
