"""Two persons who are one: whose rows name whom, and back again.

- The merged person becomes a pointer; numbers, statements, stays, residences, relations, absences and permitted stays name the one that
  stands. Which rows were moved, when, by what and why is a row of ``merges``.
- Undone, exactly those rows go back that still name the standing person; what was recorded of them since stays with them.
- A pointer never points to a pointer: one step always leads to the person that stands.
- What a statement merged (equal personal numbers) only statements part: a correction does it by itself. ``Refused("merge.by_statements")``.

Example: ``merge(connection, "b-second", "a-first", cause=cause, now=now, random_bytes=random_bytes)`` is the merge's id
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Table, insert, select, update

from registry import tables
from registry.asking import among
from registry.changing import Cause
from registry.locking import locked_row
from residence.clock import uuid7
from residence.errors import Conflict, Refused

PERSONS: Final = "persons"
# name in ``moved``, table, its id, the column that names a person
MOVING: Final[tuple[tuple[str, Table, Column[str], Column[str]], ...]] = (
    ("identifiers", tables.identifiers, tables.identifiers.c.identifier_id, tables.identifiers.c.person_id),
    ("identifier_events", tables.identifier_events, tables.identifier_events.c.event_id, tables.identifier_events.c.person_id),
    ("declarations", tables.declarations, tables.declarations.c.declaration_id, tables.declarations.c.person_id),
    ("residences", tables.residences, tables.residences.c.residence_id, tables.residences.c.person_id),
    ("e_id_sightings", tables.e_id_sightings, tables.e_id_sightings.c.sighting_id, tables.e_id_sightings.c.person_id),
    ("stays", tables.stays, tables.stays.c.stay_id, tables.stays.c.person_id),
    ("absences", tables.absences, tables.absences.c.absence_id, tables.absences.c.person_id),
    ("disputes", tables.disputes, tables.disputes.c.dispute_id, tables.disputes.c.person_id),
    ("declaring_locks", tables.declaring_locks, tables.declaring_locks.c.lock_id, tables.declaring_locks.c.person_id),
    ("rights_requests", tables.rights_requests, tables.rights_requests.c.request_id, tables.rights_requests.c.person_id),
    ("own_words", tables.own_words, tables.own_words.c.stay_id, tables.own_words.c.person_id),
    ("paths", tables.paths, tables.paths.c.path_id, tables.paths.c.person_id),
    ("procedure_files", tables.procedure_files, tables.procedure_files.c.file_id, tables.procedure_files.c.person_id),
    ("portal_records", tables.portal_records, tables.portal_records.c.file_id, tables.portal_records.c.person_id),
    (
        "population_questions",
        tables.population_questions,
        tables.population_questions.c.question_id,
        tables.population_questions.c.person_id,
    ),
    ("permitted_stays", tables.permitted_stays, tables.permitted_stays.c.permit_id, tables.permitted_stays.c.person_id),
    ("relations", tables.relations, tables.relations.c.relation_id, tables.relations.c.person_id),
    ("wards", tables.relations, tables.relations.c.relation_id, tables.relations.c.subject_id),
)


def merge(
    connection: Connection, merged: str, stands: str, *, cause: Cause, now: datetime, random_bytes: Callable[[int], bytes]
) -> str:
    """Let ``merged`` point to ``stands``; returns the merge's id."""
    persons = tables.persons.c
    moved = what_moves(connection, merged)
    for name, table, own_id, who in MOVING:
        _move(connection, (table, own_id, who), moved[name], to=stands, now=now)
    pointers = select(persons.person_id).where(persons.merged_into == merged).order_by(persons.person_id)
    moved[PERSONS] = [merged, *connection.scalars(pointers)]
    _point(connection, moved[PERSONS], stands, now)
    commune = connection.scalar(select(persons.commune_code).where(persons.person_id == stands))
    merge_id = str(uuid7(now, random_bytes(10)))
    row = {
        "commune_code": commune,
        "merge_id": merge_id,
        "merged_id": merged,
        "stands_id": stands,
        "moved": {name: ids for name, ids in moved.items() if ids},
        "cause": cause.kind,
        "cause_id": cause.cause_id,
        "reason": cause.reason,
        "merged_at": now,
        "undone_at": None,
        "undone_by": None,
        "undone_reason": None,
    }
    connection.execute(insert(tables.merges), [row])
    return merge_id


def what_moves(connection: Connection, merged: str) -> dict[str, list[str]]:
    """Return the ids of the rows that would name somebody else if this person were merged, by name of ``MOVING``."""
    return {
        name: list(connection.scalars(select(own_id).where(who == merged).order_by(own_id))) for name, _, own_id, who in MOVING
    }


def split(connection: Connection, merge_id: str, *, by: str, reason: str, now: datetime) -> None:
    """Move back what a merge moved, or say why not: ``Refused("merge.*")``, ``Conflict("duplicates.changed_meanwhile")``."""
    columns = tables.merges.c
    row = locked_row(connection, tables.merges, merge_id)
    if row is None or row.undone_at is not None:
        raise Refused("merge.unknown", "/merge_id")
    if row.cause == "declaration":
        raise Refused("merge.by_statements", "/merge_id")
    stands = locked_row(connection, tables.persons, row.stands_id)
    if stands is None or stands.merged_into is not None or stands.status == "erased":
        raise Conflict("duplicates.changed_meanwhile", "/merge_id")
    for name, table, own_id, who in MOVING:
        _move(connection, (table, own_id, who), row.moved.get(name, []), to=row.merged_id, now=now, still=row.stands_id)
    first, *others = row.moved[PERSONS]
    _point(connection, [first], None, now)
    _point(connection, others, row.merged_id, now)
    undone = {"undone_at": now, "undone_by": by, "undone_reason": reason}
    connection.execute(update(tables.merges).where(columns.merge_id == merge_id).values(**undone))


def merges_around(connection: Connection, person_ids: Iterable[str]) -> list[Row[Any]]:
    """Return every merge, undone ones too, that these persons or anybody merged with them were ever part of, oldest first."""
    columns = tables.merges.c
    found: dict[str, Row[Any]] = {}
    people, asked = set(person_ids), set[str]()
    while people - asked:
        fresh = sorted(people - asked)
        asked |= people
        near = among(columns.merged_id, fresh, connection) | among(columns.stands_id, fresh, connection)
        for row in connection.execute(select(tables.merges).where(near)):
            found[row.merge_id] = row
            people |= {row.merged_id, row.stands_id}
    return sorted(found.values(), key=lambda row: (row.merged_at, row.merge_id))


def _move(
    connection: Connection,
    where: tuple[Table, Column[str], Column[str]],
    ids: list[str],
    *,
    to: str,
    now: datetime,
    still: str | None = None,
) -> None:
    table, own_id, who = where
    if not ids:
        return
    asked = among(own_id, ids, connection)
    if still is not None:
        asked &= who == still
    changed = {"changed_at": now} if "changed_at" in table.c else {}
    connection.execute(update(table).where(asked).values({who.name: to} | changed))


def _point(connection: Connection, people: list[str], to: str | None, now: datetime) -> None:
    if people:
        asked = among(tables.persons.c.person_id, people, connection)
        connection.execute(update(tables.persons).where(asked).values(merged_into=to, changed_at=now))
