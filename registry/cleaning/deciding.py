"""A person's turn with items: choose some of one rule, look at what would be settled, settle it, take it back.

- A decision is a batch: one outcome and one reason for up to 200 items of one rule in one commune. ``preview`` changes nothing and returns a token;
  ``decide`` wants that token and refuses when the chosen items, or the data behind them, are others by now.
- *Confirmed* writes that the stale fields were asked for anew, by whom and when. An undo takes that back, too.
- ``undo`` opens again the items the batch still decides; one that came back by itself meanwhile is left alone and counted.
- Who and why stay in ``cleaning_steps``, also after an undo. Nothing of the register is changed here: correcting has its own ways.

Example: ``decide(connection, choice, decision, token=preview(connection, choice).token, now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, delete, select, update

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from registry.cleaning.keeping import DECIDED, OPEN, step_row
from residence.cleaning.rules import AT_ONCE, RULES, Outcome, RuleName
from residence.clock import uuid7
from residence.errors import Conflict, Refused

LONGEST_REASON: Final = 500
RandomBytes = Callable[[int], bytes]
_ITEMS: Final = tables.cleaning_items
_STEPS: Final = tables.cleaning_steps
_ASKED: Final = tables.confirmations


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which items: open ones of a rule in a commune; only these ids, or the ones due first."""

    commune_code: str
    rule: RuleName
    item_ids: tuple[str, ...] = ()
    most: int = AT_ONCE


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Who says so, and why."""

    account_id: str
    words: str


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision would settle."""

    token: str
    item_ids: tuple[str, ...]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision or an undo did. ``left``: items of an undone batch that are no longer decided by it."""

    batch_id: str
    items: int
    left: int = 0


def preview(connection: Connection, choice: Choice) -> Preview:
    """Return which items a decision would settle, and the token to decide with; refuses an empty or too large choice."""
    return _previewed(connection.execute(_chosen(connection, choice)).all(), choice)


def decide(
    connection: Connection,
    looked_at: tuple[Choice, str],
    outcome: Outcome,
    *,
    reason: Reason,
    now: datetime,
    random_bytes: RandomBytes,
) -> Done:
    """Settle the items that were looked at: the choice and the token of its preview."""
    choice, token = looked_at
    _check(reason)
    if outcome not in RULES[choice.rule].outcomes:
        raise Refused("cleaning.outcome", "/outcome")
    rows = connection.execute(_chosen(connection, choice).with_for_update()).all()
    if _previewed(rows, choice).token != token:
        raise Conflict("cleaning.changed_meanwhile", "/token")
    batch_id = str(uuid7(now, random_bytes(10)))
    before = _confirm(connection, rows, reason.account_id, now) if outcome == "confirmed" else {}
    said = _said(batch_id, "decided", outcome, reason)
    _write_steps(connection, rows, said, before=before, now=now, random_bytes=random_bytes)
    settled = {"state": DECIDED, "outcome": outcome, "batch_id": batch_id}
    ids = [row.item_id for row in rows]
    connection.execute(update(_ITEMS).where(among(_ITEMS.c.item_id, ids, connection)).values(**settled))
    return Done(batch_id=batch_id, items=len(rows))


def undo(
    connection: Connection, batch_id: str, *, commune_code: str, reason: Reason, now: datetime, random_bytes: RandomBytes
) -> Done:
    """Take a decision back: its items stand open as before, and what it confirmed is as it was."""
    _check(reason)
    decided = (_STEPS.c.batch_id == batch_id, _STEPS.c.step == "decided", _STEPS.c.commune_code == commune_code)
    steps = {row.item_id: row for row in connection.execute(select(_STEPS).where(*decided))}
    if not steps:
        raise Refused("cleaning.unknown_decision", "/batch_id")
    standing = select(_ITEMS).where(_ITEMS.c.batch_id == batch_id, _ITEMS.c.commune_code == commune_code)
    rows = connection.execute(standing.with_for_update()).all()
    if not rows:
        raise Conflict("cleaning.not_standing", "/batch_id")
    for row in rows:
        for person_id, field, before in steps[row.item_id].before or ():
            _restore(connection, person_id, field, before)
    said = _said(batch_id, "undone", rows[0].outcome, reason)
    _write_steps(connection, rows, said, before={}, now=now, random_bytes=random_bytes)
    again = {"state": OPEN, "outcome": None, "batch_id": None}
    connection.execute(update(_ITEMS).where(_ITEMS.c.batch_id == batch_id).values(**again))
    return Done(batch_id=batch_id, items=len(rows), left=len(steps) - len(rows))


def _check(reason: Reason) -> None:
    if not reason.words.strip() or len(reason.words) > LONGEST_REASON:
        raise Refused("cleaning.reason", "/reason")


def _chosen(connection: Connection, choice: Choice) -> Select[Any]:
    if max(choice.most, len(choice.item_ids)) > AT_ONCE:
        raise Refused("cleaning.too_many", "/items")
    columns = _ITEMS.c
    query = select(_ITEMS).where(columns.commune_code == choice.commune_code, columns.state == OPEN, columns.rule == choice.rule)
    if choice.item_ids:
        query = query.where(among(columns.item_id, sorted(set(choice.item_ids)), connection))
    return query.order_by(columns.due, columns.item_id).limit(choice.most)


def _previewed(rows: Sequence[Row[Any]], choice: Choice) -> Preview:
    if not rows:
        raise Refused("cleaning.nothing_chosen", "/items")
    seen = [choice.rule, *sorted(f"{row.item_id}:{row.digest}" for row in rows)]
    token = hashlib.sha256("\n".join(seen).encode()).hexdigest()[:32]
    return Preview(token=token, item_ids=tuple(row.item_id for row in rows))


def _said(batch_id: str, step: str, outcome: Outcome, reason: Reason) -> dict[str, Any]:
    words = reason.words.strip()
    return {"batch_id": batch_id, "step": step, "outcome": outcome, "by": reason.account_id, "reason": words}


def _write_steps(
    connection: Connection,
    rows: Sequence[Row[Any]],
    said: dict[str, Any],
    *,
    before: Mapping[str, list[Any]],
    now: datetime,
    random_bytes: RandomBytes,
) -> None:
    steps = [
        step_row(row.commune_code, row.item_id, said["step"], at=now, random_bytes=random_bytes)
        | said
        | {"before": before.get(row.item_id)}
        for row in rows
    ]
    write_rows(connection, _STEPS, steps)


def _confirm(connection: Connection, rows: Sequence[Row[Any]], account_id: str, now: datetime) -> dict[str, list[Any]]:
    """Write that the items' fields were asked for; returns by item what was known of each field before."""
    people = sorted({row.subject_id for row in rows})
    known = {
        (row.person_id, row.field): [row.confirmed_by, row.confirmed_at.isoformat()]
        for row in connection.execute(select(_ASKED).where(among(_ASKED.c.person_id, people, connection)))
    }
    before: dict[str, list[Any]] = {}
    fresh = []
    for row in rows:
        for field in (name for kind, name in row.evidence if kind == "field"):
            said = {"person_id": row.subject_id, "field": field, "confirmed_by": account_id, "confirmed_at": now}
            fresh.append({"commune_code": row.commune_code} | said)
            before.setdefault(row.item_id, []).append([row.subject_id, field, known.get((row.subject_id, field))])
    write_rows(connection, _ASKED, fresh, keep=("commune_code", "person_id", "field"))
    return before


def _restore(connection: Connection, person_id: str, field: str, before: list[str] | None) -> None:
    same = (_ASKED.c.person_id == person_id, _ASKED.c.field == field)
    if before is None:
        connection.execute(delete(_ASKED).where(*same))
    else:
        said = {"confirmed_by": before[0], "confirmed_at": datetime.fromisoformat(before[1])}
        connection.execute(update(_ASKED).where(*same).values(**said))
