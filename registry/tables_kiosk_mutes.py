"""For which kiosk or site alarms are silent, since when, until when, by whom and why.

Example: ``select(kiosk_mutes).where(kiosk_mutes.c.commune_code == "demo-01", kiosk_mutes.c.ends_at > now)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, text, word

kiosk_mutes: Final = Table(
    "kiosk_mutes",
    metadata,
    commune(),
    own_id("mute_id", 36),
    word("subject_kind", length=8),  # kiosk, site
    reference("subject_id"),
    text("reason"),
    reference("muted_by"),
    instant("muted_at"),
    instant("ends_at", index=True),
    instant("ended_at", nullable=True),  # by hand, before its time
    reference("ended_by", nullable=True),
    found_by("mute_id"),
    Index("ix_kiosk_mutes_commune_code_ends_at", "commune_code", "ends_at"),
)
