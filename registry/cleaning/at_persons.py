"""Persons of a page, judged by set queries on ids, kinds, days and blind indexes; values are opened only where they are compared.

- Merged and erased persons are nobody's disagreement. A number that was only stated proves nothing and is left out.
- A number is shared when two persons have it in force; a telephone, when the persons who give it live at ``phone_homes`` places today
  (a family's telephone is one place's).
- No statement joins persons with rows of theirs: those may be written in another commune, and Citus refuses such a join.
- Where several communes are concerned each has its own item: it has to do with its own persons.

Example: ``judge_persons(connection, ["a-1", "b-2"], sight)``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from registry import tables
from registry.asking import among
from registry.cleaning.at_places import current_homes
from registry.cleaning.found import MOST_SHOWN, Found, Sight
from registry.cleaning.freshness import last_confirmed
from registry.cleaning.opened_values import judge_opened
from residence.cleaning.judging import LivedAt, overlapping, stale_fields
from residence.cleaning.rules import RuleName
from residence.stays.spans import normal_unit

Rows = Sequence[Any]
_PERSONS = tables.persons.c
_NUMBERS = tables.identifiers.c
_HOMES = tables.residences.c
_STAYS = tables.stays.c


def judge_persons(connection: Connection, ids: Sequence[str], sight: Sight) -> list[Found]:
    """Return everything found at the persons of a page."""
    columns = [_PERSONS[each] for each in ("commune_code", "person_id", "status", "birth_sealed", "sex_sealed", "contact_index")]
    people = connection.execute(select(*columns).where(among(_PERSONS.person_id, ids, connection))).all()
    numbers = connection.execute(
        select(tables.identifiers).where(among(_NUMBERS.person_id, ids, connection), _NUMBERS.status == "active")
    ).all()
    homes = connection.execute(select(tables.residences).where(among(_HOMES.person_id, ids, connection))).all()
    found = [
        *_numbers(people, numbers),
        *_numbers_shared(connection, numbers),
        *_phones_shared(connection, [each.contact_index for each in people if each.contact_index], sight),
        *_overlaps(people, homes),
        *_dead_but_active(connection, people, sight),
        *judge_opened(connection, people, numbers, homes, sight=sight),
        *_stale(connection, people, sight),
    ]
    return [each for each in found if each.about]


def _numbers(people: Rows, numbers: Rows) -> Iterator[Found]:
    """Two personal numbers in force; or only an old one."""
    personal: defaultdict[str, list[Any]] = defaultdict(list)
    old: defaultdict[str, list[Any]] = defaultdict(list)
    for each in numbers:
        if each.kind in {"personal", "old"}:
            (personal if each.kind == "personal" else old)[each.person_id].append(each)
    for person in people:
        theirs = personal[person.person_id]
        if len({each.value_index for each in theirs}) > 1:
            yield _of_one("person_two_numbers", person, "number", sorted(each.identifier_id for each in theirs))
        if old[person.person_id] and not theirs and person.status == "living":
            yield _of_one("old_number_unlinked", person, "number", sorted(each.identifier_id for each in old[person.person_id]))


def _numbers_shared(connection: Connection, numbers: Rows) -> Iterator[Found]:
    """Return the numbers in force persons of the page have together with somebody else."""
    asked = {(bytes(each.value_index), each.kind) for each in numbers}
    if not asked:
        return
    same = _NUMBERS.value_index.in_(sorted({index for index, _ in asked}))
    groups: defaultdict[tuple[bytes, str], set[str]] = defaultdict(set)
    query = select(_NUMBERS.value_index, _NUMBERS.kind, _NUMBERS.person_id).where(same, _NUMBERS.status == "active")
    for index, kind, person_id in connection.execute(query):
        groups[bytes(index), kind].add(person_id)
    shared = {key: people for key, people in groups.items() if len(people) > 1 and key in asked}
    communes = _communes_of(connection, set().union(*shared.values()), _PERSONS.status != "erased")
    for (index, kind), people in shared.items():
        holders = {each: communes[each] for each in people if each in communes}
        if len(holders) > 1:
            yield from _of_several("number_shared", f"{kind}:{index.hex()}", holders)


def _communes_of(connection: Connection, person_ids: set[str], standing: ColumnElement[bool]) -> dict[str, str]:
    """Return the communes of those of these persons who stand for themselves."""
    if not person_ids:
        return {}
    asked = among(_PERSONS.person_id, sorted(person_ids), connection)
    query = select(_PERSONS.person_id, _PERSONS.commune_code).where(asked, _PERSONS.merged_into.is_(None), standing)
    return {row[0]: row[1] for row in connection.execute(query)}


def _phones_shared(connection: Connection, indexes: Sequence[bytes], sight: Sight) -> Iterator[Found]:
    """Return the telephones given at several homes, among them by persons of the page."""
    wanted = sorted({bytes(each) for each in indexes})
    if not wanted:
        return
    standing = (_PERSONS.merged_into.is_(None), _PERSONS.status == "living")
    query = select(_PERSONS.contact_index, _PERSONS.person_id, _PERSONS.commune_code)
    people = connection.execute(query.where(_PERSONS.contact_index.in_(wanted), *standing)).all()
    living = _homes_of(connection, {each.person_id for each in people}, sight)
    groups: defaultdict[bytes, dict[str, str]] = defaultdict(dict)
    homes: defaultdict[bytes, set[tuple[str, str]]] = defaultdict(set)
    for row in people:
        if row.person_id in living:
            groups[bytes(row.contact_index)][row.person_id] = row.commune_code
            homes[bytes(row.contact_index)] |= living[row.person_id]
    for index, persons in groups.items():
        if len(persons) > 1 and len(homes[index]) >= sight.choices.phone_homes:
            yield from _of_several("phone_shared", index.hex(), persons)


def _homes_of(connection: Connection, person_ids: set[str], sight: Sight) -> dict[str, set[tuple[str, str]]]:
    """Return where each of these persons lives today: premises and unit."""
    found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    if person_ids:
        asked = among(_HOMES.person_id, sorted(person_ids), connection)
        query = select(_HOMES.person_id, _HOMES.premises_id, _HOMES.unit).where(asked, *current_homes(sight))
        for person_id, premises_id, unit in connection.execute(query):
            found[person_id].add((premises_id, normal_unit(unit)))
    return dict(found)


def _overlaps(people: Rows, homes: Rows) -> Iterator[Found]:
    by_person: defaultdict[str, list[LivedAt]] = defaultdict(list)
    for each in homes:
        lived = LivedAt(each.residence_id, each.kind, each.premises_id, normal_unit(each.unit), each.valid_from, each.valid_to)
        by_person[each.person_id].append(lived)
    for person in people:
        together = overlapping(by_person[person.person_id])
        if together:
            days = tuple(f"{each.valid_from}/{each.valid_to}" for each in sorted(by_person[person.person_id]))
            yield _of_one("residences_overlap", person, "residence", together, values=days)


def _dead_but_active(connection: Connection, people: Rows, sight: Sight) -> Iterator[Found]:
    dead = {each.person_id: each for each in people if each.status == "deceased"}
    if not dead:
        return
    active: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    homes = select(_HOMES.person_id, _HOMES.residence_id).where(
        among(_HOMES.person_id, sorted(dead), connection), *current_homes(sight)
    )
    stays = select(_STAYS.person_id, _STAYS.stay_id).where(
        among(_STAYS.person_id, sorted(dead), connection),
        _STAYS.status == "open",
        or_(_STAYS.planned_end.is_(None), _STAYS.planned_end > sight.now),
    )
    for kind, query in (("residence", homes), ("stay", stays)):
        for person_id, row_id in connection.execute(query.order_by("person_id")):
            active[person_id].append((kind, row_id))
    for person_id, rows in active.items():
        evidence = (("person", person_id), *sorted(rows)[:MOST_SHOWN])
        yield Found(rule="dead_but_active", commune_code=dead[person_id].commune_code, about=(person_id,), evidence=evidence)


def _stale(connection: Connection, people: Rows, sight: Sight) -> Iterator[Found]:
    living = {each.person_id: each for each in people if each.status == "living"}
    for person_id, fields in last_confirmed(connection, sorted(living)).items():
        when = {field: each.at for field, each in fields.items()}
        stale = stale_fields(when, now=sight.now, choices=sight.choices)
        if stale:
            times = tuple(when[each].isoformat() for each in stale)
            yield _of_one("stale", living[person_id], "field", stale, values=times)


def _of_one(rule: RuleName, person: Any, kind: str, row_ids: Sequence[str], *, values: tuple[str, ...] = ()) -> Found:
    return Found(
        rule=rule,
        commune_code=person.commune_code,
        about=(person.person_id,),
        evidence=(("person", person.person_id), *((kind, each) for each in row_ids[:MOST_SHOWN])),
        values=values,
    )


def _of_several(rule: RuleName, key: str, communes: Mapping[str, str]) -> Iterator[Found]:
    """Return one item for each commune concerned, about all of them. ``communes``: person -> commune."""
    about = tuple(sorted(communes))
    for commune in sorted(set(communes.values())):
        shown = tuple(("person", each) for each in about[:MOST_SHOWN])
        yield Found(rule=rule, commune_code=commune, about=about, evidence=shown, key=key)
