"""Who was seen to sign in with an e-ID, or is said to by the authority's register: for the count of coverage, and for nothing else.

- No credential and no number of the e-ID stands here: a person, a day, and who says so. What was said by mistake is withdrawn and keeps its row.

Example: ``select(e_id_sightings.c.person_id).where(e_id_sightings.c.withdrawn_at.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, word

e_id_sightings: Final = Table(
    "e_id_sightings",
    metadata,
    commune(),
    own_id("sighting_id"),
    reference("person_id", index=True),
    word("source", length=16),  # registry.e_ids.Source
    word("seen_on", length=10),  # YYYY-MM-DD
    reference("recorded_by", nullable=True),  # an import or an account
    instant("recorded_at"),
    instant("withdrawn_at", nullable=True),
    found_by("sighting_id"),
)
