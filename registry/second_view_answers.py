"""What second and third views say of a closed case, what they come to, and who looks into a difference.

- Nobody is shown a case before its draw stands in the log; whoever is asked says once, with a reason, and only for what they were asked.
- A third is asked in the night after the second said otherwise; one who says that it cannot be told from this says otherwise, too.
- What two saw otherwise than the closer waits for an inspector of the commune, who writes what came of it. Nothing follows from it by itself, and
  nobody's differences are counted.

Example: ``say(connection, view_id, by=account_id, said="visitor", reason="...", now=now)``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, or_, select, update

from registry import tables
from registry.locking import locked_row
from registry.look_log import is_in_log
from registry.second_eyes import people_of
from registry.second_views import asked_now
from residence.cases.second_views import SAYABLE, Result, result_of
from residence.errors import Conflict, Refused

LONGEST: Final = 1000
_VIEWS, _DRAWS, _LOOKS = tables.second_views.c, tables.second_view_draws.c, tables.looks.c


def views_asked_of(connection: Connection, account_id: str) -> list[Row[Any]]:
    """Return the views an officer is asked for and whose draw is in the log, the oldest first."""
    second = (_VIEWS.reviewer_id == account_id) & _VIEWS.said_at.is_(None)
    third = (_VIEWS.third_id == account_id) & _VIEWS.third_at.is_(None)
    rows = connection.execute(select(tables.second_views).where(or_(second, third)).order_by(_VIEWS.view_id).limit(200)).all()
    draws = select(_DRAWS.draw_id, _DRAWS.look_id).where(_DRAWS.draw_id.in_(sorted({row.draw_id for row in rows})))
    there = {row.draw_id for row in connection.execute(draws) if is_in_log(connection, row.look_id)}
    return [row for row in rows if row.draw_id in there]


def view_asked_of(connection: Connection, view_id: str, account_id: str) -> Row[Any] | None:
    """Return one view this officer is asked for now, or None."""
    return next((row for row in views_asked_of(connection, account_id) if row.view_id == view_id), None)


def say(connection: Connection, view_id: str, *, by: str, said: str, reason: str, now: datetime) -> None:
    """Keep what a second or third sees."""
    row = locked_row(connection, tables.second_views, view_id)
    if row is None or asked_now(row) != by or view_asked_of(connection, view_id, by) is None:
        raise Refused("server.not_allowed")
    if said not in SAYABLE:
        raise Refused("views.code", "/said")
    names = ("said", "said_reason", "said_at") if row.said_at is None else ("third_said", "third_reason", "third_at")
    _change(connection, row, dict(zip(names, (said, _words(reason), now), strict=True)))


def result(row: Row[Any]) -> Result:
    """Return what the views of one closure come to."""
    return result_of(row.code, second=row.said, third=row.third_said)


def seen_otherwise(connection: Connection, commune_code: str, *, limit: int = 200) -> list[Row[Any]]:
    """Return what two saw otherwise than the closer: those nobody looked into first, the oldest of them first."""
    otherwise = (_VIEWS.third_at.is_not(None), _VIEWS.said != _VIEWS.code, _VIEWS.third_said != _VIEWS.code)
    query = select(tables.second_views).where(_VIEWS.commune_code == commune_code, *otherwise)
    return list(connection.execute(query.order_by(_VIEWS.looked_into_at.is_not(None), _VIEWS.view_id).limit(limit)).all())


def look_into(connection: Connection, view_id: str, *, by: str, words: str, now: datetime) -> None:
    """Keep what an inspector found; once."""
    row = locked_row(connection, tables.second_views, view_id)
    if row is None or result(row) is not Result.OTHERWISE or concerns(connection, row, by):
        raise Refused("server.not_allowed")
    if row.looked_into_at is not None:
        raise Conflict("views.looked_into")
    _change(connection, row, {"looked_into_by": by, "looked_into_at": now, "looked_into": _words(words)})


def concerns(connection: Connection, row: Row[Any], account_id: str) -> bool:
    """Tell whether an inspector is, under another account, one of those who saw the case."""
    seen_by = {row.closed_by, row.reviewer_id, row.third_id}
    theirs = set[str]().union(*(people_of(connection, each) for each in seen_by if each))
    return account_id in seen_by or bool(people_of(connection, account_id) & theirs)


def views_between(connection: Connection, commune_code: str, since: datetime, until: datetime) -> list[Row[Any]]:
    """Return the drawn closures of a time, for the figures that are published."""
    then = (_VIEWS.commune_code == commune_code, _VIEWS.closed_at >= since, _VIEWS.closed_at < until)
    return list(connection.execute(select(tables.second_views).where(*then)).all())


def pairs_of(views: Sequence[Row[Any]]) -> list[tuple[str, str]]:
    """Return (what the closer said, what the second view said) of those that were seen again."""
    return [(row.code, row.said) for row in views if row.said_at is not None]


def _change(connection: Connection, row: Row[Any], values: Mapping[str, Any]) -> None:
    same = (_VIEWS.commune_code == row.commune_code, _VIEWS.view_id == row.view_id)
    connection.execute(update(tables.second_views).where(*same).values(**values))


def _words(said: str) -> str:
    text = said.strip()
    if not text or len(text) > LONGEST:
        raise Refused("views.words", "/reason")
    return text
