"""What is done about it: kiosks and keys, gateways, notices and cases, looks on the record, the rules in force.

- An access record is written in the transaction of the look itself, and is never changed.
- A notice comes before a case; a case names the rule that made it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Index, Integer, Table, UniqueConstraint
from sqlalchemy import text as text_of_sql

from registry.columns import Instant, commune, document, found_by, instant, metadata, octets, own_id, reference, text, word

WAITING: Final = text_of_sql("answered_at IS NULL")

# The second half is the kiosk's last state message (residence.wire.state.KioskState), overwritten by the next.
kiosks: Final = Table(
    "kiosks",
    metadata,
    commune(),
    own_id("kiosk_id"),
    reference("premises_id", index=True),
    word("profile", length=32),
    instant("enrolled_at"),
    instant("retired_at", nullable=True),
    Column("session", Integer, nullable=True),
    word("counting", nullable=True),
    Column("online", Boolean, nullable=True),
    instant("state_at", nullable=True),
    instant("seen_at", nullable=True),
    Column("outbox_depth", Integer, nullable=True),
    instant("oldest_unsent_at", nullable=True),
    word("time_state", nullable=True, length=16),
    document("readers", nullable=True),
    word("version", nullable=True),
    ForeignKeyConstraint(["commune_code", "premises_id"], ["premises.commune_code", "premises.premises_id"]),
    Index("ix_kiosks_kiosk_id", "kiosk_id"),
)

# use: kiosk-sign | seal | receipt; owner: kiosk id or "authority". Public halves only.
keys: Final = Table(
    "keys",
    metadata,
    commune(),
    own_id("key_id"),
    word("use", length=16),
    reference("owner", index=True),
    octets("public_key"),
    instant("valid_from"),
    instant("valid_to", nullable=True),
    instant("revoked_at", nullable=True),
)

# How a gateway's worker fared between two moments (registry.gateway_reports.GatewayReport, as JSON); an hour of it is kept.
gateway_reports: Final = Table(
    "gateway_reports",
    metadata,
    commune(),
    own_id("worker"),
    Column("at", Instant(), primary_key=True),
    text("report", nullable=False),
    Index("ix_gateway_reports_at", "at"),
)

# When nothing came through: signed holds all of it (residence.wire.outages). Without premises it is a gateway's, for topic shards.
outages: Final = Table(
    "outages",
    metadata,
    commune(),
    own_id("outage_id"),
    word("cause", length=16),
    reference("premises_id", nullable=True, index=True),
    instant("began_at"),
    instant("ended_at", index=True),
    octets("signed"),
)

# Kind: residence.cases.notices.NoticeKind. ``who``: a person id, or the hex pseudonym of somebody seen and not known.
notices: Final = Table(
    "notices",
    metadata,
    commune(),
    own_id("notice_id"),
    word("kind", length=32),
    reference("about"),  # stay, residence's person, or first presence
    reference("who"),
    reference("premises_id"),
    word("unit", nullable=True, length=32),
    word("addressee", length=16),
    instant("due", nullable=True),
    word("rule", nullable=True),
    word("rule_set", nullable=True),
    text("article"),
    instant("created_at"),
    instant("answered_at", nullable=True),
    word("answer", nullable=True, length=16),  # registry.notices.Answer
    reference("answered_by", nullable=True),  # the account, when somebody answered
    UniqueConstraint("commune_code", "kind", "about"),
    Index("ix_notices_premises_id_created_at", "premises_id", "created_at"),
    Index("ix_notices_waiting", "commune_code", "created_at", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("ix_notices_who", "who"),
)

# About a unit and a night, opened by a named rule (residence.cases.undeclared); state: residence.cases.transitions.CaseStatus.
cases: Final = Table(
    "cases",
    metadata,
    commune(),
    own_id("case_id"),
    word("rule", length=32),
    word("lapsed", nullable=True, length=32),  # residence.cases.covering.LapsedHere
    word("state", length=32),
    reference("who"),
    reference("premises_id"),
    word("unit", nullable=True, length=32),
    reference("notice_id", nullable=True),
    document("presence_ids"),
    document("explanations_tried"),
    instant("first_seen"),
    instant("last_seen"),
    instant("due", nullable=True),
    word("rule_set", nullable=True),
    text("article"),
    reference("claimed_by", nullable=True),
    word("claim_purpose", nullable=True, length=32),
    word("closing_code", nullable=True, length=32),  # residence.cases.closing.ClosingCode
    instant("opened_at"),
    instant("counted_from"),  # since when the commune's time to decide runs; time spent waiting for an answer is left out
    instant("asked_at", nullable=True),
    instant("changed_at"),
    Index("ix_cases_state_opened_at", "commune_code", "state", "opened_at"),
    found_by("case_id"),
    Index("ix_cases_premises_id_who", "premises_id", "who"),
    Index("ix_cases_who", "who"),
)

case_events: Final = Table(
    "case_events",
    metadata,
    commune(),
    own_id("event_id"),
    reference("case_id", index=True),
    word("action", length=32),
    word("from_state", nullable=True, length=32),
    word("to_state", length=32),
    word("code", nullable=True, length=32),
    reference("account_id", nullable=True),
    text("reason"),
    instant("at"),
    ForeignKeyConstraint(["commune_code", "case_id"], ["cases.commune_code", "cases.case_id"]),
)

# One row per person looked at. ``fields`` names what was released, never its value.
access_records: Final = Table(
    "access_records",
    metadata,
    commune(),
    own_id("access_id"),
    reference("person_id"),
    reference("account_id"),
    word("role", length=16),
    word("purpose", length=32),
    reference("about", nullable=True),  # case id, stay id or premises id the duty is bound to
    document("fields"),
    word("way", nullable=True, length=8),  # residence.access.purposes.Way; none was noted before there were ways
    instant("at"),
    reference("look_id", index=True),  # registry.tables_looks: what the log says of the whole look
    Column("place", Integer, nullable=False),  # of this row in it
    Index("ix_access_records_person_id_at", "person_id", "at"),
    found_by("access_id"),
    Index("ix_access_records_account_id_at", "account_id", "at"),
    Index("ix_access_records_at", "at"),
)

rule_sets: Final = Table(
    "rule_sets",
    metadata,
    commune(),
    own_id("rule_set_id"),
    word("valid_from", length=32),
    word("valid_to", nullable=True, length=32),
    text("article"),
    octets("digest"),
    instant("in_force_at"),
)

# What a night's retention deleted: [{"name", "action", "before", "rows", "left"}] (registry/deletions.py); counts, never whose.
deletion_reports: Final = Table(
    "deletion_reports",
    metadata,
    commune(),
    own_id("night"),
    word("policy", length=16),
    word("by"),
    instant("began_at"),
    instant("finished_at", nullable=True),
    document("deleted"),
)
