"""What officers do with cases beside their steps: what a step rests on.

- Rows name cases, accounts and code words, never a person.

Example: ``select(case_grounds).where(case_grounds.c.case_id == case_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, found_by, metadata, own_id, reference, word

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
