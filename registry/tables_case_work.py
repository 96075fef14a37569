"""What officers do with cases beside their steps: what a step rests on, what was found on visits, cases worked on together, bulk acts.

- Rows name cases, accounts and code words, never a person.

Example: ``select(case_grounds).where(case_grounds.c.case_id == case_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table

from registry.columns import Instant, commune, document, found_by, instant, metadata, octets, own_id, reference, text, word

# kind, value: residence.cases.grounds.Ground
case_grounds: Final = Table(
    "case_grounds",
    metadata,
    commune(),
    own_id("event_id"),
    reference("case_id", index=True),
    word("kind", length=16),
    word("value", length=64),
    found_by("event_id"),
)

# A browser an officer records visits with. Public half only; the private one cannot leave the browser that made it.
visit_devices: Final = Table(
    "visit_devices",
    metadata,
    commune(),
    own_id("device_id", 36),
    reference("account_id"),
    octets("public_key"),
    instant("enrolled_at"),
    found_by("device_id"),
)

# outcome: residence.cases.visits.VisitOutcome. header, signature and body: what residence.wire.visits.verify_visit checks again.
visits: Final = Table(
    "visits",
    metadata,
    commune(),
    own_id("visit_id", 36),
    reference("case_id", index=True),
    reference("account_id"),
    word("device_id", length=36),
    word("outcome", length=24),
    Column("people", Integer, nullable=True),
    instant("kept_at"),  # by the phone's clock, never later than received_at
    instant("received_at"),
    octets("header"),
    octets("signature"),
    octets("body"),
    found_by("visit_id"),
)

# Cases worked on together with a lead at the same premises, while split_at is null.
case_links: Final = Table(
    "case_links",
    metadata,
    commune(),
    own_id("case_id"),
    Column("merged_at", Instant(), primary_key=True),
    reference("lead_id", index=True),
    reference("merged_by"),
    instant("split_at", nullable=True),
    found_by("case_id", "merged_at"),
)

# What was done with several cases at once; items: registry.case_bulk.Item, with what each case was before and after.
bulk_acts: Final = Table(
    "bulk_acts",
    metadata,
    commune(),
    own_id("bulk_id", 36),
    reference("account_id"),
    word("action", length=16),
    word("value", length=64),
    text("reason"),
    document("items"),
    instant("done_at"),
    instant("undone_at", nullable=True),
    found_by("bulk_id"),
    Index("ix_bulk_acts_account_id_done_at", "account_id", "done_at"),
)
