"""Counting a day: page by page through everybody, what is asked of a page's persons, and the rows that are kept of it.

- What a measure counts is said in ``residence/cleaning/scoreboard.py``; here is only how it is asked.
- Items are as the last run of cleaning left them, pairs as the last search for duplicates did: count after both.
- What counts for or against a person may be written in another commune, so it is asked for by the persons of a page and joined with nothing.
- A nightly task, not a page's: eight statements for ``PAGE`` persons. Who changes while it runs is counted as they were met.

Example: ``count(connection, today=date(2026, 7, 10))[0].part``
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Row, and_, func, or_, select

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from registry.cleaning.keeping import OPEN
from registry.cleaning.listing import looked_through
from registry.database import Registry
from registry.duplicates.proposals import PROPOSED
from residence.cleaning.scoreboard import AGAINST, CARD_READ, CHIP_VERIFIED, MEASURES, Cell, Measure
from residence.clock import VIETNAM

MOST_LISTED: Final = 200
PAGE: Final = 2000
_PERSONS = tables.persons.c
_WANTED = ("full_name_sealed", "birth_sealed", "sex_sealed", "nationality_sealed")
_PAIRS, _ITEMS, _LINKS = tables.duplicate_pairs.c, tables.cleaning_items.c, tables.cleaning_links.c


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a page's persons: who has which, and what stands against whom."""

    numbered: frozenset[str]
    housed: frozenset[str]
    paired: frozenset[str]
    e_id: frozenset[str]
    seen: Mapping[str, int]  # the highest evidence level of an accepted declaration
    against: Mapping[str, set[str]]  # rules of open items


def keep_day(registry: Registry, *, now: datetime) -> list[Cell]:
    """Count today and keep it. What rests on items is a gap, not a hundred per cent, while nobody has gone through the register yet."""
    with registry.reading() as connection:
        cells = count(connection, today=now.astimezone(VIETNAM).date())
        if looked_through(connection) is None:
            cells = [each for each in cells if each.measure not in AGAINST]
    rows = [
        {name: getattr(each, name) for name in ("commune_code", "day", "measure", "part", "whole")} | {"counted_at": now}
        for each in cells
    ]
    with registry.writing() as connection:
        write_rows(connection, tables.scoreboard_days, rows, keep=("commune_code", "day", "measure"))
    return cells


def count(connection: Connection, *, today: date) -> list[Cell]:
    """Return every measure of every commune."""
    wholes, after = Counter[str](), ""
    parts: dict[Measure, Counter[str]] = {measure: Counter() for measure in MEASURES}
    while page := _page(connection, after, PAGE):
        known = _known(connection, [row.person_id for row in page], today)
        wholes.update(row.commune_code for row in page)
        for measure in MEASURES:
            parts[measure].update(row.commune_code for row in page if _counts(measure, row, known))
        after = page[-1].person_id
    return [
        Cell(commune_code=commune, day=today.isoformat(), measure=measure, part=parts[measure][commune], whole=whole)
        for measure in MEASURES
        for commune, whole in sorted(wholes.items())
    ]


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
    found: list[str] = []
    limit = min(most, MOST_LISTED)
    while len(found) < limit and (page := _page(connection, after, PAGE, _PERSONS.commune_code == commune_code)):
        known = _known(connection, [row.person_id for row in page], today)
        found += [row.person_id for row in page if not _counts(measure, row, known)]
        after = page[-1].person_id
    return found[:limit]


def _page(connection: Connection, after: str, limit: int, *where: ColumnElement[bool]) -> Sequence[Row[Any]]:
    described = and_(*(_PERSONS[each].is_not(None) for each in _WANTED)).label("described")
    standing = (_PERSONS.status == "living", _PERSONS.merged_into.is_(None), _PERSONS.person_id > after)
    query = select(_PERSONS.person_id, _PERSONS.commune_code, described).where(*standing, *where)
    return connection.execute(query.order_by(_PERSONS.person_id).limit(limit)).all()


def _counts(measure: Measure, person: Row[Any], known: _Known) -> bool:
    who = person.person_id
    if measure == "complete":
        return bool(person.described) and who in known.numbered and who in known.housed
    if measure == "e_id":
        return who in known.e_id
    if measure in {"card", "chip"}:
        return known.seen.get(who, -1) >= (CARD_READ if measure == "card" else CHIP_VERIFIED)
    if measure == "clean" and who in known.paired:
        return False
    return known.against.get(who, set()).isdisjoint(AGAINST[measure])


def _known(connection: Connection, ids: list[str], today: date) -> _Known:
    numbers, homes, said, day = tables.identifiers.c, tables.residences.c, tables.declarations.c, today.isoformat()
    lives = and_(homes.valid_from <= day, or_(homes.valid_to.is_(None), homes.valid_to >= day))
    e_ids = tables.e_id_sightings.c
    # Not a condition: the index of all that was accepted would be read from end to end for it, where these people's is at hand.
    accepted = func.max(said.evidence_level).filter(said.state == "accepted")
    seen = select(said.person_id, accepted).where(among(said.person_id, ids, connection))
    pairs = (_of(connection, column, ids, _PAIRS.state == PROPOSED) for column in (_PAIRS.one_id, _PAIRS.other_id))
    return _Known(
        numbered=_of(connection, numbers.person_id, ids, numbers.status == "active"),
        housed=_of(connection, homes.person_id, ids, lives),
        paired=frozenset().union(*pairs),
        e_id=_of(connection, e_ids.person_id, ids, e_ids.withdrawn_at.is_(None)),
        seen={row[0]: row[1] for row in connection.execute(seen.group_by(said.person_id)) if row[1] is not None},
        against=_items(connection, ids),
    )


def _of(connection: Connection, who: Column[str], ids: list[str], where: ColumnElement[bool]) -> frozenset[str]:
    return frozenset(connection.scalars(select(who).where(among(who, ids, connection), where)))


def _items(connection: Connection, ids: list[str]) -> dict[str, set[str]]:
    """Return the rules of the open items about each person; an item and its links are of one commune."""
    same = and_(_LINKS.commune_code == _ITEMS.commune_code, _LINKS.item_id == _ITEMS.item_id)
    query = select(_LINKS.about_id, _ITEMS.rule).join_from(tables.cleaning_links, tables.cleaning_items, same)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for about, rule in connection.execute(query.where(among(_LINKS.about_id, ids, connection), _ITEMS.state == OPEN)):
        found[about].add(rule)
    return found
