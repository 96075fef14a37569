"""Doors: which there are, who holds a pass, what was sent of it, and what happened there.

- A pass row holds the token sealed under the person's key, for the phone's page, and its hash for the list. It names the stay, no unit.
- Door events name nobody (``residence/wire/door_events.py``) and are kept for days (``registry/retention_policy.toml``).

Example: ``select(doors.c.door).where(doors.c.premises_id == "blk-hoa-binh").order_by(doors.c.place)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table

from registry.columns import commune, found_by, index_where_set, instant, metadata, octets, own_id, reference, sealed, text, word

doors: Final = Table(
    "doors",
    metadata,
    commune(),
    own_id("premises_id"),
    own_id("door", 32),
    Column("place", SmallInteger, nullable=False),  # the bit it has on lists
    word("mode", length=16),  # residence.doors.words.DoorMode
    instant("changed_at"),
    found_by("premises_id", "door"),
)

# What was last said to the kiosks of a site; the numbers only rise.
door_sites: Final = Table(
    "door_sites",
    metadata,
    commune(),
    own_id("premises_id"),
    Column("list_version", Integer, nullable=False),
    octets("list_digest"),
    instant("list_issued_at"),
    Column("orders_serial", Integer, nullable=False),
    octets("orders_digest"),
    instant("orders_issued_at"),
    Column("forgiven", Integer, nullable=False, server_default="0"),
    found_by("premises_id"),
)

door_passes: Final = Table(
    "door_passes",
    metadata,
    commune(),
    own_id("pass_id", 36),
    reference("stay_id"),
    reference("person_id", index=True),
    reference("premises_id"),
    sealed("token", nullable=False),
    octets("token_hash"),
    octets("pin_hash", nullable=True),
    octets("duress_hash", nullable=True),
    Column("flags", SmallInteger, nullable=False),
    instant("not_before"),
    instant("not_after"),
    instant("issued_at"),
    instant("revoked_at", nullable=True),
    octets("link_hash", nullable=True),  # of the one-time link that takes it to a phone
    instant("link_ends_at", nullable=True),
    octets("phone_hash", nullable=True),  # of the cookie of the phone that holds it
    found_by("pass_id"),
    Index("ix_door_passes_stay_id", "stay_id"),
    Index("ix_door_passes_premises_id", "premises_id", "revoked_at"),
    index_where_set("door_passes", "revoked_at"),
    index_where_set("door_passes", "link_hash"),
    index_where_set("door_passes", "phone_hash"),
)

door_events: Final = Table(
    "door_events",
    metadata,
    commune(),
    own_id("event_id", 128),  # kiosk, epoch and number: what is sent again is the same row
    reference("kiosk_id"),
    reference("epoch"),
    Column("sequence", BigInteger, nullable=False),
    word("boot_id", length=36),
    Column("monotonic_ns", BigInteger, nullable=False),
    instant("wall_at"),  # the kiosk's clock
    word("time_state", length=16),
    word("door", length=32),
    word("what", length=64),
    text("detail"),
    word("who", length=32, nullable=True),
    instant("recorded_at", index=True),
    found_by("event_id"),
)

# Up to which number a kiosk's events are kept, without a gap.
door_marks: Final = Table(
    "door_marks",
    metadata,
    commune(),
    own_id("kiosk_id"),
    own_id("epoch"),
    Column("up_to", BigInteger, nullable=False),
    instant("changed_at"),
    found_by("kiosk_id", "epoch"),
)
