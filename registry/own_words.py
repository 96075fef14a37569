"""Stays others declared of a person: which of them wait for the person's own word, their yes to one, and the lock "others may not declare me".

- A yes is kept once per stay; a no is a dispute (``registry/stay_disputes.py``).
- The lock refuses nothing and is told to nobody who declares: a house is answered in the same way, by the same code, whether the number is
  somebody's who locked it, somebody's who did not, or nobody's (ADR 115). It is read only where the person, or an officer, reads a stay.
- A lock looks forward: stays recorded before it was set are as they were.

Example: ``words_of(connection, "person-1", stays)`` is ``{"stay-1": "asked"}``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from registry.asking import among
from registry.locking import locked_row
from registry.stays import StayOnList
from residence.clock import uuid7
from residence.errors import Conflict, Refused
from residence.stays.own_word import SaidBy, WordStanding, word_standing

_LOCKS: Final = tables.declaring_locks.c
_WORDS: Final = tables.own_words.c


def words_of(connection: Connection, stays: Iterable[StayOnList]) -> dict[str, WordStanding]:
    """Return how each of these stays stands with the person whose it is."""
    listed = list(stays)
    if not listed:
        return {}
    said = _said_by(connection, {each for stay in listed for each in stay.declaration_ids})
    people = sorted({each.person_id for each in listed})
    locks, mine = _locks(connection, people), _accounts(connection, people)
    yes = among(_WORDS.stay_id, sorted({each.stay_id for each in listed}), connection)
    confirmed = set(connection.scalars(select(_WORDS.stay_id).where(yes)))
    return {
        each.stay_id: word_standing(
            [said[own_id] for own_id in each.declaration_ids if own_id in said],
            mine=mine.get(each.person_id, frozenset()),
            locked=any(_held(lock, each.recorded_at) for lock in locks.get(each.person_id, ())),
            confirmed=each.stay_id in confirmed,
        )
        for each in listed
    }


def confirm_stay(connection: Connection, own: StayOnList, *, by: str, now: datetime) -> None:
    """Keep the person's yes to a stay of theirs; said again it changes nothing."""
    locked_row(connection, tables.stays, own.stay_id)  # two taps at once: the second finds the first's word
    if connection.scalar(select(_WORDS.stay_id).where(_WORDS.stay_id == own.stay_id)) is not None:
        return
    row = {
        "commune_code": own.commune_code,
        "stay_id": own.stay_id,
        "person_id": own.person_id,
        "said_by": by,
        "said_at": now,
    }
    connection.execute(insert(tables.own_words), [row])


def set_lock(connection: Connection, person_id: str, *, by: str, now: datetime, random_bytes: Callable[[int], bytes]) -> None:
    """Lock: from now on what others declare of this person waits for their word. ``Conflict("lock.set")`` when it is set."""
    person = locked_row(connection, tables.persons, person_id)
    if person is None:
        raise Refused("registry.person_unknown", "/person_id")
    if lock_of(connection, person_id) is not None:
        raise Conflict("lock.set")
    row = {
        "commune_code": person.commune_code,
        "lock_id": str(uuid7(now, random_bytes(10))),
        "person_id": person_id,
        "set_by": by,
        "set_at": now,
    }
    connection.execute(insert(tables.declaring_locks), [row])


def lift_lock(connection: Connection, person_id: str, *, by: str, now: datetime) -> None:
    """Lift the lock. ``Conflict("lock.set")`` when there is none."""
    standing = (_LOCKS.person_id == person_id) & _LOCKS.lifted_at.is_(None)
    lifted = update(tables.declaring_locks).where(standing).values(lifted_by=by, lifted_at=now)
    if not connection.execute(lifted).rowcount:
        raise Conflict("lock.set")


def lock_of(connection: Connection, person_id: str) -> Row[Any] | None:
    """Return the lock that stands."""
    standing = select(tables.declaring_locks).where(_LOCKS.person_id == person_id, _LOCKS.lifted_at.is_(None))
    return connection.execute(standing.limit(1)).first()


def _said_by(connection: Connection, declaration_ids: set[str]) -> dict[str, SaidBy]:
    columns = tables.declarations.c
    query = select(columns.declaration_id, columns.declarant_role, columns.evidence_level, columns.declarant_account)
    rows = connection.execute(query.where(among(columns.declaration_id, sorted(declaration_ids), connection)))
    return {own_id: SaidBy(role=role, evidence_level=level, account=account) for own_id, role, level, account in rows}


def _locks(connection: Connection, people: list[str]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(select(tables.declaring_locks).where(among(_LOCKS.person_id, people, connection))):
        found.setdefault(row.person_id, []).append(row)
    return found


def _accounts(connection: Connection, people: list[str]) -> dict[str, frozenset[str]]:
    columns = tables.accounts.c
    found: dict[str, frozenset[str]] = {}
    query = select(columns.person_id, columns.account_id).where(among(columns.person_id, people, connection))
    for person_id, account_id in connection.execute(query):
        found[person_id] = found.get(person_id, frozenset()) | {account_id}
    return found


def _held(lock: Row[Any], at: datetime) -> bool:
    return bool(lock.set_at <= at and (lock.lifted_at is None or at < lock.lifted_at))
