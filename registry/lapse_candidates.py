"""What may have lapsed in a commune, set by set: what ran out within a window, each row with the explanations that hold for it.

- One statement a rule and page: a commune's rows by the index of their day. What explains them is asked for by their people
  (``registry/lapse_facts.py``). Nothing is opened.
- The same is asked for rows by id, for what was found before and may stand still.
- A permitted stay is looked at where it is written and lapses where its person is today, which may be another commune: where they stay, else where
  they live. Full houses are in ``registry/lapse_houses.py``.

Example: ``residences_ended(connection, Window(commune_code="demo-01", first=..., now=now), after="", limit=500).candidates``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select

from registry import tables
from registry.asking import among
from registry.lapse_facts import Facts, day_of, load_facts, stays_now
from registry.tables_stays import OPEN
from residence.cases.lapses import Candidate, Excuse, LapseRule, end_of
from residence.clock import VIETNAM
from residence.stays.rules import RuleBook
from residence.stays.spans import max_stay

residences, stays, permits = tables.residences.c, tables.stays.c, tables.permitted_stays.c


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a commune are asked for: those that ran out since ``first``, or just these ids."""

    commune_code: str
    first: datetime
    now: datetime
    ids: tuple[str, ...] | None = None

    @property
    def today(self) -> str:
        """Return the day it is in Vietnam."""
        return day_of(self.now)

    def days(self, column: Any) -> ColumnElement[bool]:
        """Return that a day lies in the window and is over."""
        return and_(column >= self.first.astimezone(VIETNAM).date().isoformat(), column < self.today)


class Paged(msgspec.Struct, frozen=True, kw_only=True):
    """A page's candidates, and after which row the next page begins; None after the last."""

    candidates: tuple[Candidate, ...]
    after: str | None


def residences_ended(connection: Connection, window: Window, *, after: str, limit: int) -> Paged:
    """Return temporary residences whose last day is over."""
    query = select(tables.residences).where(
        residences.commune_code == window.commune_code, residences.kind == "temporary", residences.residence_id > after
    )
    which = _which(connection, window, residences.residence_id, window.days(residences.valid_to))
    query = query.where(which, residences.valid_to < window.today).order_by(residences.residence_id)
    rows = connection.execute(query.limit(limit)).all()
    facts = load_facts(connection, _people(rows), now=window.now, stays_since=window.now)
    gone = _moved_out(connection, rows, window.commune_code)
    found = tuple(_residence(row, facts, moved_out=row.residence_id in gone) for row in rows)
    return Paged(candidates=found, after=rows[-1].residence_id if len(rows) == limit else None)


def _residence(row: Row[Any], facts: Facts, *, moved_out: bool) -> Candidate:
    homes, staying = facts.homes.get(row.person_id, ()), facts.standing(row.person_id)
    held: dict[Excuse, bool] = {
        "moved_out": moved_out,
        "registered_here": any(each.premises_id == row.premises_id for each in homes),
        # elsewhere only a temporary residence tells that they moved
        "registered_elsewhere": any(each.premises_id != row.premises_id and each.kind == "temporary" for each in homes),
        "declared_here": any(each.premises_id == row.premises_id for each in staying),
        "stays_elsewhere": any(each.premises_id != row.premises_id for each in staying),
    }
    data = {"valid_from": row.valid_from, "valid_to": row.valid_to}
    return _candidate(
        "temporary_expired", row.residence_id, row, end_of(row.valid_to), excuses=_held(row, facts, held), data=data
    )


def stays_over(connection: Connection, window: Window, *, rules: RuleBook, after: str, limit: int) -> Paged:
    """Return stays nobody has ended whose stated end, or longest length, is over."""
    longest = timedelta(days=rules.rule_set_for(window.now).max_days)
    over = or_(stays.planned_end < window.now, stays.start_at <= window.now - longest)
    # begun in the window or as long before it as a stay may last
    begun = and_(stays.start_at >= window.first - longest, stays.start_at <= window.now)
    query = select(tables.stays).where(stays.commune_code == window.commune_code, OPEN, stays.stay_id > after)
    query = query.where(_which(connection, window, stays.stay_id, begun), over).order_by(stays.stay_id)
    rows = connection.execute(query.limit(limit)).all()
    since = min((row.start_at for row in rows), default=window.now)
    facts = load_facts(connection, _people(rows), now=window.now, stays_since=since)
    found = tuple(_stay(row, facts, rules) for row in rows)
    return Paged(candidates=found, after=rows[-1].stay_id if len(rows) == limit else None)


def _stay(row: Row[Any], facts: Facts, rules: RuleBook) -> Candidate:
    later = [each for each in facts.stays.get(row.person_id, ()) if each.start_at > row.start_at]
    foreigner = row.person_id in facts.permits
    held: dict[Excuse, bool] = {
        "registered_here": any(each.premises_id == row.premises_id for each in facts.homes.get(row.person_id, ())),
        "declared_here": any(each.premises_id == row.premises_id for each in later),
        "stays_elsewhere": any(each.premises_id != row.premises_id for each in later),
        "foreigner": foreigner,
    }
    limit = row.start_at + max_stay(row.start_at, rules)
    overrun = row.planned_end is not None and (row.planned_end < limit or foreigner)
    ended: datetime = row.planned_end if overrun else limit
    data = {"from": day_of(row.start_at), "to": day_of(ended)}
    rule: LapseRule = "stay_overrun" if overrun else "stay_too_long"
    found = _candidate(rule, row.stay_id, row, ended, excuses=_held(row, facts, held), data=data)
    return msgspec.structs.replace(found, began=row.start_at)


def permits_ended(connection: Connection, window: Window, *, after: str, limit: int) -> Paged:
    """Return permitted stays that are over, of people who stay or live somewhere today."""
    query = select(tables.permitted_stays).where(permits.valid_to < window.today, permits.permit_id > after)
    if window.ids is None:
        query = query.where(permits.commune_code == window.commune_code, window.days(permits.valid_to))
    else:  # found in this commune, it may be written in another
        query = query.where(among(permits.permit_id, list(window.ids), connection))
    rows = connection.execute(query.order_by(permits.permit_id).limit(limit)).all()
    facts = load_facts(connection, _people(rows), now=window.now, stays_since=window.now)
    found = (_permit(row, facts, window.now) for row in rows)
    return Paged(candidates=tuple(each for each in found if each), after=rows[-1].permit_id if len(rows) == limit else None)


def _permit(row: Row[Any], facts: Facts, now: datetime) -> Candidate | None:
    here = [each for each in facts.standing(row.person_id) if stays_now(each, now)]
    place = next(iter([*here, *facts.homes.get(row.person_id, ())]), None)
    if place is None:
        return None
    newer = any(each.recorded_at > row.recorded_at for each in facts.permits.get(row.person_id, ()))
    excuses = _held(row, facts, {"newer_permit": newer})
    data = {"valid_to": row.valid_to}
    return _candidate("permit_ended", row.permit_id, place, end_of(row.valid_to), excuses=excuses, data=data)


def _candidate(
    rule: LapseRule, row_id: str, place: Row[Any], ended: datetime, *, excuses: frozenset[Excuse], data: Mapping[str, str | int]
) -> Candidate:
    return Candidate(
        rule=rule,
        row_id=row_id,
        premises_id=place.premises_id,
        commune_code=place.commune_code,
        unit=place.unit,
        person_id=place.person_id,
        ended=ended,
        excuses=excuses,
        data=data,
    )


def _held(row: Row[Any], facts: Facts, held: Mapping[Excuse, bool]) -> frozenset[Excuse]:
    return frozenset({excuse for excuse, holds in held.items() if holds} | facts.of_person(row.person_id))


def _which(connection: Connection, window: Window, own_id: Any, in_window: ColumnElement[bool]) -> ColumnElement[bool]:
    return in_window if window.ids is None else among(own_id, list(window.ids), connection)


def _people(rows: Iterable[Row[Any]]) -> set[str]:
    return {row.person_id for row in rows}


def _moved_out(connection: Connection, rows: Sequence[Row[Any]], commune_code: str) -> set[str]:
    """Return the residences that ended because somebody moved out, where that was not taken back."""
    if not rows:
        return set()
    events, ends = tables.residence_events.c, {row.residence_id: row.valid_to for row in rows}
    query: Select[Any] = select(events.residence_id, events.event_id, events.event, events.valid_to_after, events.answers)
    said = connection.execute(
        query.where(events.commune_code == commune_code, among(events.residence_id, sorted(ends), connection))
    ).all()
    taken_back = {each.answers for each in said}
    stands = (each for each in said if each.event == "moved_out" and each.event_id not in taken_back)
    return {each.residence_id for each in stands if each.valid_to_after == ends[each.residence_id]}
