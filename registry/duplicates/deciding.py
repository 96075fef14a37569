"""A person decides a pair: one person, or two; and can take it back.

- Nothing merges by itself. ``decide`` needs an account and a reason; both stay with the pair.
- *Same*: numbers, statements, stays and residences of the second name the first; the second becomes a pointer. Which rows were moved is
  kept with the pair, so that ``undo`` moves back exactly those; what was recorded of the standing person since stays with them.
- *Different*: the pair is never proposed again.
- ``Conflict`` when somebody decided first, when one of the two was merged or erased meanwhile, or, for an undo, when the standing person
  was merged further: that has to be undone first.

Example: ``decide(connection, pair_id, same=True, decision=Decision(account_id="officer-1", reason="both cards seen"), now=now)``
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Table, select, update

from registry.asking import among
from registry.duplicates.proposals import PROPOSED, KnownPair, known_pair
from registry.tables_duplicates import duplicate_pairs
from registry.tables_people import identifiers, persons, residences
from registry.tables_stays import declarations, stays
from residence.errors import Conflict, Refused

LONGEST_REASON: Final = 500
_MOVING: Final[tuple[tuple[Table, Column[str]], ...]] = (
    (identifiers, identifiers.c.identifier_id),
    (declarations, declarations.c.declaration_id),
    (residences, residences.c.residence_id),
    (stays, stays.c.stay_id),
)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Who decides, and why."""

    account_id: str
    reason: str


def decide(connection: Connection, pair_id: str, *, same: bool, decision: Decision, now: datetime) -> KnownPair:
    """Decide a proposed pair; a merge is done in the same transaction."""
    if not decision.reason.strip() or len(decision.reason) > LONGEST_REASON:
        raise Refused("duplicates.reason", "/reason")
    row = _pair(connection, pair_id)
    if row["state"] != PROPOSED:
        raise Conflict("duplicates.decided", "/pair_id")
    moved = _merge(connection, row["other_id"], row["one_id"], now) if same else None
    return _settle(connection, row, state="same" if same else "different", decision=decision, now=now, moved=moved)


def undo(connection: Connection, pair_id: str, *, decision: Decision, now: datetime) -> KnownPair:
    """Take a decision back: the pair is proposed again, and what a merge moved is where it was."""
    if not decision.reason.strip() or len(decision.reason) > LONGEST_REASON:
        raise Refused("duplicates.reason", "/reason")
    row = _pair(connection, pair_id)
    if row["state"] not in {"same", "different"}:
        raise Conflict("duplicates.not_decided", "/pair_id")
    if row["state"] == "same":
        _split(connection, row, now)
    return _settle(connection, row, state=PROPOSED, decision=decision, now=now, moved=None)


def _pair(connection: Connection, pair_id: str) -> dict[str, Any]:
    query = select(duplicate_pairs).where(duplicate_pairs.c.pair_id == pair_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise Refused("duplicates.unknown", "/pair_id")
    return row._asdict()


def _settle(
    connection: Connection,
    row: dict[str, Any],
    *,
    state: str,
    decision: Decision,
    now: datetime,
    moved: dict[str, list[str]] | None,
) -> KnownPair:
    settled = {
        "state": state,
        "decided_at": now,
        "decided_by": decision.account_id,
        "reason": decision.reason.strip(),
        "moved": moved,
    }
    connection.execute(update(duplicate_pairs).where(duplicate_pairs.c.pair_id == row["pair_id"]).values(**settled))
    return known_pair(row | settled)


def _merge(connection: Connection, merged: str, stands: str, now: datetime) -> dict[str, list[str]]:
    """Let ``merged`` point to ``stands``; returns what was moved, by table."""
    columns = persons.c
    standing = select(columns.person_id).where(
        columns.person_id.in_((merged, stands)), columns.merged_into.is_(None), columns.status != "erased"
    )
    if len(connection.scalars(standing.with_for_update()).all()) != 2:  # noqa: PLR2004 - both of them
        raise Conflict("duplicates.changed_meanwhile", "/pair_id")
    moved = {
        table.name: list(connection.scalars(select(own_id).where(table.c.person_id == merged).order_by(own_id)))
        for table, own_id in _MOVING
    }
    for table, own_id in _MOVING:
        connection.execute(update(table).where(among(own_id, moved[table.name], connection)).values(_to(table, stands, now)))
    # Pointers to a pointer are moved too, so that one step always leads to the person that stands.
    pointers = select(columns.person_id).where(columns.merged_into == merged).order_by(columns.person_id)
    moved[persons.name] = [merged, *connection.scalars(pointers)]
    _point(connection, moved[persons.name], stands, now)
    return moved


def _split(connection: Connection, row: dict[str, Any], now: datetime) -> None:
    """Move back what a merge moved."""
    merged, stands, moved = row["other_id"], row["one_id"], row["moved"]
    columns = persons.c
    further = select(columns.merged_into, columns.status).where(columns.person_id == stands)
    into, status = connection.execute(further.with_for_update()).one()
    if into is not None or status == "erased":
        raise Conflict("duplicates.changed_meanwhile", "/pair_id")
    for table, own_id in _MOVING:
        back = among(own_id, moved[table.name], connection) & (table.c.person_id == stands)
        connection.execute(update(table).where(back).values(_to(table, merged, now)))
    first, *others = moved[persons.name]
    _point(connection, [first], None, now)
    _point(connection, others, merged, now)


def _to(table: Table, person_id: str, now: datetime) -> dict[str, Any]:
    return {"person_id": person_id} | ({"changed_at": now} if "changed_at" in table.c else {})


def _point(connection: Connection, people: list[str], to: str | None, now: datetime) -> None:
    asked = among(persons.c.person_id, people, connection)
    connection.execute(update(persons).where(asked).values(merged_into=to, changed_at=now))
