"""The single path into the registry: a batch of statements in, rows and signed receipts out.

- One set of look-ups for the whole batch -> check -> reconcile (pure) -> batched writes -> signed receipts, stored and returned.
- Idempotent by declaration id and by (kiosk, epoch, sequence): a replay returns the original receipt's bytes.
- The same declaration id (or sequence) with another body is set aside in quarantine; the original stands, and its receipt is returned.
- One bad statement becomes a dead letter inside a savepoint and never stops the rest; only the database's own failures get out.
- Statements about the same person inside a batch see each other, in the order given.
- A presence that a standing stay or residence covers leaves no row at all.

Example: ``with registry.writing() as connection: results = record(connection, statements, vault=..., ...)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection

from registry.vault import Vault
from residence.stays.declaration import StayDeclaration
from residence.stays.rules import RuleBook
from residence.wire.messages import Presence, Receipt
from residence.wire.signing import SigningKey

Origin = Literal["kiosk", "desk", "web", "import", "seed"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Which kiosk sent it, from the verified header. ``signed`` (the COSE_Sign1) is kept for later proof."""

    kiosk_id: str
    epoch: str
    sequence: int
    signed: bytes  # VerifiedEnvelope.signed
    kept_at: str | None = None  # the kiosk's wall time, advisory


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One verified, opened statement. ``body`` is the exact bytes signed over (16 random bytes + JSON), or the JSON of a desk."""

    schema: str  # residence.wire.messages.STAY_DECLARATION or PRESENCE
    message: StayDeclaration | Presence
    body: bytes
    body_digest: str  # hex SHA-256 of body
    received_at: datetime
    origin: Origin
    source: Source | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The registry's answer to one statement, in the order of the statements given."""

    declaration_id: str
    receipt: Receipt
    receipt_bytes: bytes
    replayed: bool = False
    set_aside: str | None = None  # quarantine_id, when the statement became a dead letter


def record(
    connection: Connection,
    statements: Sequence[Statement],
    *,
    vault: Vault,
    rules: RuleBook,
    signer: SigningKey,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> list[Recorded]:
    """Record a batch in the transaction of ``connection``; the caller commits, then acknowledges, then sends the receipts."""
    raise NotImplementedError
