"""Who came together: the declarations of one family or group, by ids alone.

- ``party_id`` is the declaration of whoever was declared first; that one has no row of its own.
- Nobody is named here, and nothing but the statements themselves is joined by it.

Example: ``select(stay_parties).where(stay_parties.c.party_id == declaration_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, found_by, metadata, own_id, reference

stay_parties: Final = Table(
    "stay_parties",
    metadata,
    commune(),
    own_id("declaration_id", 36),
    reference("premises_id"),
    reference("party_id", index=True),
    reference("accompanied_by", nullable=True),
    found_by("declaration_id"),
)
