"""What programs leave behind: clients and their tokens, requests that were answered once, batches.

- Secrets and tokens are stored as SHA-256 hashes only; a stolen database speaks for nobody.
- An answer kept for a repeated request is what the program was sent: receipts, codes and pointers, no name.

Example: ``select(api_clients).where(api_clients.c.client_id == client_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, Table

from registry.columns import commune, document, found_by, instant, metadata, octets, own_id, reference, word

# grants: scopes, each "declare" for all premises of the account or "declare:<premises id>" for one
api_clients: Final = Table(
    "api_clients",
    metadata,
    commune(),
    own_id("client_id", 36),
    reference("account_id", index=True),
    word("label"),
    document("grants"),
    word("secret_hash"),
    word("former_hash", nullable=True),  # good beside the new one until former_until
    instant("former_until", nullable=True),
    instant("secret_ends", nullable=True),  # when the secret lets nobody in any more; null: never
    instant("created_at"),
    instant("disabled_at", nullable=True),
    found_by("client_id"),
)

api_tokens: Final = Table(
    "api_tokens",
    metadata,
    commune(),
    own_id("token_hash"),
    word("client_id", length=36),
    document("scopes"),
    instant("created_at"),
    instant("expires_at", index=True),
    found_by("token_hash"),
)

# state: running | done. The key and whose it is are one hash.
api_requests: Final = Table(
    "api_requests",
    metadata,
    commune(),
    own_id("request_hash"),
    word("request_id", length=36),  # what the work is known by: the same when it is taken up again
    word("operation"),
    word("fingerprint"),  # hex SHA-256 of what was asked
    word("state", length=16),
    Column("http_status", Integer, nullable=True),
    word("media_type", nullable=True),
    octets("answer", nullable=True),
    instant("created_at", index=True),
    instant("leased_until"),
    found_by("request_hash"),
)

# state: running | accepted | partly | refused; items: what became of each, by position, receipts by their declaration's id
api_batches: Final = Table(
    "api_batches",
    metadata,
    commune(),
    own_id("batch_id", 36),
    reference("sent_by"),  # the program, or the account that came by itself
    word("state", length=16),
    Column("size", Integer, nullable=False),
    document("items"),
    instant("created_at", index=True),
    instant("done_at", nullable=True),
    found_by("batch_id"),
)
