"""The one way a page or the API declares a stay: check, then ``registry.recording.record``, the same function the gateway calls.

- Checking first is for the person at the form; ``record`` checks again and is the one that decides.
- A form sent twice answers with the first receipt: its declaration id was made when the form was opened.
- The account that was signed in stands in the row, whatever the statement says of its declarant.
- A declaration without errors is recorded even when it is late; the receipt says so.

Example: ``recorded = declare(server, declaration, account=account, origin="desk")``; ``recorded.receipt.state`` is ``accepted``
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from registry.premises import load_places
from registry.receipts import StoredReceipt, receipts_by_id
from registry.recording import Origin, Recorded, Statement, record
from residence.clock import uuid7
from residence.stays.check import CheckResult, check_declaration
from residence.stays.declaration import StayDeclaration
from residence.wire.messages import STAY_DECLARATION
from server.policy import Account
from server.wiring import Server


def new_declaration_id(server: Server) -> str:
    """Return a declaration id for a form that is being opened."""
    return str(uuid7(server.clock.now(), server.random_bytes(10)))


def check(server: Server, declaration: StayDeclaration) -> CheckResult:
    """Return every problem of a declaration."""
    place = (declaration.premises_id, declaration.unit)
    with server.registry.reading() as connection:
        premises = load_places(connection, [place]).place(*place)
    return check_declaration(declaration, premises=premises, rules=server.rules, now=server.clock.now())


def given_receipt(server: Server, declaration_id: str) -> StoredReceipt | None:
    """Return the receipt a declaration already has."""
    with server.registry.reading() as connection:
        return receipts_by_id(connection, [declaration_id]).get(declaration_id)


def declare(
    server: Server,
    declaration: StayDeclaration,
    *,
    account: Account,
    origin: Origin,
    body: bytes | None = None,
    beside: Sequence[StayDeclaration] = (),
) -> Recorded:
    """Record one declaration in a transaction of its own. ``body``: the exact bytes that were sent, when there are any.

    ``beside``: what is said with it and stands or falls with it; recorded before it.
    """

    def stated(said: StayDeclaration, content: bytes) -> Statement:
        return Statement(
            schema=STAY_DECLARATION,
            message=said,
            body=content,
            body_digest=sha256(content).hexdigest(),
            received_at=server.clock.now(),
            origin=origin,
            account=account.account_id,
        )

    statements = [stated(each, msgspec.json.encode(each)) for each in beside]
    statements.append(stated(declaration, body if body is not None else msgspec.json.encode(declaration)))
    with server.registry.writing() as connection:
        return record(
            connection,
            statements,
            vault=server.registry.vault,
            rules=server.rules,
            signer=server.signer,
            now=server.clock.now(),
            random_bytes=server.random_bytes,
        )[-1]
