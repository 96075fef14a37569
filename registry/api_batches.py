"""Batches as programs sent them: how far each is, and what became of every declaration in it.

- A batch is written before its declarations are recorded and finished in the transaction that records them: what it says is what was done.
- An entry holds codes, pointers and ids; its receipt is found by the declaration's id and is the one that was given.

Example: ``batch_of(connection, batch_id, account_id=account.account_id)``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, insert, select, update

from registry.tables_api import api_batches

BatchState = Literal["running", "accepted", "partly", "refused"]
_BATCHES: Final = api_batches.c


class KeptBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch. ``items``: one document a declaration, in the order sent."""

    batch_id: str
    commune_code: str
    account_id: str
    state: BatchState
    size: int
    items: tuple[dict[str, Any], ...]
    created_at: datetime
    done_at: datetime | None


def begin_batch(connection: Connection, batch_id: str, *, commune_code: str, account_id: str, size: int, now: datetime) -> None:
    """Write a batch that is being worked on; one that broke off and is taken up again stands already."""
    same = select(_BATCHES.batch_id).where(_BATCHES.batch_id == batch_id, _BATCHES.commune_code == commune_code)
    if connection.scalar(same) is None:
        values = {"batch_id": batch_id, "commune_code": commune_code, "account_id": account_id, "state": "running", "size": size}
        connection.execute(insert(api_batches).values(items=[], created_at=now, done_at=None, **values))


def finish_batch(
    connection: Connection, batch_id: str, *, state: BatchState, items: Sequence[dict[str, Any]], now: datetime
) -> None:
    """Write what became of a batch."""
    done = {"state": state, "items": list(items), "done_at": now}
    connection.execute(update(api_batches).where(_BATCHES.batch_id == batch_id).values(done))


def batch_of(connection: Connection, batch_id: str, *, account_id: str) -> KeptBatch | None:
    """Return an account's own batch."""
    mine = (_BATCHES.batch_id == batch_id, _BATCHES.account_id == account_id)
    row = connection.execute(select(api_batches).where(*mine).limit(1)).first()
    if row is None:
        return None
    told = {name: getattr(row, name) for name in KeptBatch.__struct_fields__}
    return KeptBatch(**{**told, "items": tuple(row.items)})
