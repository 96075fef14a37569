"""One transaction at a time works on a number or an id: two gateways must not both make the same new person (PostgreSQL; SQLite's writer is alone).

- Locks are taken in ascending order and held until the transaction ends, so two that wait never wait for each other.
- A large batch does not wait for one person somebody else is working on: what is free goes first, the rest in a transaction of its own. Otherwise
  each batch that meets another waits with all its people in hand, and a desk behind them waits for both (ADR 136).
- While the index key is rotated a number is locked in both its forms: whoever has not heard of the change yet locks one of them.
- What is said of one person, or about a statement that has to wait, waits with it: in the order it was given.

Example: ``free, rest = part_free(connection, statements, vault)`` gives places in the batch
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

from registry.blind_indexes import every
from registry.persons import number_indexes
from registry.statements import Statement
from registry.vault import Vault

_WAIT: Final = text(
    "SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:locks AS bigint[])) WITH ORDINALITY AS asked(number, place) ORDER BY place"
)
_TRY: Final = text(
    "SELECT number, pg_try_advisory_xact_lock(number) FROM unnest(CAST(:locks AS bigint[])) WITH ORDINALITY AS asked(number, place) ORDER BY place"
)


def lock_people(connection: Connection, statements: Sequence[Statement], vault: Vault) -> None:
    """Wait until everybody these statements are about is ours until the transaction ends."""
    if connection.dialect.name == "postgresql":
        locks = sorted({lock for each in statements for lock in _locks(each, vault)})
        connection.execute(_WAIT.bindparams(locks=locks))


def part_free(connection: Connection, statements: Sequence[Statement], vault: Vault) -> tuple[list[int], list[int]]:
    """Take whoever is free now; return the places of the statements that can be recorded, and of those that would wait. Neither is reordered."""
    if connection.dialect.name != "postgresql" or len(statements) < 2:  # noqa: PLR2004 - one waits for nobody but itself
        return list(range(len(statements))), []
    names = [_locks(each, vault) for each in statements]
    tried = connection.execute(_TRY.bindparams(locks=sorted(set().union(*names)))).all()
    busy = {number for number, taken in tried if not taken}
    if not busy:
        return list(range(len(statements))), []
    tied = [each | _about(statement) for each, statement in zip(names, statements, strict=True)]
    before = -1
    while len(busy) != before:  # whoever is tied to somebody who waits, waits
        before = len(busy)
        for each in tied:
            if not busy.isdisjoint(each):
                busy |= each
    return [at for at, each in enumerate(tied) if busy.isdisjoint(each)], [
        at for at, each in enumerate(tied) if not busy.isdisjoint(each)
    ]


def _locks(statement: Statement, vault: Vault) -> set[int]:
    numbers = (form for index in number_indexes(statement.message.person, vault) for form in every(index))
    names = {*numbers, _digest(statement.message.declaration_id)}
    return {int.from_bytes(name[:8], "big", signed=True) for name in names}


def _about(statement: Statement) -> set[int]:
    about = getattr(statement.message, "about", None)
    return {int.from_bytes(_digest(about)[:8], "big", signed=True)} if about else set()


def _digest(declaration_id: str) -> bytes:
    return hashlib.sha256(declaration_id.encode()).digest()
