"""What becomes of a number: given to somebody who had none, cancelled by whoever gives numbers, replaced by another, and that taken back.

- A cancelled or replaced number still finds its person and proves nothing in force: whoever declares with it is recorded with the finding
  ``person.number_cancelled``. Given to somebody else, it is theirs (``residence/stays/identity.py``).
- A new number that somebody else has in force is written all the same and told: both persons are an item of cleaning, nobody is overwritten.
- Each step is a row of ``identifier_events``; the identifier's own row is changed through ``registry/changing.py``, so what it said before can be told.
- Joined to a person without one (a newborn's, which comes later), it stands in force by an officer's word; taken back, it proves nothing any more.
- Taken back, the number is in force as it was; what stood in its place proves nothing any more. Only while nothing changed since.

Example: ``cancel_number(connection, identifier_id, on=date(2026, 7, 10), officer=officer, means=means)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from registry.blind_indexes import every
from registry.changing import LONGEST_REASON, Cause, change_row
from registry.locking import locked_row
from registry.persons import STATED, Stamp, holders, identifier_row
from registry.vault import Vault
from residence.clock import VIETNAM, uuid7
from residence.errors import Conflict, Problem, Refused, has_errors, problem
from residence.people.personal_number import check_personal_number
from residence.stays.known import KnownNumber

NumberEvent = Literal["cancelled", "replaced", "joined", "taken_back"]
_IDS: Final = tables.identifiers.c
_EVENTS: Final = tables.identifier_events.c


class Officer(msgspec.Struct, frozen=True, kw_only=True):
    """Who says so, and why in words that name nobody."""

    account_id: str
    reason: str


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a step works with."""

    vault: Vault
    now: datetime
    random_bytes: Callable[[int], bytes]

    def new_id(self) -> str:
        """Return an id."""
        return str(uuid7(self.now, self.random_bytes(10)))


class Stepped(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a step. With an error among the problems nothing was written."""

    event_id: str | None = None
    new_identifier_id: str | None = None
    problems: tuple[Problem, ...] = ()


class HeldNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number of a person without its value: which it is, how it stands, what was done with it."""

    identifier_id: str
    kind: str
    status: str
    recorded_at: datetime
    ended_at: datetime | None
    events: tuple[tuple[str, str, str], ...] = ()  # event, day, event id


def cancel_number(connection: Connection, identifier_id: str, *, on: date, officer: Officer, means: Means) -> Stepped:
    """Say that a number is in force no longer from a day on; ``Refused("number.*")``."""
    row = _in_force(connection, identifier_id, on=on, officer=officer, means=means)
    return _step(connection, row, "cancelled", on=on, officer=officer, means=means)


def replace_number(
    connection: Connection, identifier_id: str, value: str, *, on: date, officer: Officer, means: Means
) -> Stepped:
    """Say that another personal number stands in place of this one from a day on, or say all that is wrong with it."""
    row = _in_force(connection, identifier_id, on=on, officer=officer, means=means)
    if row.kind != "personal":
        raise Refused("number.kind", "/identifier_id")
    new_id, problems = _write_number(connection, row, value, means=means)
    if new_id is None:
        return Stepped(problems=problems)
    done = _step(connection, row, "replaced", on=on, officer=officer, means=means, new_identifier_id=new_id)
    return msgspec.structs.replace(done, problems=problems)


def join_number(connection: Connection, person_id: str, value: str, *, on: date, officer: Officer, means: Means) -> Stepped:
    """Give a person who has none the personal number that came later, or say all that is wrong with it; ``Conflict("number.has_one")``."""
    _check_reason(officer)
    if on > means.now.astimezone(VIETNAM).date():
        raise Refused("number.day", "/on")
    person = locked_row(connection, tables.persons, person_id)
    if person is None or person.merged_into is not None:
        raise Refused("registry.person_unknown", "/person_id")
    held = (_IDS.person_id == person_id, _IDS.kind == "personal", _IDS.status == "active")
    if connection.scalar(select(_IDS.identifier_id).where(*held).limit(1)) is not None:
        raise Conflict("number.has_one", "/value")
    index = means.vault.number_index("personal", value)
    stated = (_IDS.person_id == person_id, _IDS.kind == "personal", _IDS.status == STATED, _IDS.value_index.in_(every(index)))
    new_id: str | None = connection.scalar(select(_IDS.identifier_id).where(*stated).limit(1))
    problems: tuple[Problem, ...] = ()
    if new_id is None:  # else it was joined before and taken back, or somebody stated it
        new_id, problems = _write_number(connection, person, value, means=means)
    if new_id is None:
        return Stepped(problems=problems)
    row = _locked(connection, new_id)
    done = _step(connection, row, "joined", on=on, officer=officer, means=means)
    return msgspec.structs.replace(done, new_identifier_id=new_id, problems=problems)


def take_back(connection: Connection, event_id: str, *, officer: Officer, means: Means) -> Stepped:
    """Take a cancellation or replacement back; ``Refused("number.event_unknown")``, ``Conflict("number.changed_meanwhile")``."""
    _check_reason(officer)
    event = connection.execute(select(tables.identifier_events).where(_EVENTS.event_id == event_id).limit(1)).first()
    if event is None or event.event == "taken_back":
        raise Refused("number.event_unknown", "/event_id")
    row = _locked(connection, event.identifier_id)
    answered = select(_EVENTS.event_id).where(_EVENTS.identifier_id == event.identifier_id, _EVENTS.answers == event_id)
    if row.status != ("active" if event.event == "joined" else event.event) or connection.scalar(answered.limit(1)) is not None:
        raise Conflict("number.changed_meanwhile", "/event_id")
    if event.new_identifier_id is not None:
        new = _locked(connection, event.new_identifier_id)
        if new.status != "active":
            raise Conflict("number.changed_meanwhile", "/event_id")
        _change(connection, new, {"status": STATED, "ended_at": means.now}, officer=officer, means=means)
    today = means.now.astimezone(VIETNAM).date()
    return _step(connection, row, "taken_back", on=today, officer=officer, means=means, answers=event)


def numbers_held(connection: Connection, person_id: str) -> list[HeldNumber]:
    """Return a person's numbers, oldest first, with what was done with each; no value."""
    told: dict[str, list[tuple[str, str, str]]] = {}
    for row in connection.execute(
        select(tables.identifier_events).where(_EVENTS.person_id == person_id).order_by(_EVENTS.recorded_at, _EVENTS.event_id)
    ):
        told.setdefault(row.identifier_id, []).append((row.event, row.day, row.event_id))
    rows = connection.execute(
        select(tables.identifiers).where(_IDS.person_id == person_id).order_by(_IDS.recorded_at, _IDS.identifier_id)
    )
    return [
        HeldNumber(
            identifier_id=row.identifier_id,
            kind=row.kind,
            status=row.status,
            recorded_at=row.recorded_at,
            ended_at=row.ended_at,
            events=tuple(told.get(row.identifier_id, ())),
        )
        for row in rows
    ]


def _in_force(connection: Connection, identifier_id: str, *, on: date, officer: Officer, means: Means) -> Row[Any]:
    _check_reason(officer)
    if on > means.now.astimezone(VIETNAM).date():
        raise Refused("number.day", "/on")
    row = _locked(connection, identifier_id)
    if row.status != "active":
        raise Conflict("number.not_in_force", "/identifier_id")
    return row


def _locked(connection: Connection, identifier_id: str) -> Row[Any]:
    row = locked_row(connection, tables.identifiers, identifier_id)
    if row is None:
        raise Refused("number.unknown", "/identifier_id")
    return row


def _write_number(connection: Connection, whose: Row[Any], value: str, *, means: Means) -> tuple[str | None, tuple[Problem, ...]]:
    """Write a personal number in force; returns its id, or None with what is wrong. ``whose``: a row that names person and commune."""
    problems = check_personal_number(value, sex=None, birth=None, pointer="/value")
    if has_errors(problems):
        return None, problems
    index = means.vault.number_index("personal", value)
    if whose.person_id in holders(connection, [index]).get(index, set()):
        raise Conflict("number.held", "/value")
    if _somebody_has_it_in_force(connection, index):
        problems = (*problems, problem("number.somebody_elses", "/value"))
    key = means.vault.load_keys(connection, [whose.person_id]).get(whose.person_id)
    if key is None:
        raise Refused("registry.person_unknown", "/person_id")
    new_id = means.new_id()
    stamp = Stamp(commune_code=whose.commune_code, declaration_id=None, now=means.now)
    number = KnownNumber(kind="personal", value=value)
    row = identifier_row(number, whose.person_id, key=key, identifier_id=new_id, stamp=stamp, vault=means.vault)
    connection.execute(insert(tables.identifiers), [row])
    return new_id, problems


def _somebody_has_it_in_force(connection: Connection, index: bytes) -> bool:
    held = select(_IDS.identifier_id).where(_IDS.value_index.in_(every(index)), _IDS.kind == "personal", _IDS.status == "active")
    return connection.scalar(held.limit(1)) is not None


def _step(  # the row, what is said of it, and the means
    connection: Connection,
    row: Row[Any],
    event: NumberEvent,
    *,
    on: date,
    officer: Officer,
    means: Means,
    new_identifier_id: str | None = None,
    answers: Row[Any] | None = None,  # the event that is taken back
) -> Stepped:
    status: str = "active" if event in {"taken_back", "joined"} else event
    if answers is not None and answers.event == "joined":
        status = STATED
    ended = None if status == "active" else datetime.combine(on, time(), VIETNAM)
    _change(connection, row, {"status": status, "ended_at": ended}, officer=officer, means=means)
    event_id = means.new_id()
    written = {
        "commune_code": row.commune_code,
        "event_id": event_id,
        "person_id": row.person_id,
        "identifier_id": row.identifier_id,
        "event": event,
        "new_identifier_id": new_identifier_id,
        "day": on.isoformat(),
        "answers": answers.event_id if answers is not None else None,
        "account_id": officer.account_id,
        "reason": officer.reason,
        "recorded_at": means.now,
    }
    connection.execute(insert(tables.identifier_events), [written])
    person = (tables.persons.c.person_id == row.person_id) & (tables.persons.c.commune_code == row.commune_code)
    connection.execute(update(tables.persons).where(person).values(changed_at=means.now))  # so that cleaning looks again
    return Stepped(event_id=event_id, new_identifier_id=new_identifier_id)


def _change(connection: Connection, row: Row[Any], values: Mapping[str, Any], *, officer: Officer, means: Means) -> None:
    cause = Cause(kind="account", cause_id=officer.account_id, reason=officer.reason)
    change_row(
        connection, tables.identifiers, row.identifier_id, values, cause=cause, now=means.now, random_bytes=means.random_bytes
    )


def _check_reason(officer: Officer) -> None:
    if not 0 < len(officer.reason.strip()) <= LONGEST_REASON:
        raise Refused("number.reason", "/reason")
