"""Cards that open doors beside a stay's pass: an application with a token of ours, or the number of somebody's card.

- Only hashes are kept. A card lives as long as the stay's pass does, with its doors, window and flags; it has a PIN of its own.

Example: ``select(door_cards.c.token_hash).where(door_cards.c.stay_id == stay_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, index_where_set, instant, metadata, octets, own_id, reference, word

door_cards: Final = Table(
    "door_cards",
    metadata,
    commune(),
    own_id("card_id", 36),
    reference("stay_id"),
    reference("person_id", index=True),
    reference("premises_id"),
    word("kind", length=8),  # residence.wire.door_list.TokenKind: nfc or card
    octets("token_hash"),
    octets("pin_hash", nullable=True),
    octets("duress_hash", nullable=True),
    instant("issued_at"),
    instant("revoked_at", nullable=True),
    found_by("card_id"),
    Index("ix_door_cards_premises_id", "premises_id", "revoked_at"),
    index_where_set("door_cards", "revoked_at"),
    Index("ix_door_cards_stay_id", "stay_id"),
)
