"""Passes of stays: a random token each, sealed for its holder's phone, hashed for the list of the house.

- An open stay at a premises with doors has one pass; a stay that ends, is withdrawn or is set aside by another loses it at the next look.
- A pass reaches a phone by a link that works once and soon; from then on the phone's cookie is the key to it, of which only a hash is kept.
  A new link takes the pass away from the phone before. Nothing about it says who the person is.
- A pass without an end of the stay ends with the stay. One that was revoked goes when the retention policy says, which is after any list that held it.

Example: ``settle_passes(connection, "blk-hoa-binh", vault=vault, now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, and_, insert, select, update

from registry import tables
from registry.vault import Cell, Vault
from residence.clock import uuid7
from residence.errors import Refused
from residence.wire.door_list import (
    ENTRIES_A_PART,
    MOST_PARTS,
    MOST_REVOKED,
    PIN_ALWAYS,
    TOKEN_BYTES,
    DoorCredential,
    duress_pin,
    pin_hash,
    seconds,
    token_hash,
)

AT_ONCE: Final = 200
MOST_ENTRIES: Final = ENTRIES_A_PART * MOST_PARTS
WITHOUT_END: Final = datetime(2100, 1, 1, tzinfo=UTC)
LINK_LASTS: Final = timedelta(hours=1)
_PASSES: Final = tables.door_passes
_STANDING: Final = ("open", "disputed")


class HeldPass(msgspec.Struct, frozen=True, kw_only=True):
    """A pass as its holder's phone shows it."""

    pass_id: str
    stay_id: str
    premises_id: str
    token: bytes
    not_after: datetime


def settle_passes(
    connection: Connection, premises_id: str, *, vault: Vault, now: datetime, random_bytes: Callable[[int], bytes]
) -> int:
    """Give passes to stays that have none, and take them from stays that are over; return how many changed."""
    stays = tables.stays.c
    same = and_(stays.commune_code == _PASSES.c.commune_code, stays.stay_id == _PASSES.c.stay_id)
    standing = and_(same, stays.status.in_(_STANDING))
    over = ~select(stays.stay_id).where(standing).exists()
    live = and_(_PASSES.c.premises_id == premises_id, _PASSES.c.revoked_at.is_(None))
    ended = connection.execute(update(_PASSES).where(live, over | (_PASSES.c.not_after <= now)).values(revoked_at=now)).rowcount
    has_one = select(_PASSES.c.pass_id).where(same, _PASSES.c.revoked_at.is_(None)).exists()
    wanting = select(tables.stays).where(
        stays.premises_id == premises_id,
        stays.status.in_(_STANDING),
        stays.planned_end.is_(None) | (stays.planned_end > now),
        ~has_one,
    )
    rows = connection.execute(wanting.order_by(stays.stay_id).limit(AT_ONCE)).all()
    keys = vault.load_keys(connection, {row.person_id for row in rows})
    made = [
        _new_pass(row, vault, keys[row.person_id], now=now, random_bytes=random_bytes) for row in rows if row.person_id in keys
    ]
    if made:
        connection.execute(insert(_PASSES), made)
    return ended + len(made)


def entries_of(connection: Connection, premises_id: str, *, doors: int) -> list[DoorCredential]:
    """Return what the list of a premises says: its live passes, in an order that says nothing. ``doors``: the bits they open."""
    query = select(_PASSES).where(_PASSES.c.premises_id == premises_id, _PASSES.c.revoked_at.is_(None))
    rows = connection.execute(query.order_by(_PASSES.c.token_hash).limit(MOST_ENTRIES))
    return [
        DoorCredential(
            token_hash=bytes(row.token_hash),
            doors=doors,
            not_before=seconds(row.not_before),
            not_after=seconds(row.not_after),
            flags=row.flags,
            pin_hash=bytes(row.pin_hash or b""),
            duress_hash=bytes(row.duress_hash or b""),
        )
        for row in rows
    ]


def revoked_since(connection: Connection, premises_id: str, *, since: datetime) -> list[bytes]:
    """Return the hashes revoked since then, the newest first and no more than orders hold, then in order."""
    query = select(_PASSES.c.token_hash).where(_PASSES.c.premises_id == premises_id, _PASSES.c.revoked_at >= since)
    rows = connection.scalars(query.order_by(_PASSES.c.revoked_at.desc(), _PASSES.c.pass_id).limit(MOST_REVOKED))
    return sorted(bytes(each) for each in rows)


def set_pass(connection: Connection, stay_id: str, *, vault: Vault, flags: int | None = None, pin: str | None = None) -> None:
    """Set the flags of a stay's pass, or a PIN that must go with it; ``Refused("door.no_pass")`` when it has none."""
    row = _live(connection, _PASSES.c.stay_id == stay_id)
    if row is None:
        raise Refused("door.no_pass", "/stay_id", stay_id)
    values: dict[str, Any] = {"flags": row.flags if flags is None else flags}
    if pin is not None:
        token = _token(connection, row, vault)
        values["pin_hash"], values["duress_hash"] = pin_hash(token, pin), pin_hash(token, duress_pin(pin))
        values["flags"] |= PIN_ALWAYS
    connection.execute(update(_PASSES).where(_PASSES.c.pass_id == row.pass_id).values(**values))


def add_link(connection: Connection, stay_id: str, secret: str, *, now: datetime) -> datetime:
    """Keep a one-time link to a stay's pass and return when it ends; ``Refused("door.no_pass")`` when it has none."""
    ends = now + LINK_LASTS
    row = _live(connection, _PASSES.c.stay_id == stay_id)
    if row is None:
        raise Refused("door.no_pass", "/stay_id", stay_id)
    values = {"link_hash": _hashed(secret), "link_ends_at": ends}
    connection.execute(update(_PASSES).where(_PASSES.c.pass_id == row.pass_id).values(**values))
    return ends


def spend_link(connection: Connection, secret: str, *, phone: str, now: datetime) -> None:
    """Give the pass to a phone, or raise ``Refused("door.link_spent")`` for unknown, used and ended links alike."""
    columns = _PASSES.c
    spent = connection.execute(
        update(_PASSES)
        .where(columns.link_hash == _hashed(secret), columns.link_ends_at > now, columns.revoked_at.is_(None))
        .values(link_hash=None, link_ends_at=None, phone_hash=_hashed(phone))
    )
    if spent.rowcount != 1:
        raise Refused("door.link_spent")


def has_pass(connection: Connection, stay_id: str) -> bool:
    """Tell whether a stay has a live pass."""
    return _live(connection, _PASSES.c.stay_id == stay_id) is not None


def pass_on_phone(connection: Connection, phone: str, *, vault: Vault, now: datetime) -> HeldPass | None:
    """Return the live pass a phone holds."""
    row = _live(connection, and_(_PASSES.c.phone_hash == _hashed(phone), _PASSES.c.not_after > now))
    if row is None:
        return None
    return HeldPass(
        pass_id=row.pass_id,
        stay_id=row.stay_id,
        premises_id=row.premises_id,
        token=_token(connection, row, vault),
        not_after=row.not_after,
    )


def _new_pass(stay: Row[Any], vault: Vault, key: Any, *, now: datetime, random_bytes: Callable[[int], bytes]) -> dict[str, Any]:
    pass_id, token = str(uuid7(now, random_bytes(10))), random_bytes(TOKEN_BYTES)
    return {
        "commune_code": stay.commune_code,
        "pass_id": pass_id,
        "stay_id": stay.stay_id,
        "person_id": stay.person_id,
        "premises_id": stay.premises_id,
        "token_sealed": vault.seal(key, Cell("door_passes", "token", pass_id), token),
        "token_hash": token_hash(token, "pass"),
        "flags": 0,
        "not_before": stay.start_at,
        "not_after": stay.planned_end or WITHOUT_END,
        "issued_at": now,
    }


def _live(connection: Connection, which: Any) -> Row[Any] | None:
    return connection.execute(select(_PASSES).where(which, _PASSES.c.revoked_at.is_(None)).limit(1)).first()


def _token(connection: Connection, row: Row[Any], vault: Vault) -> bytes:
    key = vault.load_keys(connection, [row.person_id]).get(row.person_id)
    if key is None:
        raise Refused("door.no_pass", "/stay_id", row.stay_id)  # the person was erased
    return vault.open(key, Cell("door_passes", "token", row.pass_id), row.token_sealed)


def _hashed(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
