"""A person decides a pair: one person, or two; and can take it back.

- Nothing merges by itself. ``decide`` needs an account and a reason; both stay with the pair.
- *Same*: the second becomes a pointer to the first (``registry/merging.py``); ``undo`` moves back exactly what was moved.
- *Different*: the pair is never proposed again.
- *Later*: it goes on waiting, and is out of the way until the day named.
- Each step is kept (``duplicate_steps``), also after it was taken back.
- ``Conflict`` when somebody decided first, when one of the two was merged or erased meanwhile, or, for an undo, when the standing person
  was merged further: that has to be undone first.

Example: ``decide(connection, pair_id, same=True, decision=decision, now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, update

from registry.bulk import write_rows
from registry.changing import Cause
from registry.duplicates.proposals import DECIDED, PROPOSED, KnownPair, known_pair
from registry.locking import locked_row
from registry.merging import merge, split
from registry.tables_duplicates import duplicate_pairs, duplicate_steps
from registry.tables_people import persons
from residence.clock import uuid7
from residence.errors import Conflict, Refused

LONGEST_REASON: Final = 500
Step = Literal["same", "different", "undone", "later"]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Who decides, and why."""

    account_id: str
    reason: str


def decide(
    connection: Connection,
    pair_id: str,
    *,
    same: bool,
    decision: Decision,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> KnownPair:
    """Decide a proposed pair; a merge is done in the same transaction."""
    _check(decision)
    row = _proposed(connection, pair_id)
    merge_id = _merge(connection, row, decision, now=now, random_bytes=random_bytes) if same else None
    return _settle(connection, row, state="same" if same else "different", decision=decision, now=now, merge_id=merge_id)


def undo(connection: Connection, pair_id: str, *, decision: Decision, now: datetime) -> KnownPair:
    """Take a decision back: the pair is proposed again, and what a merge moved is where it was."""
    _check(decision)
    row = _pair(connection, pair_id)
    if row["state"] not in DECIDED:
        raise Conflict("duplicates.not_decided", "/pair_id")
    if row["state"] == "same":
        split(connection, row["merge_id"], by=decision.account_id, reason=decision.reason.strip(), now=now)
    return _settle(connection, row, state=PROPOSED, decision=decision, now=now, merge_id=None)


def put_off(connection: Connection, pair_id: str, *, until: datetime, decision: Decision, now: datetime) -> KnownPair:
    """Let a proposed pair wait until a moment; nothing is decided."""
    _check(decision)
    row = _proposed(connection, pair_id)
    connection.execute(update(duplicate_pairs).where(duplicate_pairs.c.pair_id == pair_id).values(later_until=until))
    _keep_step(connection, row, "later", decision=decision, now=now)
    return known_pair(row | {"later_until": until})


def _check(decision: Decision) -> None:
    if not decision.reason.strip() or len(decision.reason) > LONGEST_REASON:
        raise Refused("duplicates.reason", "/reason")


def _proposed(connection: Connection, pair_id: str) -> dict[str, Any]:
    row = _pair(connection, pair_id)
    if row["state"] != PROPOSED:
        raise Conflict("duplicates.decided", "/pair_id")
    return row


def _keep_step(connection: Connection, row: dict[str, Any], step: Step, *, decision: Decision, now: datetime) -> None:
    """Keep what was done; steps of one pair follow each other, for the pair is locked."""
    kept = {
        "commune_code": row["commune_code"],
        "step_id": str(uuid7(now, sha256(f"{row['pair_id']} {step} {decision.account_id}".encode()).digest()[:10])),
        "pair_id": row["pair_id"],
        "step": step,
        "by": decision.account_id,
        "reason": decision.reason.strip(),
        "at": now,
    }
    write_rows(connection, duplicate_steps, [kept], keep=())


def _pair(connection: Connection, pair_id: str) -> dict[str, Any]:
    row = locked_row(connection, duplicate_pairs, pair_id)
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
    merge_id: str | None,
) -> KnownPair:
    settled = {
        "state": state,
        "decided_at": now,
        "decided_by": decision.account_id,
        "reason": decision.reason.strip(),
        "merge_id": merge_id,
        "later_until": None,
    }
    step: Step = "undone" if state == PROPOSED else "same" if state == "same" else "different"
    _keep_step(connection, row, step, decision=decision, now=now)
    connection.execute(update(duplicate_pairs).where(duplicate_pairs.c.pair_id == row["pair_id"]).values(**settled))
    return known_pair(row | settled)


def _merge(
    connection: Connection, row: dict[str, Any], decision: Decision, *, now: datetime, random_bytes: Callable[[int], bytes]
) -> str:
    """Merge the two of a pair, both of whom must stand; returns the merge's id."""
    both = [locked_row(connection, persons, each) for each in sorted((row["one_id"], row["other_id"]))]
    if any(each is None or each.merged_into is not None or each.status == "erased" for each in both):
        raise Conflict("duplicates.changed_meanwhile", "/pair_id")
    cause = Cause(kind="account", cause_id=decision.account_id, reason=decision.reason.strip())
    return merge(connection, row["other_id"], row["one_id"], cause=cause, now=now, random_bytes=random_bytes)
