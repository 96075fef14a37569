"""What the register said of a person at an instant, as far as the rows tell: facts by what they are about, and everything done since.

- Rows are read back from how they stand: one recorded later is left out, a correction recorded later is undone (``changes``), a merge made
  later is taken apart and one undone later put together again (``merges``). Fields come from ``person_versions``, stays from ``stay_versions``.
- Who asks about somebody merged since gets that person as they were, and as they are now whoever stands for both.
- Nothing is opened here: a fact holds what is in the clear and where its sealed value is (``sealed``). ``looking_back.py`` opens for a purpose.
- What an erasure took is gone from every instant.

Example: ``History(connection, person_id).facts(at)["residences", residence_id].said["valid_to"]``
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Table, select

from registry import tables
from registry.asking import among
from registry.locking import id_column
from registry.merging import PERSONS, merges_around
from registry.persons import SEALED_COLUMNS
from registry.stays import REMOVED
from registry.vault import Cell
from residence.clock import rfc3339

Key = tuple[str, str]  # table, and row; of a person's own fields ("persons", the field)
FIELDS: Final = PERSONS

# table, column of whose it is, what of it is told
_TOLD: Final[tuple[tuple[Table, str, tuple[str, ...]], ...]] = (
    (tables.identifiers, "person_id", ("kind", "status")),
    (tables.residences, "person_id", ("kind", "premises_id", "unit", "relation", "valid_from", "valid_to")),
    (tables.relations, "person_id", ("kind", "subject_id", "valid_from", "valid_to")),
    (tables.absences, "person_id", ("valid_from", "valid_to")),
    (tables.permitted_stays, "person_id", ("valid_to",)),
    (tables.e_id_sightings, "person_id", ("source", "seen_on", "withdrawn_at")),
)
_STAY: Final = ("premises_id", "unit", "status", "start_at", "planned_end", "ended_at")


class Fact(NamedTuple):
    """One thing the register says. ``sealed``: where the rest of it is, and under whose key."""

    said: dict[str, Any]
    sealed: tuple[Cell, str, bytes] | None = None


class StayState(NamedTuple):
    """One state of a stay, since when it stood, and the statement that caused it."""

    stay_id: str
    person_id: str
    premises_id: str
    unit: str | None
    status: str
    start_at: datetime
    planned_end: datetime | None
    ended_at: datetime | None
    declaration_id: str | None
    at: datetime


class Event(NamedTuple):
    """Something that was done: when, to which row, by what. ``key`` is None for what concerns the whole person."""

    at: datetime
    what: str
    key: Key | None
    cause: str
    cause_id: str | None
    reason: str | None = None


class History:
    """Everything recorded about a person and whoever was ever taken for them."""

    def __init__(self, connection: Connection, person_id: str) -> None:
        self.person_id: Final = person_id
        self._merges = merges_around(connection, [person_id])
        self.people: Final = sorted({person_id, *(each for row in self._merges for each in (row.merged_id, row.stands_id))})
        self._persons = {row.person_id: row for row in self._of(connection, tables.persons, "person_id")}
        self._rows = {table.name: self._of(connection, table, who) for table, who, _ in _TOLD}
        self._versions = sorted(
            self._of(connection, tables.person_versions, "person_id"), key=lambda row: (row.recorded_at, row.version_id)
        )
        self._changes = sorted(
            self._of(connection, tables.changes, "person_id"), key=lambda row: (row.recorded_at, row.change_id)
        )
        self._stays = self._stay_states(connection)

    def _of(self, connection: Connection, table: Table, who: str) -> list[Row[Any]]:
        own_id = id_column(table)
        return list(connection.execute(select(table).where(among(table.c[who], self.people, connection)).order_by(own_id)).all())

    def _stay_states(self, connection: Connection) -> list[StayState]:
        """Return every state of each stay that ever was theirs, oldest first: those replaced, then the one that stands."""
        versions, stays = tables.stay_versions.c, tables.stays.c
        was = select(versions.stay_id).where(among(versions.person_id, self.people, connection))
        now = select(stays.stay_id).where(among(stays.person_id, self.people, connection))
        ever = was.union(now)  # in one list: of two with OR PostgreSQL reads all stays there are
        names = [name for name in StayState._fields if name != "at"]
        replaced = select(*(versions[name] for name in names), versions.recorded_at.label("at")).where(versions.stay_id.in_(ever))
        present = select(*(stays[name] for name in names), stays.changed_at.label("at")).where(stays.stay_id.in_(ever))
        rows = [
            *connection.execute(replaced.order_by(versions.recorded_at, versions.place, versions.version_id)),
            *connection.execute(present.order_by(stays.stay_id)),
        ]
        return sorted((StayState(*row) for row in rows), key=lambda each: each.at)  # stable: the present one comes last

    def stands(self, at: datetime | None) -> str:
        """Return who stood for the person then."""
        owner = self.person_id
        for when, row, undone in self._steps():
            if at is not None and when > at:
                break
            if undone and owner == row.stands_id and self.person_id in row.moved[PERSONS]:
                owner = self.person_id if row.moved[PERSONS][0] == self.person_id else row.merged_id
            elif not undone and owner == row.merged_id:
                owner = row.stands_id
        return owner

    def facts(self, at: datetime | None) -> dict[Key, Fact]:
        """Return what the register said then; None: what it says now. Empty when it did not know the person yet."""
        who = self.stands(at)
        person = self._persons.get(who)
        if person is None or (at is not None and person.created_at > at):
            return {}
        found: dict[Key, Fact] = dict(self._fields(person, at))
        for table, column, told in _TOLD:
            own_id = id_column(table).name
            for row in self._rows[table.name]:
                if at is not None and row.recorded_at > at:
                    continue
                row_id = getattr(row, own_id)
                if self._owner(table.name, row_id, getattr(row, column), at) == who:
                    found[table.name, row_id] = self._fact(row, table, told, at)
        return found | dict(self._stays_then(who, at))

    def events(self, since: datetime) -> list[Event]:
        """Return everything done after an instant, oldest first."""
        made = [*self._recorded(since), *self._replaced(since), *self._changed(since), *self._merged(since)]
        return sorted(made, key=lambda each: (each.at, each.what))

    def _fields(self, person: Row[Any], at: datetime | None) -> Iterator[tuple[Key, Fact]]:
        """Return each field as the first state replaced later had it, else as it stands."""
        later = (row for row in self._versions if row.person_id == person.person_id and at is not None and row.recorded_at > at)
        state = next(later, person)
        for name in SEALED_COLUMNS:
            sealed = getattr(state, f"{name}_sealed")
            if sealed is not None:
                yield (FIELDS, name), Fact({}, (Cell(FIELDS, name, person.person_id), person.person_id, sealed))

    def _fact(self, row: Row[Any], table: Table, told: Iterable[str], at: datetime | None) -> Fact:
        said = {name: _plain(getattr(row, name)) for name in told}
        row_id = getattr(row, id_column(table).name)
        for change in reversed(self._changes):
            if at is not None and change.recorded_at > at and (change.what, change.row_id) == (table.name, row_id):
                said |= {name: value for name, value in change.before.items() if name in said}
        if table is not tables.identifiers:
            return Fact(said)
        return Fact(said, (Cell("identifiers", "value", row_id), row.subject_id, row.value_sealed))

    def _stays_then(self, who: str, at: datetime | None) -> Iterator[tuple[Key, Fact]]:
        newest: dict[str, StayState] = {row.stay_id: row for row in self._stays if at is None or row.at <= at}
        for stay_id, row in newest.items():
            owner = row.person_id
            for when, merged, undone in self._steps():
                if row.at <= when and (at is None or when <= at) and stay_id in merged.moved.get("stays", ()):
                    owner = _after(owner, merged, undone=undone)
            if owner == who and row.status != REMOVED:
                said = {name: getattr(row, name) for name in _STAY}
                yield ("stays", stay_id), Fact({name: _plain(value) for name, value in said.items()})

    def _owner(self, table: str, row_id: str, owner: str, at: datetime | None) -> str:
        """Return whose a row was then, going back from whose it is."""
        if at is None:
            return owner
        for when, row, undone in reversed(self._steps()):
            if when > at and row_id in row.moved.get(table, ()):
                owner = _after(owner, row, undone=not undone)
        return owner

    def _steps(self) -> list[tuple[datetime, Row[Any], bool]]:
        """Return merges and their undoing, oldest first: when, which, undone."""
        steps = [(row.merged_at, row, False) for row in self._merges]
        steps += [(row.undone_at, row, True) for row in self._merges if row.undone_at]
        return sorted(steps, key=lambda each: (each[0], each[2], each[1].merge_id))

    def _recorded(self, since: datetime) -> Iterator[Event]:
        for person_id, person in self._persons.items():
            if person.created_at > since:
                yield _event(person.created_at, "person", None, by=person.declaration_id, source=person_id)
        for table, _, _ in _TOLD:
            own_id = id_column(table).name
            for row in self._rows[table.name]:
                if row.recorded_at > since:
                    by = row.declaration_id if table is tables.identifiers else None
                    source = getattr(row, "recorded_by", None)
                    yield _event(row.recorded_at, "recorded", (table.name, getattr(row, own_id)), by=by, source=source)
        for state in self._stays:
            if state.at > since:
                yield _event(state.at, "stay", ("stays", state.stay_id), by=state.declaration_id)

    def _replaced(self, since: datetime) -> Iterator[Event]:
        for row in self._versions:
            if row.recorded_at > since:
                for name in SEALED_COLUMNS:
                    yield _event(row.recorded_at, "corrected", (FIELDS, name), by=row.declaration_id)

    def _changed(self, since: datetime) -> Iterator[Event]:
        for row in self._changes:
            if row.recorded_at > since:
                yield Event(row.recorded_at, "changed", (row.what, row.row_id), row.cause, row.cause_id, row.reason)

    def _merged(self, since: datetime) -> Iterator[Event]:
        for row in self._merges:
            if row.merged_at > since:
                yield Event(row.merged_at, "merged", None, row.cause, row.cause_id, row.reason)
            if row.undone_at is not None and row.undone_at > since:
                yield Event(row.undone_at, "parted", None, "account", row.undone_by, row.undone_reason)


def _after(owner: str, row: Row[Any], *, undone: bool) -> str:
    """Return whose a row is after a merge, or after its undoing."""
    source, goal = (row.stands_id, row.merged_id) if undone else (row.merged_id, row.stands_id)
    return str(goal) if owner == source else owner


def _event(at: datetime, what: str, key: Key | None, *, by: str | None, source: str | None = None) -> Event:
    """Return what a statement did, or a register that was taken over."""
    return Event(at, what, key, "declaration" if by else "register", by or source)


def _plain(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value
