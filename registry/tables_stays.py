"""What was said and what followed: declarations, receipts, stays and their history, presences, dead letters.

- A declaration row is written once and never changed; its body is sealed under the person's key, its header and signature stand
  beside it, so the signature can be checked for ever against the opened body.
- ``stays`` is the present state, ``stay_versions`` every state it replaced, each with the declaration that caused it.
- A presence row exists only while nothing covers it, and expires.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Index, Integer, SmallInteger, Table, UniqueConstraint
from sqlalchemy import text as text_of_sql

from registry.columns import (
    blind_index,
    commune,
    document,
    found_by,
    index_where_set,
    instant,
    metadata,
    octets,
    own_id,
    reference,
    sealed,
    text,
    word,
)

# A refused statement of nobody known: the only kind that time empties (registry/deletions.py).
REFUSED: Final = text_of_sql("state = 'refused' AND person_id IS NULL")
ACCEPTED: Final = text_of_sql("state = 'accepted'")

# The kind is a DeclarationKind; the state accepted, conflicting or refused.
declarations: Final = Table(
    "declarations",
    metadata,
    commune(),
    own_id("declaration_id", 36),
    word("schema", length=32),
    word("kind", length=16),
    reference("about", nullable=True),
    reference("person_id", nullable=True),  # moves when two persons prove to be one; nothing else here changes
    reference("subject_id"),  # whose key sealed the body: the person, or the statement itself while nobody is known by it
    reference("premises_id"),
    word("unit", nullable=True, length=32),
    word("origin", length=32),  # "kiosk" | "desk" | "import" | ...
    reference("kiosk_id", nullable=True),
    reference("epoch", nullable=True),
    Column("sequence", Integer, nullable=True),
    sealed("body", nullable=False),
    octets("body_digest"),
    octets("signed", nullable=True),  # the kiosk's COSE_Sign1: header bytes and signature
    word("declarant_role", length=16),
    reference("declarant_account", nullable=True),  # who was signed in, never what the body says
    Column("evidence_level", SmallInteger, nullable=False),
    word("evidence_source", length=16),
    word("state", length=16),
    document("problems"),  # [{"code", "severity", "pointer"}] of the check; findings have their own table
    word("reason", nullable=True, length=32),
    instant("arrival_at", nullable=True),
    instant("due", nullable=True),
    Column("on_time", Boolean, nullable=True),
    word("rule", nullable=True),
    word("rule_set", nullable=True),
    instant("received_at"),
    instant("recorded_at", index=True),
    found_by("declaration_id"),
    index_where_set("declarations", "about"),
    Index("ix_declarations_person_id", "person_id"),
    Index("ix_declarations_refused", "recorded_at", sqlite_where=REFUSED, postgresql_where=REFUSED),
    Index("ix_declarations_premises_id_recorded_at", "premises_id", "recorded_at"),
    Index(
        "ix_declarations_accepted", "commune_code", "recorded_at", sqlite_where=ACCEPTED, postgresql_where=ACCEPTED
    ),  # a ward's weeks (registry/ward_figures.py)
)

receipts: Final = Table(
    "receipts",
    metadata,
    commune(),
    own_id("declaration_id", 36),
    word("code", length=14),
    word("schema", length=32),
    word("state", length=16),
    octets("body_digest"),
    reference("kiosk_id", nullable=True),
    reference("epoch", nullable=True),
    Column("sequence", Integer, nullable=True),
    octets("receipt_bytes"),
    instant("issued_at"),
    found_by("declaration_id"),
    UniqueConstraint("code", "commune_code"),
    # Every recorded statement has its receipt, so this holds for declarations and presences alike.
    UniqueConstraint("kiosk_id", "epoch", "sequence", "commune_code"),
)


def _stay_columns() -> list[Column[Any]]:
    return [
        reference("person_id"),
        reference("premises_id"),
        word("unit", nullable=True, length=32),
        word("status", length=16),  # residence.stays.known.StayStatus, or "removed"
        instant("start_at"),
        instant("planned_end", nullable=True),
        instant("ended_at", nullable=True),
        word("reason", nullable=True, length=32),
        Column("evidence_level", SmallInteger, nullable=False),
        instant("due", nullable=True),
        Column("on_time", Boolean, nullable=True),
        word("rule", nullable=True),
        word("rule_set", nullable=True),
        document("declaration_ids"),
        reference("declaration_id"),  # the one that caused this state
    ]


OPEN: Final = text_of_sql("status = 'open'")

stays: Final = Table(
    "stays",
    metadata,
    commune(),
    own_id("stay_id"),
    *_stay_columns(),
    instant("recorded_at"),
    instant("changed_at"),
    instant(
        "objected_at", nullable=True
    ),  # since when the person says that it is wrong (registry/stay_disputes.py); no statement changes it
    ForeignKeyConstraint(["commune_code", "premises_id"], ["premises.commune_code", "premises.premises_id"]),
    found_by("stay_id"),
    Index("ix_stays_person_id", "person_id"),
    Index("ix_stays_premises_id_status_start_at", "premises_id", "status", "start_at"),
    Index("ix_stays_open", "commune_code", "start_at", sqlite_where=OPEN, postgresql_where=OPEN),
)

stay_versions: Final = Table(
    "stay_versions",
    metadata,
    commune(),
    own_id("version_id"),
    reference("stay_id", index=True),
    *_stay_columns(),
    instant("recorded_at"),
    Column("place", Integer, nullable=False),  # order among those replaced in one transaction
    Index("ix_stay_versions_person_id", "person_id"),  # whose it was before is asked by person (registry/past.py)
)

# Disagreements found by reconciliation (residence.stays.findings); cleared ones keep the time they ceased to stand.
findings: Final = Table(
    "findings",
    metadata,
    commune(),
    own_id("finding_id", 36),
    word("code"),
    word("severity", length=8),
    text("pointer"),
    document("about"),
    instant("found_at"),
    instant("cleared_at", nullable=True),
    found_by("finding_id"),
)

# Which declaration, person or stay a finding is about.
finding_links: Final = Table(
    "finding_links",
    metadata,
    commune(),
    own_id("about_id"),
    own_id("finding_id", 36),
    found_by("about_id", "finding_id"),
    sqlite_with_rowid=False,
)

# The pseudonym is keyed per premises: the same person elsewhere has another.
presences: Final = Table(
    "presences",
    metadata,
    commune(),
    own_id("presence_id", 36),
    reference("premises_id"),
    word("unit", nullable=True, length=32),
    blind_index("pseudonym"),
    word("kind", length=16),
    reference("kiosk_id", nullable=True),
    word("person_kind", length=16),  # citizen or foreigner: the deadlines differ
    sealed("reading", nullable=False),
    octets("signed", nullable=True),  # the kiosk's COSE_Sign1, as with a declaration
    Column("evidence_level", SmallInteger, nullable=False),
    instant("seen_at"),
    instant("expires_at", index=True),
    instant("recorded_at"),
    found_by("presence_id"),
    Index("ix_presences_premises_id_seen_at", "premises_id", "seen_at"),
    Index("ix_presences_pseudonym_index", "pseudonym_index"),
)

# state: new | retry (the gateway tries again) | settled | dismissed. The payload is sealed under the row's own key.
quarantine: Final = Table(
    "quarantine",
    metadata,
    commune(),
    own_id("quarantine_id"),
    word("code", length=80),
    text("detail"),
    word("origin", length=32),
    text("topic"),
    reference("kiosk_id", nullable=True),
    reference("declaration_id", nullable=True),
    reference("epoch", nullable=True),  # of a genuine header: this number of the kiosk's count has come
    Column("sequence", Integer, nullable=True),
    octets("payload_digest"),
    sealed("payload"),
    octets("receipt_bytes", nullable=True),  # the signed "received" or "refused" a genuine sender got; given again on replay
    Column("seen_count", Integer, nullable=False, server_default="1"),  # how often the same bytes came
    word("state", length=16),
    instant("received_at"),
    instant("changed_at"),
    found_by("quarantine_id"),
    Index("ix_quarantine_state_received_at", "state", "received_at"),
    Index("ix_quarantine_changed_at", "changed_at"),
    Index("ix_quarantine_kiosk_id_epoch_sequence", "kiosk_id", "epoch", "sequence"),
    Index("ix_quarantine_payload_digest", "payload_digest"),
)

# What was done with a dead letter by hand, and by whom; ``account_id`` is empty when it was done on the command line.
letter_events: Final = Table(
    "letter_events",
    metadata,
    commune(),
    own_id("event_id"),
    reference("quarantine_id", index=True),
    word("action", length=16),
    reference("account_id", nullable=True),
    text("reason"),
    instant("at"),
)
