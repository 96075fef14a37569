"""What was done with a temporary residence: registered, renewed, ended because somebody moved out, and that taken back.

- A row is written once, beside the change of ``residences`` it tells of, and names the dated rules it was judged by.
- It names no person: the residence does.
- ``answers`` is the move-out that a row takes back.

Example: ``select(residence_events).where(residence_events.c.residence_id == residence_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, text, word

residence_events: Final = Table(
    "residence_events",
    metadata,
    commune(),
    own_id("event_id", 36),
    reference("residence_id", index=True),
    word("event", length=16),  # residence.stays.temporary.ResidenceEvent
    word("told_by", length=16),  # residence.stays.temporary.ToldBy
    reference("account_id"),
    word("day", length=10),  # the day it speaks of: first day, new last day, day of moving out
    word("valid_to_before", nullable=True, length=10),
    word("valid_to_after", nullable=True, length=10),
    reference("answers", nullable=True),
    word("rule_set"),
    text("article"),
    text("reason"),
    instant("recorded_at"),
    found_by("event_id"),
)
