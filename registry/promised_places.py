"""Places in the log of statements, promised before the log has them: a batch takes a block of numbers in its own transaction.

- Raising the number locks one row until the transaction ends, so blocks come in the order they are committed, and a transaction that is rolled back
  gives its numbers back: gaps cannot arise. It is done last, after all other rows of a batch, so that batches wait for each other shortly.
- Where no log is open, nothing is promised, and receipts are as they were before there was one.
- The log's process opens it (``registry/publishing_statements.py``); a registry that was brought back promises nothing until that process has
  said how long the log is by now.

Example: ``promise(connection, 500)`` -> ``Promised(log_id="1a2b3c4d", first=1700)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, true, update

from registry import tables
from registry.bulk import write_rows
from registry.quarantine import NOWHERE
from residence.clock import uuid7_text
from residence.errors import Conflict
from residence.transparency.statements import SALT_BYTES, commitment_at
from residence.wire.messages import LogPlace

COUNTER: Final = "statements"
_LOGS, _BLOCKS = tables.statement_logs.c, tables.statement_blocks.c
_OURS: Final = (_LOGS.commune_code == NOWHERE, _LOGS.counter == COUNTER)
Told = tuple[str, str]  # declaration id and state


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """A block of numbers in a log."""

    log_id: str
    first: int


def promise(connection: Connection, count: int) -> Promised | None:
    """Take the next ``count`` numbers, None when no log is open; others wait for this transaction from here on."""
    one_more = update(tables.statement_logs).where(*_OURS, _LOGS.is_open == true()).values(next=_LOGS.next + count)
    given = connection.execute(one_more.returning(_LOGS.log_id, _LOGS.next)).first()
    return Promised(log_id=given.log_id, first=given.next - count) if given is not None else None


def promise_places(
    connection: Connection, told: Sequence[Told], *, now: datetime, random_bytes: Callable[[int], bytes]
) -> list[LogPlace | None]:
    """Promise a place to each statement answered now, and leave the commitments for the log's process."""
    promised = promise(connection, len(told)) if told else None
    if promised is None:
        return [None] * len(told)
    salts = [random_bytes(SALT_BYTES) for _ in told]
    seconds = int(now.timestamp())
    leaves = [commitment_at(own_id, state, seconds, salt) for (own_id, state), salt in zip(told, salts, strict=True)]
    row = {
        "commune_code": NOWHERE,
        "block_id": uuid7_text(now, random_bytes(10)),
        "log_id": promised.log_id,
        "first": promised.first,
        "leaves": b"".join(leaves),
        "at": now,
    }
    write_rows(connection, tables.statement_blocks, [row])
    return [LogPlace(log=promised.log_id, index=promised.first + at, salt=salt) for at, salt in enumerate(salts)]


def log_row(connection: Connection) -> Row[Any] | None:
    """Return which log there is, None when there never was one."""
    return connection.execute(select(tables.statement_logs).where(*_OURS)).first()


def open_log(connection: Connection, *, log_id: str, origin: str, size: int, now: datetime) -> None:
    """Let receipts promise places of a log that is ``size`` long by now.

    Raises ``Conflict("log.behind_registry")`` for a folder older than was published, ``Conflict("log.other_promised")`` while another log owes entries.
    """
    row = connection.execute(select(tables.statement_logs).where(*_OURS).with_for_update()).first()
    fresh = {"log_id": log_id, "origin": origin, "next": size, "published": size, "is_open": True, "began_at": now}
    if row is None:
        connection.execute(insert(tables.statement_logs), [fresh | {"commune_code": NOWHERE, "counter": COUNTER}])
    elif row.log_id != log_id:
        if row.is_open or row.published < row.next:
            raise Conflict("log.other_promised", "", row.origin)
        connection.execute(update(tables.statement_logs).where(*_OURS).values(**fresh))
    else:
        if row.published > size:
            raise Conflict("log.behind_registry", "", f"registry {row.published}, folder {size}")
        later = {"next": max(row.next, size), "published": size, "is_open": True}
        connection.execute(update(tables.statement_logs).where(*_OURS).values(**later))


def close_log(connection: Connection) -> None:
    """Promise nothing from now on; what was promised is owed still."""
    connection.execute(update(tables.statement_logs).where(*_OURS).values(is_open=False))


def note_published(connection: Connection, size: int) -> None:
    """Note how long the log is."""
    connection.execute(update(tables.statement_logs).where(*_OURS, _LOGS.published < size).values(published=size))


def blocks_from(connection: Connection, log_id: str, first: int, limit: int) -> list[Row[Any]]:
    """Return blocks of a log that begin at ``first`` or later, in their order."""
    query = select(tables.statement_blocks).where(_BLOCKS.commune_code == NOWHERE, _BLOCKS.log_id == log_id)
    return list(connection.execute(query.where(_BLOCKS.first >= first).order_by(_BLOCKS.first).limit(limit)).all())
