"""What waits and what was decided, for whoever works through it: counts by rule, items by rule, decisions with who and why.

- Ids, kinds and days only; a name is released elsewhere, for a purpose and on the record.
- Items come the first due first; at most ``MOST_LISTED``.

Example: ``waiting_by_rule(connection, "demo-01")[0].waiting``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, func, select

from registry import tables
from registry.cleaning.keeping import OPEN
from residence.cleaning.rules import AT_ONCE, SUBJECTS, Outcome, RuleName

MOST_LISTED: Final = AT_ONCE
_ITEMS: Final = tables.cleaning_items.c
_STEPS: Final = tables.cleaning_steps.c


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """The open items of one rule."""

    rule: RuleName
    waiting: int
    overdue: int
    first_due: datetime


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item. ``evidence``: kind and id of the rows that show it."""

    item_id: str
    commune_code: str
    rule: RuleName
    subject_id: str
    evidence: tuple[tuple[str, str], ...]
    owner: str
    state: str
    due: datetime
    found_at: datetime
    outcome: Outcome | None = None
    batch_id: str | None = None


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, or the undoing of one. ``standing``: how many of its items are still decided by it."""

    batch_id: str
    step: str
    rule: RuleName
    outcome: Outcome
    by: str
    reason: str
    at: datetime
    items: int
    standing: int


def waiting_by_rule(connection: Connection, commune_code: str, *, now: datetime) -> list[Waiting]:
    """Return what waits in a commune, the rule with the earliest due first."""
    query = (
        select(_ITEMS.rule, func.count(), func.count().filter(_ITEMS.due < now), func.min(_ITEMS.due))
        .where(_ITEMS.commune_code == commune_code, _ITEMS.state == OPEN)
        .group_by(_ITEMS.rule)
    )
    found = [Waiting(rule=row[0], waiting=row[1], overdue=row[2], first_due=row[3]) for row in connection.execute(query)]
    return sorted(found, key=lambda each: (each.first_due, each.rule))


def looked_through(connection: Connection) -> datetime | None:
    """Return when everything had last been gone through, whole or what changed; None while a first run is not over."""
    columns = tables.cleaning_passes.c
    ended = list(connection.scalars(select(columns.ended_at)))
    return min(ended) if len(ended) == len(SUBJECTS) and all(ended) else None


def items_of(
    connection: Connection,
    *,
    commune_code: str | None = None,
    rule: str | None = None,
    state: str = OPEN,
    most: int = MOST_LISTED,
) -> list[Item]:
    """Return items in a state, the first due first."""
    query = select(tables.cleaning_items).where(_ITEMS.state == state)
    if commune_code is not None:
        query = query.where(_ITEMS.commune_code == commune_code)
    if rule is not None:
        query = query.where(_ITEMS.rule == rule)
    rows = connection.execute(query.order_by(_ITEMS.due, _ITEMS.item_id).limit(min(most, MOST_LISTED)))
    return [msgspec.convert({name: getattr(row, name) for name in Item.__struct_fields__}, Item) for row in rows]


def decisions_of(connection: Connection, commune_code: str, *, most: int = 20) -> Sequence[Decided]:
    """Return the latest decisions and undoings of a commune."""
    query = (
        select(
            _STEPS.batch_id,
            _STEPS.step,
            func.min(_ITEMS.rule).label("rule"),
            func.min(_STEPS.outcome).label("outcome"),
            func.min(_STEPS.by).label("by"),
            func.min(_STEPS.reason).label("reason"),
            func.max(_STEPS.at).label("at"),
            func.count().label("items"),
            func.count().filter(_ITEMS.batch_id == _STEPS.batch_id).label("standing"),
        )
        .join_from(
            tables.cleaning_steps,
            tables.cleaning_items,
            and_(_ITEMS.commune_code == _STEPS.commune_code, _ITEMS.item_id == _STEPS.item_id),
        )
        .where(_STEPS.commune_code == commune_code, _STEPS.batch_id.is_not(None))
        .group_by(_STEPS.batch_id, _STEPS.step)
        .order_by(func.max(_STEPS.at).desc(), _STEPS.batch_id)
        .limit(most)
    )
    return [
        msgspec.convert({name: getattr(row, name) for name in Decided.__struct_fields__}, Decided)
        for row in connection.execute(query)
    ]
