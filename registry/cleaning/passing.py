"""Going through the register: households, premises, persons, page by page, each page a transaction of its own.

- A pass notes after each page how far it has come; one that was broken off goes on there. Of two at once the second judges pages again, which
  changes nothing.
- Unless it is a whole one a pass judges what changed since the last pass of its kind began: the row itself, anything recorded about it, what was
  recorded and then ended, renewed or corrected (``changes``), a merge and its undoing, and what has begun or ended since by its days.
  What grows old (a field, an age), what a relative's correction, a stay that began as planned and a new table of units bring, a whole pass finds.
- Items found at what is no longer there (merged, erased, ended) are cleared by the page their id falls in.

Example: ``run_passes(registry, choices=CleaningChoices(), now=now, random_bytes=random_bytes, whole=True).new["number_shared"]``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, FromClause, select

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from registry.cleaning.at_persons import judge_persons
from registry.cleaning.at_places import judge_households, judge_premises
from registry.cleaning.at_units import judge_placed, judge_wards
from registry.cleaning.found import Found, Sight
from registry.cleaning.keeping import OPEN, Judged, Kept, keep_items
from registry.database import Registry
from registry.quarantine import NOWHERE
from residence.cleaning.rules import RULES, SUBJECTS, CleaningChoices, Subject
from residence.clock import VIETNAM, uuid7_text

PAGE: Final = 500
_A_DAY: Final = timedelta(days=1)
OVERLAP: Final = timedelta(minutes=10)  # what was being recorded when the last pass began is judged again
Judge = Callable[[Connection, list[str], Sight], list[Found]]
_PASSES: Final = tables.cleaning_passes
_ITEMS: Final = tables.cleaning_items.c
_MERGED: Final = tables.persons.alias("merged").c
_CHANGES: Final = tables.changes.c
_RELATIONS: Final = tables.relations.c
_HOMES: Final = tables.residences.c


class Pace(NamedTuple):
    """How much at once; ``go_on`` is asked before each page and ends the run there when it says no."""

    page: int = PAGE
    go_on: Callable[[], bool] = lambda: True


USUAL: Final = Pace()


class _Touch(NamedTuple):
    """Whose rows, when they were written, and which of them."""

    whose: Column[str]
    at: Column[Any]
    which: tuple[ColumnElement[bool], ...] = ()


def _corrected(whose: Column[str], own_id: Column[str]) -> _Touch:
    """Return the touch of rows that were ended, renewed or corrected: they keep when they were recorded, ``changes`` says when that was."""
    table = own_id.table
    same = (_CHANGES.what == table.name, _CHANGES.row_id == own_id, _CHANGES.commune_code == table.c.commune_code)
    return _Touch(whose, _CHANGES.recorded_at, same)


class _Kind(NamedTuple):
    """How one kind of subject is gone through. ``touched``: rows that may change what is found; ``dated``: those with days of their own."""

    own_id: Column[str]
    standing: tuple[ColumnElement[bool], ...]
    touched: tuple[_Touch, ...]
    dated: tuple[tuple[Column[str], FromClause], ...]
    judge: Judge


_KINDS: Final[Mapping[Subject, _Kind]] = {
    "household": _Kind(
        tables.households.c.household_id,
        (tables.households.c.ended_at.is_(None),),
        (
            _Touch(tables.households.c.household_id, tables.households.c.created_at),
            _Touch(_RELATIONS.subject_id, _RELATIONS.recorded_at),
            _Touch(_HOMES.household_id, _HOMES.recorded_at),
            _corrected(_RELATIONS.subject_id, _RELATIONS.relation_id),
            _corrected(_HOMES.household_id, _HOMES.residence_id),
        ),
        ((_RELATIONS.subject_id, tables.relations), (_HOMES.household_id, tables.residences)),
        judge_households,
    ),
    "premises": _Kind(
        tables.premises.c.premises_id,
        (),
        (
            _Touch(tables.premises.c.premises_id, tables.premises.c.created_at),
            _Touch(tables.corrections.c.subject_id, tables.corrections.c.recorded_at),
            _Touch(_RELATIONS.subject_id, _RELATIONS.recorded_at),
            _Touch(_HOMES.premises_id, _HOMES.recorded_at),
            _Touch(tables.stays.c.premises_id, tables.stays.c.changed_at),
            _Touch(tables.premises_origins.c.premises_id, tables.premises_origins.c.changed_at),
            _corrected(_RELATIONS.subject_id, _RELATIONS.relation_id),
            _corrected(_HOMES.premises_id, _HOMES.residence_id),
        ),
        ((_RELATIONS.subject_id, tables.relations), (_HOMES.premises_id, tables.residences)),
        lambda *page: [*judge_premises(*page), *judge_wards(*page), *judge_placed(*page)],
    ),
    "person": _Kind(
        tables.persons.c.person_id,
        (tables.persons.c.merged_into.is_(None), tables.persons.c.status != "erased"),
        (
            _Touch(tables.persons.c.person_id, tables.persons.c.changed_at),
            _Touch(_MERGED.merged_into, _MERGED.changed_at),
            _Touch(tables.identifiers.c.person_id, tables.identifiers.c.recorded_at),
            _Touch(_HOMES.person_id, _HOMES.recorded_at),
            _Touch(tables.stays.c.person_id, tables.stays.c.changed_at),
            _Touch(tables.confirmations.c.person_id, tables.confirmations.c.confirmed_at),
            _Touch(tables.merges.c.stands_id, tables.merges.c.undone_at),
            _corrected(_HOMES.person_id, _HOMES.residence_id),
        ),
        ((_HOMES.person_id, tables.residences),),
        judge_persons,
    ),
}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the passes did, by rule; ``judged`` by kind of subject."""

    judged: dict[str, int]
    new: dict[str, int]
    back: dict[str, int]
    cleared: dict[str, int]
    standing: dict[str, int]
    broken_off: bool = False


def run_passes(
    registry: Registry,
    *,
    choices: CleaningChoices,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    whole: bool,
    pace: Pace = USUAL,
) -> Report:
    """Go through everything that changed, or through everything."""
    sight = Sight(vault=registry.vault, choices=choices, now=now, today=now.astimezone(VIETNAM).date())
    total, judged = Kept(Counter(), Counter(), Counter(), Counter()), Counter[str]()
    for subject in SUBJECTS:
        after: str | None
        with registry.writing() as connection:
            after, since = _begin(connection, subject, now=now, whole=whole)
        while after is not None:
            if not pace.go_on():
                return _report(judged, total, broken_off=True)
            with registry.writing() as connection:
                ids, last = _next_ids(connection, subject, after, (since, now), limit=pace.page)
                kept = _judge(connection, subject, ids, span=(after, last), sight=sight, random_bytes=random_bytes)
                _note(connection, subject, last, now=now)
            for sums, counts in zip(total, kept, strict=True):
                sums.update(counts)
            judged[subject] += len(ids)
            after = last
    return _report(judged, total)


def _report(judged: Counter[str], total: Kept, *, broken_off: bool = False) -> Report:
    sums = {name: dict(sorted(getattr(total, name).items())) for name in Kept._fields}
    return Report(judged=dict(judged), broken_off=broken_off, **sums)


def _judge(
    connection: Connection,
    subject: Subject,
    ids: list[str],
    *,
    span: tuple[str, str | None],
    sight: Sight,
    random_bytes: Callable[[int], bytes],
) -> Kept:
    found = _KINDS[subject].judge(connection, ids, sight) if ids else []
    judged = Judged(subject, ids, _no_longer_there(connection, subject, span))
    return keep_items(connection, found, judged, sight=sight, random_bytes=random_bytes)


def _no_longer_there(connection: Connection, subject: Subject, span: tuple[str, str | None]) -> list[str]:
    """Return subjects of open items, between two ids, that are not gone through any more: merged, erased, ended."""
    after, last = span
    rules = [each.name for each in RULES.values() if each.subject == subject]
    query = select(_ITEMS.subject_id).where(_ITEMS.state == OPEN, _ITEMS.rule.in_(rules), _ITEMS.subject_id > after)
    if last is not None:
        query = query.where(_ITEMS.subject_id <= last)
    subjects = list(connection.scalars(query.distinct()))
    standing = set(_standing(connection, subject, subjects))
    return [each for each in subjects if each not in standing]


def _next_ids(
    connection: Connection, subject: Subject, after: str, span: tuple[datetime | None, datetime], *, limit: int
) -> tuple[list[str], str | None]:
    """Return the next subjects to judge, and after which the page after this begins; None when this is the last."""
    kind, (since, now) = _KINDS[subject], span
    if since is None:
        query = select(kind.own_id).where(kind.own_id > after, *kind.standing).order_by(kind.own_id).limit(limit)
        ids = list(connection.scalars(query))
        return ids, ids[-1] if len(ids) == limit else None
    written: set[str] = set()
    for whose, which in _touched(kind, since, now):  # not joined: what is written about a subject may stand in another commune
        written.update(connection.scalars(select(whose).where(whose > after, *which).distinct().order_by(whose).limit(limit)))
    page = sorted(written)[:limit]
    return _standing(connection, subject, page), page[-1] if len(page) == limit else None


def _touched(kind: _Kind, since: datetime, now: datetime) -> Iterator[tuple[Column[str], tuple[ColumnElement[bool], ...]]]:
    """Return where to look for what changed between two moments, or began or ended by its days: (whose, which rows)."""
    for whose, at, which in kind.touched:
        # A change's id begins with its time, and there is an index of ids.
        new = (_CHANGES.change_id >= uuid7_text(since, bytes(10)),) if at is _CHANGES.recorded_at else ()
        yield whose, (at >= since, *which, *new)
    first, today = (each.astimezone(VIETNAM).date() for each in (since, now))
    for whose, table in kind.dated:
        begins, ends = table.c.valid_from, table.c.valid_to  # the last day still holds
        yield whose, (begins >= first.isoformat(), begins <= today.isoformat())
        yield whose, (ends >= (first - _A_DAY).isoformat(), ends < today.isoformat())


def _standing(connection: Connection, subject: Subject, ids: list[str]) -> list[str]:
    """Return those of these subjects that are gone through, in order."""
    kind = _KINDS[subject]
    if not ids:
        return []
    query = select(kind.own_id).where(among(kind.own_id, ids, connection), *kind.standing)
    return list(connection.scalars(query.order_by(kind.own_id)))


def _begin(connection: Connection, subject: Subject, *, now: datetime, whole: bool) -> tuple[str, datetime | None]:
    """Return after which id to go on and since when to look: a pass that was broken off, or a new one."""
    row = connection.execute(select(_PASSES).where(_PASSES.c.subject == subject)).one_or_none()
    if row is not None and row.ended_at is None and not (whole and row.since is not None):
        return row.after, row.since
    since = None if whole or row is None else row.began_at - OVERLAP
    values = {"commune_code": NOWHERE, "subject": subject, "after": "", "since": since, "began_at": now, "ended_at": None}
    write_rows(connection, _PASSES, [values], keep=("commune_code", "subject"))
    return "", since


def _note(connection: Connection, subject: Subject, last: str | None, *, now: datetime) -> None:
    said: dict[str, Any] = {"ended_at": now} if last is None else {"after": last}
    connection.execute(_PASSES.update().where(_PASSES.c.subject == subject).values(**said))
