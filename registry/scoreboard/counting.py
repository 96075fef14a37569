"""Counting a day: one set query for each measure, by commune, and the rows that are kept of it.

- What a measure counts is said in ``residence/cleaning/scoreboard.py``; here is only how it is asked.
- Items are as the last run of cleaning left them, pairs as the last search for duplicates did: count after both.
- Each query reads a commune's persons once: a nightly task, not a page's.

Example: ``count(connection, today=date(2026, 7, 10))[0].part``
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from registry import tables
from registry.bulk import write_rows
from registry.cleaning.keeping import OPEN
from registry.database import Registry
from registry.duplicates.proposals import PROPOSED
from residence.cleaning.rules import RuleName
from residence.cleaning.scoreboard import AGAINST, CARD_READ, CHIP_VERIFIED, MEASURES, Cell, Measure
from residence.clock import VIETNAM

MOST_LISTED: Final = 200
_PERSONS = tables.persons.c
_WANTED = ("full_name_sealed", "birth_sealed", "sex_sealed", "nationality_sealed")


def keep_day(registry: Registry, *, now: datetime) -> list[Cell]:
    """Count today and keep it."""
    with registry.writing() as connection:
        cells = count(connection, today=now.astimezone(VIETNAM).date())
        rows = [
            {name: getattr(each, name) for name in ("commune_code", "day", "measure", "part", "whole")} | {"counted_at": now}
            for each in cells
        ]
        write_rows(connection, tables.scoreboard_days, rows, keep=("commune_code", "day", "measure"))
    return cells


def count(connection: Connection, *, today: date) -> list[Cell]:
    """Return every measure of every commune."""
    wholes = _by_commune(connection)
    cells = []
    for measure in MEASURES:
        parts = _by_commune(connection, _counts(measure, today))
        cells += [
            Cell(commune_code=commune, day=today.isoformat(), measure=measure, part=parts.get(commune, 0), whole=whole)
            for commune, whole in sorted(wholes.items())
        ]
    return cells


def kept_days(connection: Connection, *, since: str = "", commune_code: str | None = None) -> list[Cell]:
    """Return what is kept, oldest first."""
    columns = tables.scoreboard_days.c
    query = select(tables.scoreboard_days).where(columns.day >= since)
    if commune_code is not None:
        query = query.where(columns.commune_code == commune_code)
    rows = connection.execute(query.order_by(columns.day, columns.commune_code, columns.measure))
    return [Cell(commune_code=row.commune_code, day=row.day, measure=row.measure, part=row.part, whole=row.whole) for row in rows]


def without(
    connection: Connection, measure: Measure, *, commune_code: str, today: date, after: str = "", most: int = MOST_LISTED
) -> list[str]:
    """Return ids of the living persons of a commune a measure does not count, in order: whom to reach and help. Never a name."""
    standing = (_PERSONS.commune_code == commune_code, _PERSONS.status == "living", _PERSONS.merged_into.is_(None))
    query = select(_PERSONS.person_id).where(*standing, _PERSONS.person_id > after, ~_counts(measure, today))
    return list(connection.scalars(query.order_by(_PERSONS.person_id).limit(min(most, MOST_LISTED))))


def _by_commune(connection: Connection, *counted: ColumnElement[bool]) -> dict[str, int]:
    standing = (_PERSONS.status == "living", _PERSONS.merged_into.is_(None))
    query = select(_PERSONS.commune_code, func.count()).where(*standing, *counted).group_by(_PERSONS.commune_code)
    return {row[0]: row[1] for row in connection.execute(query)}


def _counts(measure: Measure, today: date) -> ColumnElement[bool]:
    if measure == "complete":
        return _complete(today)
    if measure in {"card", "chip"}:
        return _seen_at(CARD_READ if measure == "card" else CHIP_VERIFIED).exists()
    without = ~_items(AGAINST[measure]).exists()
    return and_(without, ~_pairs().exists()) if measure == "clean" else without


def _complete(today: date) -> ColumnElement[bool]:
    numbers, homes, day = tables.identifiers.c, tables.residences.c, today.isoformat()
    numbered = select(numbers.person_id).where(numbers.person_id == _PERSONS.person_id, numbers.status == "active")
    lives = select(homes.person_id).where(
        homes.person_id == _PERSONS.person_id, homes.valid_from <= day, or_(homes.valid_to.is_(None), homes.valid_to >= day)
    )
    return and_(*(_PERSONS[each].is_not(None) for each in _WANTED), numbered.exists(), lives.exists())


def _items(rules: tuple[RuleName, ...]) -> Select[str]:
    items, links = tables.cleaning_items.c, tables.cleaning_links.c
    return (
        select(links.item_id)
        .join_from(tables.cleaning_links, tables.cleaning_items, links.item_id == items.item_id)
        .where(links.about_id == _PERSONS.person_id, items.state == OPEN, items.rule.in_(rules))
    )


def _pairs() -> Select[str]:
    pairs = tables.duplicate_pairs.c
    either = or_(pairs.one_id == _PERSONS.person_id, pairs.other_id == _PERSONS.person_id)
    return select(pairs.pair_id).where(either, pairs.state == PROPOSED)


def _seen_at(level: int) -> Select[str]:
    said = tables.declarations.c
    mine = (said.person_id == _PERSONS.person_id, said.state == "accepted", said.evidence_level >= level)
    return select(said.declaration_id).where(*mine)
