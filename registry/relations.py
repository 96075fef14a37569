"""Who owns, manages, heads or guards, by day; and who of them answers for a premises.

- A relation holds on its days, both inclusive; one without a first or last day is not bounded there.
- Whoever is still waited for (an import named them by reference only) answers for nothing yet.
- ``answers_for`` goes down the list of ``residence/stays/duty.py`` and takes the first that anybody is: the head of the household in the
  unit, the manager, the owner.
- ``duty_then`` says both at an instant: the law's word for whoever must declare, and who that is in the register.

Example: ``answers_for(connection, premises, unit="1203", on=date(2026, 7, 10), duty=duty)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select

from registry import tables
from registry.asking import among
from residence.clock import VIETNAM, uuid7
from residence.places.premises import Premises
from residence.places.relations import Answering, RelationKind
from residence.stays.duty import Duty, duty_at
from residence.stays.rules import RuleBook
from residence.stays.spans import normal_unit


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """One relation. ``person_id`` is empty for an owner with only a name, and for whoever is still waited for."""

    kind: RelationKind
    subject_id: str
    person_id: str | None
    valid_from: str | None = None
    valid_to: str | None = None
    named: bool = False  # has a name of its own, sealed

    def holds_on(self, day: str) -> bool:
        """Tell whether the relation holds on a day (YYYY-MM-DD)."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class DutyThen(msgspec.Struct, frozen=True, kw_only=True):
    """Who must declare whoever arrives at an instant. ``answers_as``: as what somebody in the register answers; nobody for the guest."""

    holder: str  # a word of RuleSet.duty_holders
    answers_as: Answering
    person_ids: list[str]
    rule_set: str


_KNOWN: Final = [
    tables.relations.c[name] for name in ("kind", "subject_id", "person_id", "valid_from", "valid_to", "name_sealed")
]


def relations_of(connection: Connection, subject_ids: Iterable[str]) -> list[Relation]:
    """Return the relations to these premises, households or persons, ended ones too, in order of their first day."""
    wanted = sorted(set(subject_ids))
    if not wanted:
        return []
    columns = tables.relations.c
    query = select(*_KNOWN).where(among(columns.subject_id, wanted, connection))
    found = [
        Relation(
            kind=row.kind,
            subject_id=row.subject_id,
            person_id=row.person_id,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            named=row.name_sealed is not None,
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda each: (each.valid_from or "", each.kind, each.person_id or ""))


def add_relation(
    connection: Connection,
    relation: Relation,
    *,
    commune_code: str,
    recorded_by: str | None,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Insert a relation to a person; returns its id."""
    relation_id = str(uuid7(now, random_bytes(10)))
    row = {
        "commune_code": commune_code,
        "relation_id": relation_id,
        "kind": relation.kind,
        "subject_id": relation.subject_id,
        "person_id": relation.person_id,
        "stated_row": None,
        "name_sealed": None,
        "valid_from": relation.valid_from,
        "valid_to": relation.valid_to,
        "recorded_by": recorded_by,
        "recorded_at": now,
    }
    connection.execute(insert(tables.relations), [row])
    return relation_id


def heads_of(connection: Connection, premises_id: str, unit: str | None, *, on: date) -> list[str]:
    """Return the heads, on a day, of the households in a unit; of the whole premises when no unit is asked for."""
    columns = tables.households.c
    query = select(columns.household_id, columns.unit).where(columns.premises_id == premises_id, columns.ended_at.is_(None))
    here = [row[0] for row in connection.execute(query) if unit is None or normal_unit(row[1]) == normal_unit(unit)]
    return _people(relations_of(connection, here), "head", on)


def duty_then(connection: Connection, premises: Premises, *, at: datetime, rules: RuleBook, unit: str | None = None) -> DutyThen:
    """Return who must declare whoever arrives at an instant, at a premises as it was then."""
    rule_set = rules.rule_set_for(at)
    duty = duty_at(premises, rule_set, arrival=at)
    answers_as, people = answers_for(connection, premises.premises_id, unit, on=at.astimezone(VIETNAM).date(), duty=duty)
    return DutyThen(holder=duty.holder, answers_as=answers_as, person_ids=people, rule_set=rule_set.id)


def answers_for(
    connection: Connection, premises_id: str, unit: str | None, *, on: date, duty: Duty
) -> tuple[Answering, list[str]]:
    """Return as what somebody answers for a premises, and who: the first of the duty's list that anybody is; else the occupant."""
    related = relations_of(connection, [premises_id])
    for answering in duty.answering:
        if answering == "household":
            people = heads_of(connection, premises_id, unit, on=on)
        elif answering in {"owner", "manager"}:
            people = _people(related, answering, on)
        else:
            people = []
        if people:
            return answering, people
    return "occupant", []


def _people(related: Iterable[Relation], kind: str, on: date) -> list[str]:
    day = on.isoformat()
    return sorted({each.person_id for each in related if each.kind == kind and each.person_id and each.holds_on(day)})
