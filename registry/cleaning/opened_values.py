"""What can only be judged by values: opened for one page in memory, compared, forgotten; no value leaves this file but inside a keyed digest.

- Opened are birth and sex of the page's persons, their personal numbers in force, and births of the heads they live with.
- Nobody looks at them, so nothing is written to the access record; a person who was erased has no key and is not judged.

Example: ``judge_opened(connection, people, numbers, homes, sight=sight)``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Connection, select

from registry import tables
from registry.asking import among
from registry.cleaning.found import Found, Sight
from registry.persons import opened, read_birth
from registry.vault import Cell, SubjectKey
from residence.cleaning.judging import against_number, is_age_implausible, is_parent_too_young
from residence.cleaning.rules import RuleName
from residence.people.person import PartialDate, Sex

Rows = Sequence[Any]
_PERSONS = tables.persons.c
_PARENT: Final[Mapping[str, str]] = {"child": "head", "parent": "member"}  # relation to the head -> who of the two is the parent


def judge_opened(connection: Connection, people: Rows, numbers: Rows, homes: Rows, *, sight: Sight) -> Iterator[Found]:
    """Return what the values of the page's persons disagree in."""
    vault = sight.vault
    sealed_by = {each.person_id for each in people} | {each.subject_id for each in numbers}
    keys = vault.load_keys(connection, sealed_by)
    births = {each.person_id: _birth(each, keys, sight) for each in people}
    personal: defaultdict[str, list[Any]] = defaultdict(list)
    for each in numbers:
        if each.kind == "personal" and each.subject_id in keys:
            personal[each.person_id].append(each)
    for person in people:
        birth, key = births[person.person_id], keys.get(person.person_id)
        if key is None:
            continue
        sex = cast("Sex | None", opened(person, "sex", key, vault))
        yield from _against_numbers(person, personal[person.person_id], keys, (sex, birth), sight=sight)
        if person.status == "living" and is_age_implausible(birth, today=sight.today, choices=sight.choices):
            yield _of(person, "age_implausible", evidence=(), values=(repr(birth),))
    yield from _families(connection, people, homes, births=births, sight=sight)


def _against_numbers(
    person: Any,
    numbers: Rows,
    keys: Mapping[str, SubjectKey],
    beside: tuple[Sex | None, PartialDate | None],
    *,
    sight: Sight,
) -> Iterator[Found]:
    sex, birth = beside
    for each in sorted(numbers, key=lambda row: row.identifier_id):
        cell = Cell("identifiers", "value", each.identifier_id)
        value = sight.vault.open(keys[each.subject_id], cell, each.value_sealed).decode()
        for rule in sorted(against_number(value, sex=sex, birth=birth)):
            compared = sex if rule == "number_against_sex" else repr(birth)
            yield Found(
                rule=rule,
                commune_code=person.commune_code,
                about=(person.person_id,),
                evidence=(("person", person.person_id), ("number", each.identifier_id)),
                key=f"{person.person_id}:{each.identifier_id}",
                values=(value, str(compared)),
            )


def _families(
    connection: Connection, people: Rows, homes: Rows, *, births: Mapping[str, PartialDate | None], sight: Sight
) -> Iterator[Found]:
    """Return parents and children of one household whose years of birth cannot be right."""
    related = [each for each in homes if each.relation in _PARENT and each.household_id]
    heads = _heads(connection, sorted({each.household_id for each in related}))
    births = {**_births_of(connection, set(heads.values()) - set(births), sight), **births}
    by_id = {each.person_id: each for each in people}
    for home in sorted(related, key=lambda row: row.residence_id):
        head_id = heads.get(home.household_id)
        if head_id is None or head_id == home.person_id:
            continue
        head, member = births.get(head_id), births.get(home.person_id)
        parent, child = (head, member) if _PARENT[home.relation] == "head" else (member, head)
        if is_parent_too_young(parent, child, sight.choices):
            yield Found(
                rule="family_implausible",
                commune_code=by_id[home.person_id].commune_code,
                about=(home.person_id, head_id),
                evidence=(("person", home.person_id), ("person", head_id), ("residence", home.residence_id)),
                values=(repr(parent), repr(child)),
            )


def _heads(connection: Connection, household_ids: Sequence[str]) -> dict[str, str]:
    """Return the one head of each household that has one."""
    if not household_ids:
        return {}
    columns = tables.relations.c
    query = select(columns.subject_id, columns.person_id).where(
        among(columns.subject_id, household_ids, connection),
        columns.kind == "head",
        columns.valid_to.is_(None),
        columns.person_id.is_not(None),
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for household_id, person_id in connection.execute(query):
        found[household_id].add(person_id)
    return {household_id: heads.pop() for household_id, heads in found.items() if len(heads) == 1}


def _births_of(connection: Connection, person_ids: set[str], sight: Sight) -> dict[str, PartialDate | None]:
    if not person_ids:
        return {}
    wanted = sorted(person_ids)
    keys = sight.vault.load_keys(connection, wanted)
    query = select(_PERSONS.person_id, _PERSONS.birth_sealed).where(among(_PERSONS.person_id, wanted, connection))
    return {row.person_id: _birth(row, keys, sight) for row in connection.execute(query)}


def _birth(row: Any, keys: Mapping[str, SubjectKey], sight: Sight) -> PartialDate | None:
    key = keys.get(row.person_id)
    return None if key is None else read_birth(opened(row, "birth", key, sight.vault))


def _of(person: Any, rule: RuleName, *, evidence: tuple[tuple[str, str], ...], values: tuple[str, ...]) -> Found:
    return Found(
        rule=rule,
        commune_code=person.commune_code,
        about=(person.person_id,),
        evidence=(("person", person.person_id), *evidence),
        values=values,
    )
