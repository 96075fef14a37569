"""What may have lapsed, set by set: what ran out within a window, each row with the explanations that hold for it.

- One statement a rule and page: the rows come by the index of their day, the explanations as ``EXISTS`` beside them. Nothing is opened.
- The same statement asks for rows by id, for what was found before and may stand still.
- Full houses are in ``registry/lapse_houses.py``.

Example: ``residences_ended(connection, Window(first=..., last=..., now=now), after="", limit=500)``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, get_args

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, exists, or_, select

from registry import tables
from registry.asking import among
from registry.tables_stays import OPEN
from residence.cases.lapses import Candidate, Excuse, LapseRule, end_of
from residence.clock import VIETNAM
from residence.stays.rules import RuleBook
from residence.stays.spans import max_stay

HERE: Final = ("open", "disputed")
_EXCUSES: Final = frozenset(get_args(Excuse))
residences, stays, permits = tables.residences.c, tables.stays.c, tables.permitted_stays.c


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are asked for: those that ran out since ``first``, or just these ids."""

    first: datetime
    now: datetime
    ids: tuple[str, ...] | None = None

    @property
    def today(self) -> str:
        """Return the day it is in Vietnam."""
        return self.now.astimezone(VIETNAM).date().isoformat()

    def days(self, column: Any) -> ColumnElement[bool]:
        """Return that a day lies in the window and is over."""
        return and_(column >= self.first.astimezone(VIETNAM).date().isoformat(), column < self.today)


def residences_ended(connection: Connection, window: Window, *, after: str, limit: int) -> list[Candidate]:
    """Return temporary residences whose last day is over."""
    rows = _page(
        connection,
        select(
            residences.residence_id.label("row_id"),
            residences.premises_id,
            residences.commune_code,
            residences.unit,
            residences.person_id,
            residences.valid_from,
            residences.valid_to,
            _is_dead(residences.person_id).label("deceased"),
            _moved_out().label("moved_out"),
            _registered(window, residences.person_id, at=residences.premises_id).label("registered_here"),
            _registered(window, residences.person_id, elsewhere_than=residences.premises_id).label("registered_elsewhere"),
            _stays(residences.person_id, at=residences.premises_id).label("declared_here"),
            _stays(residences.person_id, elsewhere_than=residences.premises_id).label("stays_elsewhere"),
            absent(window, residences.person_id).label("absent"),
        ).where(residences.kind == "temporary"),
        (residences.residence_id, window.days(residences.valid_to), residences.valid_to < window.today),
        window=window,
        after=after,
        limit=limit,
    )
    return [
        _candidate("temporary_expired", row, end_of(row.valid_to), data={"valid_from": row.valid_from, "valid_to": row.valid_to})
        for row in rows
    ]


def stays_over(connection: Connection, window: Window, *, rules: RuleBook, after: str, limit: int) -> list[Candidate]:
    """Return stays nobody has ended whose stated end, or longest length, is over."""
    longest = timedelta(days=rules.rule_set_for(window.now).max_days)
    over = or_(stays.planned_end < window.now, stays.start_at <= window.now - longest)
    # begun in the window or as long before it as a stay may last
    begun = and_(stays.start_at >= window.first - longest, stays.start_at <= window.now, over)
    rows = _page(
        connection,
        select(
            stays.stay_id.label("row_id"),
            stays.premises_id,
            stays.commune_code,
            stays.unit,
            stays.person_id,
            stays.start_at,
            stays.planned_end,
            _is_dead(stays.person_id).label("deceased"),
            _registered(window, stays.person_id, at=stays.premises_id).label("registered_here"),
            _later_stay(here=True).label("declared_here"),
            _later_stay(here=False).label("stays_elsewhere"),
            absent(window, stays.person_id).label("absent"),
            exists().where(permits.person_id == stays.person_id).label("foreigner"),
        ).where(OPEN),
        (stays.stay_id, begun, over),
        window=window,
        after=after,
        limit=limit,
    )
    return [_stay(row, rules) for row in rows]


def _stay(row: Row[Any], rules: RuleBook) -> Candidate:
    limit = row.start_at + max_stay(row.start_at, rules)
    overrun = row.planned_end is not None and (row.planned_end < limit or row.foreigner)
    ended: datetime = row.planned_end if overrun else limit
    data = {"from": _day(row.start_at), "to": _day(ended)}
    return _candidate("stay_overrun" if overrun else "stay_too_long", row, ended, data=data, began=row.start_at)


def permits_ended(connection: Connection, window: Window, *, at: Table, after: str, limit: int) -> list[Candidate]:
    """Return permitted stays that are over, of people who stay (``at`` is ``stays``) or live (``residences``) somewhere today."""
    here = _staying_today(window) if at is tables.stays else lives_today(window)
    rows = _page(
        connection,
        select(
            permits.permit_id.label("row_id"),
            at.c.premises_id,
            at.c.commune_code,
            at.c.unit,
            permits.person_id,
            permits.valid_to,
            _is_dead(permits.person_id).label("deceased"),
            _newer_permit().label("newer_permit"),
            absent(window, permits.person_id).label("absent"),
        )
        .join(at, at.c.person_id == permits.person_id)
        .where(here),
        (permits.permit_id, window.days(permits.valid_to), permits.valid_to < window.today),
        window=window,
        after=after,
        limit=limit,
    )
    return [_candidate("permit_ended", row, end_of(row.valid_to), data={"valid_to": row.valid_to}) for row in rows]


def _candidate(
    rule: LapseRule, row: Row[Any], ended: datetime, *, data: Mapping[str, str | int], began: datetime | None = None
) -> Candidate:
    return Candidate(
        rule=rule,
        row_id=row.row_id,
        premises_id=row.premises_id,
        commune_code=row.commune_code,
        unit=row.unit,
        person_id=row.person_id,
        ended=ended,
        began=began,
        excuses=frozenset(name for name, holds in row._mapping.items() if name in _EXCUSES and holds),  # noqa: SLF001 - public name
        data=data,
    )


def _page(
    connection: Connection,
    query: Select[Any],
    asked: tuple[Any, ColumnElement[bool], ColumnElement[bool]],
    *,
    window: Window,
    after: str,
    limit: int,
) -> Sequence[Row[Any]]:
    own_id, in_window, over = asked
    which = in_window if window.ids is None else and_(among(own_id, list(window.ids), connection), over)
    return connection.execute(query.where(which, own_id > after).order_by(own_id).limit(limit)).all()


def _is_dead(person_id: Any) -> ColumnElement[bool]:
    return exists().where(tables.persons.c.person_id == person_id, tables.persons.c.status != "living")


def _moved_out() -> ColumnElement[bool]:
    events, back = tables.residence_events.c, tables.residence_events.alias("back").c
    taken_back = exists().where(back.residence_id == events.residence_id, back.answers == events.event_id)
    said = (
        events.residence_id == residences.residence_id,
        events.event == "moved_out",
        events.valid_to_after == residences.valid_to,
    )
    return exists().where(*said, ~taken_back)


def _registered(window: Window, person_id: Any, *, at: Any = None, elsewhere_than: Any = None) -> ColumnElement[bool]:
    """Tell whether somebody is registered at a place today; elsewhere only a temporary residence tells that they moved."""
    other = tables.residences.alias("other").c
    today = (other.person_id == person_id, other.valid_from <= window.today, _reaches(other.valid_to, window.today))
    if at is not None:
        return exists().where(*today, other.premises_id == at)
    return exists().where(*today, other.premises_id != elsewhere_than, other.kind == "temporary")


def _stays(person_id: Any, *, at: Any = None, elsewhere_than: Any = None) -> ColumnElement[bool]:
    other = tables.stays.alias("other_stay").c
    where = other.premises_id == at if at is not None else other.premises_id != elsewhere_than
    return exists().where(other.person_id == person_id, other.status.in_(HERE), where)


def _later_stay(*, here: bool) -> ColumnElement[bool]:
    later = tables.stays.alias("later").c
    where = later.premises_id == stays.premises_id if here else later.premises_id != stays.premises_id
    counted = later.status.in_((*HERE, "ended"))
    return exists().where(later.person_id == stays.person_id, later.start_at > stays.start_at, counted, where)


def absent(window: Window, person_id: Any) -> ColumnElement[bool]:
    """Return that somebody is declared absent today."""
    return exists().where(tables.absences.c.person_id == person_id, *absent_today(window))


def absent_today(window: Window) -> tuple[ColumnElement[bool], ...]:
    """Return that an absence holds today."""
    columns = tables.absences.c
    return columns.valid_from <= window.today, _reaches(columns.valid_to, window.today)


def _newer_permit() -> ColumnElement[bool]:
    newer = tables.permitted_stays.alias("newer").c
    return exists().where(newer.person_id == permits.person_id, newer.recorded_at > permits.recorded_at)


def _staying_today(window: Window) -> ColumnElement[bool]:
    until = or_(stays.planned_end.is_(None), stays.planned_end > window.now)
    return and_(stays.status.in_(HERE), stays.start_at <= window.now, until)


def lives_today(window: Window) -> ColumnElement[bool]:
    """Return that a residence holds today."""
    return and_(residences.valid_from <= window.today, _reaches(residences.valid_to, window.today))


def _reaches(last: Any, day: str) -> ColumnElement[bool]:
    return or_(last.is_(None), last >= day)


def _day(at: datetime) -> str:
    return at.astimezone(VIETNAM).date().isoformat()
