"""What other authorities are to be told, and what became of it: which premises are bound to which, a row per stay, and how each line stands.

- A row of ``authority_records`` is written in the transaction that changes the stay, so nothing accepted is ever forgotten (ADR 59). It holds
  times and a keyed digest of who was named; the other authority's own words may name somebody, so they are sealed like the declaration.
- ``authority_lines`` is how a connection fares, ``authority_catalogues`` the other's code lists as fetched; neither is of a commune (``*``).

Example: ``select(authority_records).where(authority_records.c.state == "refused")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, Table, UniqueConstraint

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, sealed, text, word

# Whose stays are told to whom, under which of the authority's accounts (``facility``); ``units``: its rooms, null for all no other account has.
authority_links: Final = Table(
    "authority_links",
    metadata,
    commune(),
    own_id("premises_id"),
    own_id("authority", 32),
    own_id("facility"),
    document("units", nullable=True),
    instant("since"),
    instant("ended_at", nullable=True),
    found_by("premises_id", "authority", "facility"),
)

# state: registry.authority_records.RecordState. ``told`` is what the other knows, ``telling`` what it will know if the attempt in hand got through.
authority_records: Final = Table(
    "authority_records",
    metadata,
    commune(),
    own_id("record_id", 36),
    word("authority", length=32),
    word("facility"),
    reference("premises_id"),
    reference("stay_id"),
    word("day", nullable=True, length=10),  # of the arrival as told, YYYY-MM-DD in Vietnam: what is counted back by
    word("state", length=16),
    word("operation", nullable=True, length=16),
    document("told", nullable=True),
    document("telling", nullable=True),
    Column("doubtful", Boolean, nullable=False),  # an attempt was made whose end nobody knows
    Column("again", Boolean, nullable=False),  # the stay changed while an attempt was in hand
    Column("attempts", Integer, nullable=False),  # only ever grows: an attempt settles only itself
    Column("failures", Integer, nullable=False),  # since the authority last answered
    document("problems", nullable=True),  # [{"code", "pointer"}]
    word("code", nullable=True, length=80),
    reference("subject_id", nullable=True),  # under whose key ``words`` is sealed
    sealed("words"),
    instant("next_at"),
    instant("claimed_until", nullable=True),
    instant("sent_at", nullable=True),
    instant("accepted_at", nullable=True),
    instant("recorded_at"),
    instant("changed_at"),
    found_by("record_id"),
    UniqueConstraint("stay_id", "authority", "commune_code"),
    Index("ix_authority_records_state_next_at", "state", "next_at"),
    Index("ix_authority_records_facility_day", "facility", "day"),
)

authority_lines: Final = Table(
    "authority_lines",
    metadata,
    commune(),
    own_id("authority", 32),
    own_id("facility"),
    word("state", length=16),  # open | shut
    word("code", nullable=True, length=80),
    Column("failures", Integer, nullable=False),
    instant("shut_until", nullable=True),
    instant("changed_at"),
)

authority_catalogues: Final = Table(
    "authority_catalogues",
    metadata,
    commune(),
    own_id("authority", 32),
    own_id("name", 32),
    text("etag"),
    document("content"),
    instant("fetched_at"),
    instant("fresh_until"),
)

# A count made in the other authority's own list, beside ours for the same day.
authority_counts: Final = Table(
    "authority_counts",
    metadata,
    commune(),
    own_id("count_id", 36),
    word("authority", length=32),
    word("facility"),
    word("day", length=10),
    Column("theirs", Integer, nullable=False),
    Column("ours", Integer, nullable=False),
    reference("account_id", nullable=True),  # empty when it was done on the command line
    instant("at"),
    found_by("count_id"),
    Index("ix_authority_counts_facility_day", "facility", "day"),
)
