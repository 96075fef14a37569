"""A way back in for whoever lost theirs, or never had one: in person, with a paper, at the commune police; never for who merely knows a number.

- One officer compares the holder with the paper and begins. A second officer who saw both opens it at once. Without a second it opens by itself after
  a waiting time, and only where the person has a confirmed address to be told at: nobody alone can open the page of somebody who hears of nothing.
- It is told at once to the person's address, with a link that stops it, and stands on the person's own page, where one button stops it, too.
- Neither officer may be the person, of their household or their guardian. One waits at a time; it is over after ``GOOD_FOR``.
- The code is on the paper the person takes along. It works once, and by wish ends every session and takes away every passkey of before.

Example: ``begin(connection, Seen(person_id="person-1", paper="passport", by="acc-officer"), code=code, tools=tools)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from registry import tables
from registry.accounts import KnownAccount, hash_of
from registry.contact_points import addresses_of
from registry.identities import resident_account
from registry.interests import interests_of
from registry.locking import locked_row
from registry.messages import put_aside
from registry.sessions import end_others
from registry.vault import Vault
from residence.clock import VIETNAM, uuid7
from residence.errors import Conflict, Refused
from residence.people.person import DocumentKind

GOOD_FOR: Final = timedelta(days=14)
SHOWN_FOR: Final = timedelta(days=90)
CODE_LETTERS: Final = 24
NO_PAPER: Final = frozenset({DocumentKind.NONE})
_ROWS: Final = tables.recoveries.c
_PERSONS: Final = tables.persons.c


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an officer had before them, and with which paper."""

    person_id: str
    paper: str
    by: str


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What beginning one needs. ``waits``: how long it waits without a second officer."""

    vault: Vault
    now: datetime
    random_bytes: Callable[[int], bytes]
    waits: timedelta


def begin(connection: Connection, seen: Seen, *, code: str, tools: Tools) -> str:
    """Begin; returns its id. ``Refused("recovery.paper" | "recovery.own_cause")``, ``Conflict("recovery.standing")``."""
    if seen.paper not in set(DocumentKind) - NO_PAPER:
        raise Refused("recovery.paper", "/paper")
    person = locked_row(connection, tables.persons, seen.person_id)
    if person is None:
        raise Refused("registry.person_unknown", "/person_id")
    _not_their_own(connection, seen.by, seen.person_id, now=tools.now)
    if standing_of(recoveries_of(connection, seen.person_id, now=tools.now), now=tools.now) is not None:
        raise Conflict("recovery.standing")
    told = any(each.confirmed for each in addresses_of(connection, seen.person_id, vault=tools.vault))
    recovery_id = str(uuid7(tools.now, tools.random_bytes(10)))
    row = {
        "commune_code": person.commune_code,
        "recovery_id": recovery_id,
        "person_id": seen.person_id,
        "paper": seen.paper,
        "asked_by": seen.by,
        "asked_at": tools.now,
        "opens_at": tools.now + tools.waits if told else None,
        "code_hash": hash_of(code),
    }
    connection.execute(insert(tables.recoveries), [row])
    put_aside(
        connection,
        "recovery",
        recovery_id,
        commune_code=person.commune_code,
        to=[("person", seen.person_id)],
        now=tools.now,
        random_bytes=tools.random_bytes,
    )
    return recovery_id


def second(connection: Connection, person_id: str, *, by: str, now: datetime) -> None:
    """Open what waits, by a second officer who saw person and paper. ``Refused("recovery.same_officer" | "recovery.own_cause" | "recovery.none")``."""
    row = _held(connection, person_id, now=now)
    if row.asked_by == by:
        raise Refused("recovery.same_officer")
    _not_their_own(connection, by, person_id, now=now)
    connection.execute(
        update(tables.recoveries)
        .where(*_this(row))
        .values(seconded_by=by, seconded_at=now, opens_at=min(now, row.opens_at or now))
    )


def stop(connection: Connection, row: Row[Any], *, by: str, now: datetime) -> bool:
    """Stop one; False when it was used already, and nothing can be stopped any more. Stopped twice it is as stopped once."""
    connection.execute(
        update(tables.recoveries)
        .where(*_this(row), _ROWS.used_at.is_(None), _ROWS.stopped_at.is_(None))
        .values(stopped_by=by, stopped_at=now)
    )
    return connection.scalar(select(_ROWS.used_at).where(*_this(row))) is None


def use(connection: Connection, code: str, *, forget: bool, tools: Tools) -> KnownAccount:
    """Spend a code and return the person's account, made where there is none. ``Refused("recovery.code" | "recovery.too_early")``.

    ``forget``: what was lost opens nothing any more: sessions end, passkeys and identities go.
    """
    row = connection.execute(select(tables.recoveries).where(_ROWS.code_hash == hash_of(code)).limit(1)).first()
    if row is None or not _stands(row, now=tools.now):
        raise Refused("recovery.code", "/code")
    if row.opens_at is None or row.opens_at > tools.now:
        raise Refused("recovery.too_early", "/code")
    spent = (
        update(tables.recoveries)
        .where(*_this(row), _ROWS.used_at.is_(None), _ROWS.stopped_at.is_(None))
        .values(used_at=tools.now)
    )
    if connection.execute(spent).rowcount != 1:  # two tabs: one of them wins
        raise Refused("recovery.code", "/code")
    person = connection.execute(select(_PERSONS.person_id, _PERSONS.merged_into, _PERSONS.commune_code).where(_PERSONS.person_id == row.person_id)).one()  # fmt: skip
    account = resident_account(
        connection,
        person.merged_into or person.person_id,
        commune_code=person.commune_code,
        now=tools.now,
        random_bytes=tools.random_bytes,
    )
    if account is None:
        raise Refused("recovery.code", "/code")
    if forget:
        end_others(connection, account, "", now=tools.now)
        for table in (tables.passkeys, tables.identities):
            same = (table.c.commune_code == account.commune_code, table.c.account_id == account.account_id)
            connection.execute(delete(table).where(*same))
    return account


def standing_of(rows: Iterable[Row[Any]], *, now: datetime) -> Row[Any] | None:
    """Return which of a person's stands: begun, not stopped, not used, not too old."""
    return next((each for each in rows if _stands(each, now=now)), None)


def recoveries_of(connection: Connection, person_id: str, *, now: datetime) -> list[Row[Any]]:
    """Return what was begun for a person lately, the newest first: what their own page shows them."""
    query = select(tables.recoveries).where(_ROWS.person_id == person_id, _ROWS.asked_at > now - SHOWN_FOR)
    return list(connection.execute(query.order_by(_ROWS.asked_at.desc()).limit(50)))


def recovery(connection: Connection, recovery_id: str) -> Row[Any] | None:
    """Return one."""
    return connection.execute(select(tables.recoveries).where(_ROWS.recovery_id == recovery_id).limit(1)).first()


def _stands(row: Row[Any], *, now: datetime) -> bool:
    return row.stopped_at is None and row.used_at is None and now <= row.asked_at + GOOD_FOR


def _held(connection: Connection, person_id: str, *, now: datetime) -> Row[Any]:
    locked_row(connection, tables.persons, person_id)
    row = standing_of(recoveries_of(connection, person_id, now=now), now=now)
    if row is None:
        raise Refused("recovery.none")
    return row


def _not_their_own(connection: Connection, account_id: str, person_id: str, *, now: datetime) -> None:
    if person_id in interests_of(connection, account_id, on=now.astimezone(VIETNAM).date()).people:
        raise Refused("recovery.own_cause")


def _this(row: Row[Any]) -> tuple[Any, Any]:
    return _ROWS.recovery_id == row.recovery_id, _ROWS.commune_code == row.commune_code
