"""What an operator does to keys: look at them, put a new one beside an old one, revoke one, or all of a kiosk's.

- Nothing is taken back: an end or a revocation, once set, stays; the serial of kiosks' rings counts on it (``residence/wire/updates.py``).
- Only public halves are here; private keys are files of the process that uses them (``luutru/keys.py``).
- The authority's last key in force for a use is not revoked: kiosks could no longer seal, or believe receipts.

Example: ``revoke(connection, "kiosk-lobby-1-sign-1", now=now)``
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from registry import tables
from registry.database import Registry
from registry.kiosks import add_key, keyring_entries, retire_kiosk, revoke_key
from residence.clock import parse_instant
from residence.errors import LuutruError, Refused, Untrusted
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring

_keys = tables.keys.c


def keyring_if_reachable(registry: Registry) -> Keyring | None:
    """Return every key as a ring, or None while the registry cannot be asked: for a process that starts before it."""
    try:
        with registry.reading() as connection:
            return Keyring(keyring_entries(connection))
    except (SQLAlchemyError, LuutruError):
        return None


def put_beside(connection: Connection, key: KeyEntry, *, old_ids: Collection[str], end: datetime) -> list[str]:
    """Add ``key`` in the commune of the keys it follows and let those end at ``end``; returns which of them did not end before.

    ``Refused("key.unknown")`` when the registry knows none of ``old_ids``.
    """
    if parse_instant(key.valid_from) >= end:
        raise Refused("key.expired", detail="the old key would end before the new one begins")
    old = connection.execute(select(tables.keys).where(_keys.key_id.in_(old_ids), _keys.use == key.use)).all()
    if not old:
        raise Refused("key.unknown", detail=f"the registry knows none of: {', '.join(sorted(old_ids))}")
    add_key(connection, key, commune_code=max(old, key=lambda row: (row.valid_from, row.key_id)).commune_code)
    ending = [row.key_id for row in old if row.valid_to is None and row.revoked_at is None]
    connection.execute(update(tables.keys).where(_keys.key_id.in_(ending)).values(valid_to=end))
    return ending


def revoke(connection: Connection, key_id: str, *, now: datetime) -> bool:
    """Refuse a key from now on; False when it was revoked before. ``Refused("key.unknown" | "key.last")``."""
    ring = Keyring(keyring_entries(connection))
    key = next((entry for entry in ring.entries if entry.key_id == key_id), None)
    if key is None:
        raise Refused("key.unknown", detail=key_id)
    if key.revoked_at is not None:
        return False
    if key.owner == AUTHORITY and not _others(ring, key, now):
        raise Refused("key.last", detail=key_id)
    revoke_key(connection, key_id, now=now)
    return True


def retire(connection: Connection, kiosk_id: str, *, now: datetime) -> bool:
    """Take a kiosk out of service with all its keys; False when it was before. ``Refused("kiosk.unknown")``."""
    kiosk = connection.execute(select(tables.kiosks.c.retired_at).where(tables.kiosks.c.kiosk_id == kiosk_id)).first()
    if kiosk is None:
        raise Refused("kiosk.unknown", detail=kiosk_id)
    if kiosk.retired_at is not None:
        return False
    retire_kiosk(connection, kiosk_id, now=now)
    return True


def standing(ring: Keyring, key: KeyEntry, now: datetime) -> str:
    """Return ``in force``, ``revoked``, ``expired`` or ``not yet valid``."""
    try:
        ring.find(key.key_id, key.use, at=now)
    except Untrusted as error:
        return error.code.removeprefix("key.").replace("_", " ")
    return "in force"


def _others(ring: Keyring, key: KeyEntry, now: datetime) -> list[KeyEntry]:
    return [
        each
        for each in ring.entries
        if (each.use, each.owner) == (key.use, key.owner)
        and each.key_id != key.key_id
        and standing(ring, each, now) == "in force"
    ]
