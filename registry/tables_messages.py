"""Messages that leave the house: the addresses people and premises gave themselves, the channels a house is alarmed by, and the outbox of both.

- An address is sealed under the key of whoever gave it: a person's goes with the person. One that nobody confirmed gets one message, that asks.
- A message row says what is due to whom and how it fares; its text is made when it is sent and kept nowhere.
- Where a channel leads is in no row: that is a secret of the gateways (docs/messages.md).
- kind: notice | confirm | recovery | trial; recipient: premises | person | seen | contact | channel (whose id ``subject_id`` is);
  state: waiting | sending | sent | no_address | needless | failed.

Example: ``select(messages).where(messages.c.state == "waiting", messages.c.next_at <= now)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, found_by, instant, metadata, own_id, reference, sealed, word

DUE: Final = text_of_sql("state IN ('waiting', 'sending')")

contact_points: Final = Table(
    "contact_points",
    metadata,
    commune(),
    own_id("contact_id", 36),
    word("subject_kind", length=16),  # premises | person
    reference("subject_id", index=True),
    sealed("address", nullable=False),
    word("language", length=2),
    reference("account_id"),  # who gave it
    instant("created_at"),
    instant("confirmed_at", nullable=True),
    found_by("contact_id"),
)

alarm_channels: Final = Table(
    "alarm_channels",
    metadata,
    commune(),
    own_id("channel_id", 36),
    reference("premises_id", index=True),
    word("name"),
    word("state", length=16),  # untried | works | fails
    word("fault", nullable=True),
    instant("state_since"),
    found_by("channel_id"),
)

messages: Final = Table(
    "messages",
    metadata,
    commune(),
    own_id("message_id", 36),
    word("kind", length=16),
    reference("about", index=True),  # the notice, or the address to be confirmed
    word("recipient", length=16),
    reference("subject_id", index=True),
    word("state", length=16),
    Column("attempts", Integer, nullable=False),
    instant("created_at", index=True),
    instant("next_at"),
    instant("sent_at", nullable=True),
    word("fault", nullable=True),
    found_by("message_id"),
    Index("ix_messages_due", "next_at", sqlite_where=DUE, postgresql_where=DUE),
)
