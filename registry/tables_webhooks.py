"""Webhooks: which program is told of what happens at which houses, and how each message fares.

- Where messages go and the keys they are signed with are sealed under a key of the subscription's own, which goes with it.
- A subscription holds its place in the events, as a reader of ``/api/v1/events`` would; a message row is made when the place moves on.
- A message's text is made when it is sent and kept nowhere.
- webhooks.state: active | paused | gone | given_up; webhook_deliveries.state: waiting | sending | delivered | failed.

Example: ``select(webhooks).where(webhooks.c.account_id == account_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, sealed, word

TOLD: Final = text_of_sql("state = 'active'")
WAITS: Final = text_of_sql("state IN ('waiting', 'sending')")

webhooks: Final = Table(
    "webhooks",
    metadata,
    commune(),
    own_id("hook_id", 36),
    reference("account_id", index=True),
    word("client_id", nullable=True, length=36),  # the program it was made by; null: the account itself
    document("premises"),
    document("types"),
    word("signing", length=8),
    sealed("url", nullable=False),
    sealed("key", nullable=False),
    sealed("former"),  # signs beside the new one until former_until
    instant("former_until", nullable=True),
    word("state", length=16),
    word("fault", nullable=True),
    instant("cursor_at"),
    word("cursor_id", length=36),
    instant("created_at"),
    instant("delivered_at", nullable=True),
    instant("failing_since", nullable=True),
    Column("failures", Integer, nullable=False),  # in a row
    instant("quiet_until", nullable=True),  # left alone until then
    found_by("hook_id"),
    Index("ix_webhooks_told", "hook_id", sqlite_where=TOLD, postgresql_where=TOLD),
)

webhook_deliveries: Final = Table(
    "webhook_deliveries",
    metadata,
    commune(),
    own_id("delivery_id", 36),
    word("hook_id", length=36),
    word("message_id", length=36),  # the declaration's; the same when it is sent again
    word("type", length=32),
    word("state", length=16),
    Column("attempts", Integer, nullable=False),
    instant("created_at", index=True),
    instant("next_at"),
    instant("done_at", nullable=True),
    word("fault", nullable=True),
    Column("http_status", Integer, nullable=True),
    found_by("delivery_id"),
    Index("ix_webhook_deliveries_hook_id", "hook_id", "delivery_id"),
    Index("ix_webhook_deliveries_due", "next_at", sqlite_where=WAITS, postgresql_where=WAITS),
)
