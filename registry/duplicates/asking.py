"""That two records are one person is asked for by one officer and granted by another: what would happen, and asking for it from a command line.

- ``merge_preview`` is what the second officer is shown and what the digest is of, wherever it was asked for: a row more or less that would move, a
  number, a change of either record, and it is not what was seen.
- Whoever asks is an account of the registry: an officer of one of the pair's communes, who may sign in. The second one grants it on the page, having
  looked at both records (docs/police.md); no command merges.

Example: ``ask_for_merge(connection, pair_id, asked=Asked(sign_in_name="can-bo", reason="both cards seen", within=timedelta(hours=72)), now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from registry import tables
from registry.accounts import find_account
from registry.duplicates.proposals import PROPOSED, KnownPair, pair_of
from registry.merging import what_moves
from registry.second_eyes import Kind, Wish, ask, digest_of
from residence.clock import rfc3339
from residence.errors import Conflict, Refused


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, why, and how long it waits for a second officer."""

    sign_in_name: str
    reason: str
    within: timedelta


def merge_preview(connection: Connection, pair: KnownPair) -> dict[str, Any]:
    """Return what a merge would move, of the pair as it is now."""
    columns = tables.persons.c
    both = sorted((pair.one_id, pair.other_id))
    rows = connection.execute(select(tables.persons).where(columns.person_id.in_(both)).order_by(columns.person_id)).all()
    moved = what_moves(connection, pair.other_id)
    return {
        "pair": pair.pair_id,
        "state": pair.state,
        "stands": pair.one_id,
        "joined": pair.other_id,
        "records": [[row.person_id, row.status, row.merged_into, rfc3339(row.changed_at)] for row in rows],
        "moves": {name: len(ids) for name, ids in moved.items() if ids},
        "moved": digest_of(moved),
        "numbers_that_stand": what_moves(connection, pair.one_id)["identifiers"],
    }


def ask_for_merge(
    connection: Connection, pair_id: str, *, asked: Asked, now: datetime, random_bytes: Callable[[int], bytes]
) -> tuple[KnownPair, str]:
    """Ask a second officer to make one person of a pair; returns the pair, and the id of what waits.

    ``Refused("duplicates.unknown" | "duplicates.no_officer")``, ``Conflict("duplicates.decided" | "eyes.waiting" | "eyes.refused")``.
    """
    pair, account = pair_of(connection, pair_id), find_account(connection, asked.sign_in_name)
    if pair is None:
        raise Refused("duplicates.unknown", "/pair_id")
    may_sign_in = account is not None and account.disabled_at is None and account.role == "officer"
    if account is None or not may_sign_in or account.commune_code not in {pair.commune_code, pair.other_commune}:
        raise Refused("duplicates.no_officer", "/by")
    if pair.state != PROPOSED:
        raise Conflict("duplicates.decided", "/pair_id")
    wish = Wish(
        kind=Kind.MERGE,
        subject=pair_id,
        content={},
        digest=digest_of(merge_preview(connection, pair)),
        reason=asked.reason,
        asked_by=account.account_id,
        commune_code=account.commune_code,
        expires_at=now + asked.within,
    )
    return pair, ask(connection, wish, now=now, random_bytes=random_bytes)
