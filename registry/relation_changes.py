"""Who owns, manages, heads or guards, and who is away, as an officer records it after a register was taken over: it begins on a day, and ends on one.

- Beginning adds a row and changes none: an owner of before keeps theirs. Several may hold at once; that is a finding of cleaning, never refused.
- Ending sets the last day through ``registry/changing.py``, so what the row said before, by whom and why can be told.
- The subject must be there: premises for an owner or manager, a household for a head, a person for a guardian. Whoever was merged into another is asked
  for by the one that stands.
- An absence is a person's own: recorded with its days, and nothing of why or where to; over early, it is ended on that day.

Example: ``begin_relation(connection, Begun(kind="head", subject_id="hh-1", person_id="p-1", first=date(2026, 7, 1)), officer=officer, means=means)``
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Table, insert, select

from registry import tables
from registry.changing import LONGEST_REASON, Cause, change_row
from registry.locking import locked_row
from registry.numbering import Means, Officer
from registry.relations import Relation, add_relation
from residence.errors import Conflict, Refused
from residence.places.relations import RelationKind

_SUBJECTS: Final[dict[RelationKind, Table]] = {
    "owner": tables.premises,
    "manager": tables.premises,
    "head": tables.households,
    "guardian": tables.persons,
}
_OWN_ID: Final = {"premises": "premises_id", "households": "household_id", "persons": "person_id"}


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A relation that begins."""

    kind: RelationKind
    subject_id: str
    person_id: str
    first: date


class Away(msgspec.Struct, frozen=True, kw_only=True):
    """A time away; without a last day until it is ended."""

    first: date
    last: date | None = None


def begin_relation(connection: Connection, begun: Begun, *, officer: Officer, means: Means) -> str:
    """Record that a person is owner, manager, head or guardian from a day on; returns the relation's id."""
    _check_reason(officer)
    commune_code = _commune_of_subject(connection, begun)
    _standing_person(connection, begun.person_id)
    columns, day = tables.relations.c, begun.first.isoformat()
    same = (columns.subject_id == begun.subject_id, columns.kind == begun.kind, columns.person_id == begun.person_id)
    if connection.scalar(select(columns.relation_id).where(*same, columns.valid_to.is_(None)).limit(1)) is not None:
        raise Conflict("relation.stands", "/person_id")
    relation = Relation(kind=begun.kind, subject_id=begun.subject_id, person_id=begun.person_id, valid_from=day)
    return add_relation(
        connection,
        relation,
        commune_code=commune_code,
        recorded_by=officer.account_id,
        now=means.now,
        random_bytes=means.random_bytes,
    )


def end_relation(connection: Connection, relation_id: str, last: date, *, officer: Officer, means: Means) -> None:
    """End a relation on its last day; ``Refused("relation.*")``."""
    _end(connection, tables.relations, relation_id, last, officer=officer, means=means)


def declare_absence(connection: Connection, person_id: str, away: Away, *, officer: Officer, means: Means) -> str:
    """Record that a person is away; returns the absence's id."""
    if away.last is not None and away.last < away.first:
        raise Refused("relation.days", "/last")
    commune_code = _standing_person(connection, person_id)
    absence_id = means.new_id()
    row = {
        "commune_code": commune_code,
        "absence_id": absence_id,
        "person_id": person_id,
        "subject_id": person_id,
        "valid_from": away.first.isoformat(),
        "valid_to": away.last.isoformat() if away.last else None,
        "recorded_by": officer.account_id,
        "recorded_at": means.now,
    }
    connection.execute(insert(tables.absences), [row])
    return absence_id


def end_absence(connection: Connection, absence_id: str, last: date, *, officer: Officer, means: Means) -> None:
    """Say that an absence was over on a day."""
    _end(connection, tables.absences, absence_id, last, officer=officer, means=means)


def absences_of(connection: Connection, person_id: str) -> list[dict[str, Any]]:
    """Return a person's absences by id and days, oldest first; nothing sealed."""
    columns = tables.absences.c
    query = select(columns.absence_id, columns.valid_from, columns.valid_to).where(columns.person_id == person_id)
    return [row._asdict() for row in connection.execute(query.order_by(columns.valid_from, columns.absence_id))]


def relations_to(connection: Connection, subject_id: str) -> list[dict[str, Any]]:
    """Return the relations to a premises, household or person by id and days, oldest first; an owner's own name stays sealed."""
    columns = tables.relations.c
    shown = (columns.relation_id, columns.kind, columns.person_id, columns.valid_from, columns.valid_to)
    query = select(*shown, columns.name_sealed.is_not(None).label("named")).where(columns.subject_id == subject_id)
    return [row._asdict() for row in connection.execute(query.order_by(columns.kind, columns.valid_from, columns.relation_id))]


def _end(connection: Connection, table: Table, row_id: str, last: date, *, officer: Officer, means: Means) -> None:
    _check_reason(officer)
    row, day = locked_row(connection, table, row_id), last.isoformat()
    if row is None:
        raise Refused("relation.unknown", "/row_id")
    if row.valid_from is not None and day < row.valid_from:
        raise Refused("relation.days", "/last")
    if row.valid_to is not None and row.valid_to <= day:
        raise Conflict("relation.ended", "/last")
    cause = Cause(kind="account", cause_id=officer.account_id, reason=officer.reason.strip())
    change_row(connection, table, row_id, {"valid_to": day}, cause=cause, now=means.now, random_bytes=means.random_bytes)


def _commune_of_subject(connection: Connection, begun: Begun) -> str:
    table = _SUBJECTS[begun.kind]
    own_id = table.c[_OWN_ID[table.name]]
    commune_code = connection.scalar(select(table.c.commune_code).where(own_id == begun.subject_id).limit(1))
    if commune_code is None:
        raise Refused("relation.subject_unknown", "/subject_id")
    return str(commune_code)


def _standing_person(connection: Connection, person_id: str) -> str:
    columns = tables.persons.c
    standing = (columns.person_id == person_id, columns.merged_into.is_(None), columns.status != "erased")
    commune_code = connection.scalar(select(columns.commune_code).where(*standing))
    if commune_code is None:
        raise Refused("registry.person_unknown", "/person_id")
    return str(commune_code)


def _check_reason(officer: Officer) -> None:
    if not 0 < len(officer.reason.strip()) <= LONGEST_REASON:
        raise Refused("relation.reason", "/reason")
