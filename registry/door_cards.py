"""Cards of stays: put on a house's list with the stay's pass, taken off with it or by hand.

- A card opens what the stay's pass opens and no longer; without a live pass its entry is on no list.
- A new card is either a token drawn here, to be written to a card or a phone and shown once, or the number of a card that is there.
- One stay has at most ``MOST_CARDS`` cards; the same card cannot be live in two stays of one house.

Example: ``add_card(connection, stay_id, card=parse_card("wiegand:26:05181cc0"), now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, func, insert, select, update

from registry import tables
from registry.door_passes import MOST_ENTRIES
from residence.clock import uuid7
from residence.doors.cards import CardNumber
from residence.errors import Conflict, Refused
from residence.wire.door_list import MOST_REVOKED, PIN_ALWAYS, DoorCredential, duress_pin, pin_hash, seconds, token_hash

MOST_CARDS: Final = 8
_CARDS: Final = tables.door_cards
_PASSES: Final = tables.door_passes
_PAIR: Final = and_(
    _PASSES.c.commune_code == _CARDS.c.commune_code, _PASSES.c.stay_id == _CARDS.c.stay_id, _PASSES.c.revoked_at.is_(None)
)


class HeldCard(msgspec.Struct, frozen=True, kw_only=True):
    """A live card of a stay."""

    card_id: str
    kind: str
    has_pin: bool
    issued_at: datetime


def add_card(
    connection: Connection,
    stay_id: str,
    *,
    card: CardNumber,
    pin: str | None = None,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> HeldCard:
    """Let a card open what the stay's pass opens; ``Refused("door.no_pass" | "door.too_many")``, ``Conflict("door.card_known")``."""
    held = connection.execute(select(_PASSES).where(_PASSES.c.stay_id == stay_id, _PASSES.c.revoked_at.is_(None))).first()
    if held is None:
        raise Refused("door.no_pass", "/stay_id", stay_id)
    kind, hashed = "nfc" if card.is_token else "card", token_hash(card.token, "nfc" if card.is_token else "card")
    live = and_(_CARDS.c.premises_id == held.premises_id, _CARDS.c.revoked_at.is_(None))
    if (connection.scalar(select(func.count()).select_from(_CARDS).where(live, _CARDS.c.stay_id == stay_id)) or 0) >= MOST_CARDS:
        raise Refused("door.too_many_cards", "/stay_id", stay_id)
    if connection.execute(select(_CARDS.c.card_id).where(live, _CARDS.c.token_hash == hashed)).first() is not None:
        raise Conflict("door.card_known", "/card", stay_id)
    values = {
        "commune_code": held.commune_code,
        "card_id": str(uuid7(now, random_bytes(10))),
        "stay_id": stay_id,
        "person_id": held.person_id,
        "premises_id": held.premises_id,
        "kind": kind,
        "token_hash": hashed,
        "pin_hash": pin_hash(card.token, pin) if pin else None,
        "duress_hash": pin_hash(card.token, duress_pin(pin)) if pin else None,
        "issued_at": now,
    }
    connection.execute(insert(_CARDS).values(**values))
    return HeldCard(card_id=values["card_id"], kind=kind, has_pin=bool(pin), issued_at=now)


def cards_of(connection: Connection, stay_id: str) -> list[HeldCard]:
    """Return a stay's live cards."""
    query = select(_CARDS).where(_CARDS.c.stay_id == stay_id, _CARDS.c.revoked_at.is_(None)).order_by(_CARDS.c.card_id)
    return [
        HeldCard(card_id=row.card_id, kind=row.kind, has_pin=row.pin_hash is not None, issued_at=row.issued_at)
        for row in connection.execute(query.limit(MOST_CARDS))
    ]


def revoke_card(connection: Connection, card_id: str, *, now: datetime) -> None:
    """Take a card away, or raise ``Refused("door.no_card")``."""
    gone = connection.execute(
        update(_CARDS).where(_CARDS.c.card_id == card_id, _CARDS.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    if gone.rowcount != 1:
        raise Refused("door.no_card", "/card_id", card_id)


def settle_cards(connection: Connection, premises_id: str, *, now: datetime) -> int:
    """Take cards from stays whose pass is over; return how many."""
    over = ~select(_PASSES.c.pass_id).where(_PAIR).exists()
    live = and_(_CARDS.c.premises_id == premises_id, _CARDS.c.revoked_at.is_(None))
    return connection.execute(update(_CARDS).where(live, over).values(revoked_at=now)).rowcount


def card_entries(connection: Connection, premises_id: str, *, doors: int) -> list[DoorCredential]:
    """Return what the list of a premises says of its cards, in an order that says nothing."""
    query = (
        select(
            _CARDS.c.token_hash,
            _CARDS.c.pin_hash,
            _CARDS.c.duress_hash,
            _PASSES.c.not_before,
            _PASSES.c.not_after,
            _PASSES.c.flags,
        )
        .join(_PASSES, _PAIR)
        .where(_CARDS.c.premises_id == premises_id, _CARDS.c.revoked_at.is_(None))
    )
    return [
        DoorCredential(
            token_hash=bytes(row.token_hash),
            doors=doors,
            not_before=seconds(row.not_before),
            not_after=seconds(row.not_after),
            # whether a PIN must go with it is the card's own affair
            flags=row.flags & ~PIN_ALWAYS | (PIN_ALWAYS if row.pin_hash else 0),
            pin_hash=bytes(row.pin_hash or b""),
            duress_hash=bytes(row.duress_hash or b""),
        )
        for row in connection.execute(query.order_by(_CARDS.c.token_hash).limit(MOST_ENTRIES))
    ]


def cards_revoked_since(connection: Connection, premises_id: str, *, since: datetime) -> list[bytes]:
    """Return the hashes of cards revoked since then, in order, and no more than orders hold."""
    query = select(_CARDS.c.token_hash).where(_CARDS.c.premises_id == premises_id, _CARDS.c.revoked_at >= since)
    rows = connection.scalars(query.order_by(_CARDS.c.revoked_at.desc(), _CARDS.c.card_id).limit(MOST_REVOKED))
    return sorted(bytes(each) for each in rows)
