"""What became of a person's numbers: cancelled, replaced by another, and that taken back.

- A row is written once, beside the change of ``identifiers`` it tells of; the numbers themselves stand there, sealed.
- ``answers`` is the event that a row takes back.

Example: ``select(identifier_events).where(identifier_events.c.identifier_id == identifier_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, text, word

identifier_events: Final = Table(
    "identifier_events",
    metadata,
    commune(),
    own_id("event_id", 36),
    reference("person_id", index=True),
    reference("identifier_id", index=True),
    word("event", length=16),  # registry.numbering.NumberEvent
    reference("new_identifier_id", nullable=True),  # the number in its place
    word("day", length=10),  # from which day on
    reference("answers", nullable=True),
    reference("account_id"),
    text("reason"),
    instant("recorded_at"),
    found_by("event_id"),
)
