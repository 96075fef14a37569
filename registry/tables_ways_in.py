"""Ways in by a chip at a kiosk: whose page was opened by which statement, at which kiosk, when, and whether its person said that it was not them.

- One row for each ticket that opened a page; a statement opens it once. No ticket and no code is here.

Example: ``select(ways_in).where(ways_in.c.person_id == person_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table, UniqueConstraint

from registry.columns import commune, found_by, instant, metadata, own_id, reference

ways_in: Final = Table(
    "ways_in",
    metadata,
    commune(),
    own_id("way_in_id", 36),
    reference("person_id", index=True),
    reference("declaration_id"),
    reference("kiosk_id"),
    reference("premises_id"),
    reference("account_id"),
    instant("used_at"),
    instant("stopped_at", nullable=True),
    found_by("way_in_id"),
    UniqueConstraint("commune_code", "declaration_id"),
)
