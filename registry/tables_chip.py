"""What was found in the chips of cards: one judgement for each time somebody judged, one row for each check.

- The evidence itself is in the declaration's sealed body; here are outcomes and codes, and nothing of a person.
- A judgement is written once. A later one, when another trust store or a new revocation list finds otherwise, stands beside it.
- ``doubt``: empty, or how what the kiosk claimed differs from what its bytes show (``residence/credentials/chip/claims.py``).

Example: ``select(chip_checks).where(chip_checks.c.judgement_id == judgement_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, SmallInteger, Table

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, text, word

chip_judgements: Final = Table(
    "chip_judgements",
    metadata,
    commune(),
    own_id("judgement_id", 36),
    reference("declaration_id", index=True),
    reference("kiosk_id", nullable=True),
    word("judged_by", length=16),  # gateway | server
    Column("claimed_level", SmallInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    word("doubt", length=40),
    word("issuer", length=3),
    text("signed_with", nullable=False),
    word("present_by", length=16),
    Column("trust_version", Integer, nullable=False),
    Column("kiosk_trust_version", Integer, nullable=False),
    document("findings"),  # codes
    instant("judged_at"),
    found_by("judgement_id"),
    Index("ix_chip_judgements_commune_code_doubt_judged_at", "commune_code", "doubt", "judged_at"),
)

chip_checks: Final = Table(
    "chip_checks",
    metadata,
    commune(),
    own_id("judgement_id", 36),
    own_id("check", 16),
    word("outcome", length=16),
    word("claimed", length=16),  # empty where the kiosk said nothing of it
    found_by("judgement_id", "check"),
)
