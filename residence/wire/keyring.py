"""Which public keys may speak for whom, and when: the trust anchor of envelopes, receipts and keyring updates.

- A key has one use and one owner; a good signature by the wrong kind of key is worth nothing.
- Validity is the half-open interval [valid_from, valid_to); a revoked key is refused from ``revoked_at`` on.
- Rotation is an overlap: the new key is added before the old one ends; old keys stay in the ring so that old records verify.
- ``current`` picks the youngest key in force; nothing is ever picked by default.
- A ring has a ``serial``; an update must have a higher one, so an old ring cannot come back (``residence/wire/updates.py``).

Example: ``keyring.find("k-1", "kiosk-sign", owner="kiosk-lobby-1", at=now).public_key``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

import msgspec

from residence.clock import parse_instant
from residence.errors import Malformed, Untrusted

# kiosk-sign: envelopes; seal: HPKE recipient; receipt: the authority's answers; keyring: replaces this ring on kiosks;
# door-list: who may pass which door; door-pass: what a phone shows there.
KeyUse = Literal["kiosk-sign", "seal", "receipt", "keyring", "door-list", "door-pass"]
AUTHORITY: Final = "authority"
PUBLIC_KEY_BYTES: Final = 32


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One public key: Ed25519 for signing uses, X25519 for ``seal``. Times are RFC 3339."""

    key_id: str
    use: KeyUse
    owner: str  # kiosk id, or "authority"
    public_key: bytes  # 32 bytes; base64 in JSON
    valid_from: str
    valid_to: str | None = None
    revoked_at: str | None = None


class _Ring(msgspec.Struct, frozen=True, kw_only=True):
    serial: int
    entries: tuple[KeyEntry, ...]


class _Bounds(msgspec.Struct, frozen=True):
    """The times of one entry, parsed once."""

    start: datetime
    end: datetime | None
    revoked: datetime | None


class Keyring:
    """An immutable set of keys, looked up by id. Duplicate ids are ``Malformed("key.duplicate")``."""

    def __init__(self, entries: Iterable[KeyEntry], serial: int = 0) -> None:
        self.entries: Final = tuple(entries)
        self.serial: Final = serial
        self._by_id: Final = {entry.key_id: (entry, _bounds(entry)) for entry in self.entries}
        if len(self._by_id) != len(self.entries):
            raise Malformed("key.duplicate", "/entries")

    def find(self, key_id: str, use: KeyUse, *, owner: str | None = None, at: datetime) -> KeyEntry:
        """Return the key if it may be used so at ``at``, or raise ``Untrusted`` with the reason as code."""
        entry, bounds = self._known(key_id)
        if entry.use != use:
            raise Untrusted("key.wrong_use", "", f"{key_id} is for {entry.use}, not {use}")
        if owner is not None and entry.owner != owner:
            raise Untrusted("key.wrong_owner", "", f"{key_id} does not belong to {owner}")
        trouble = _trouble(bounds, at)
        if trouble:
            raise Untrusted(trouble, "", key_id)
        return entry

    def find_for_record(self, key_id: str, use: KeyUse, *, signed_at: datetime) -> KeyEntry:
        """Return the key that signed a kept record: in force at ``signed_at``, and never revoked since.

        A thief of a key can write any date, so a revoked key proves nothing about records of whatever age.
        """
        entry, bounds = self._known(key_id)
        if bounds.revoked is not None:
            raise Untrusted("key.revoked", "", key_id)
        return self.find(entry.key_id, use, at=signed_at)

    def current(self, use: KeyUse, *, owner: str | None = None, at: datetime) -> KeyEntry:
        """Return the youngest key of ``use`` in force at ``at``, or raise ``Untrusted("key.none_current")``."""
        candidates = [
            (bounds.start, entry.key_id, entry)
            for entry, bounds in self._by_id.values()
            if entry.use == use and owner in {None, entry.owner} and not _trouble(bounds, at)
        ]
        if not candidates:
            raise Untrusted("key.none_current", "", use)
        return max(candidates, key=lambda each: each[:2])[2]

    def youngest(self, use: KeyUse) -> KeyEntry:
        """Return the newest unrevoked key of ``use`` whatever the time: for a kiosk whose clock cannot be believed."""
        candidates = [
            (bounds.start, entry.key_id, entry)
            for entry, bounds in self._by_id.values()
            if entry.use == use and bounds.revoked is None
        ]
        if not candidates:
            raise Untrusted("key.none_current", "", use)
        return max(candidates, key=lambda each: each[:2])[2]

    def _known(self, key_id: str) -> tuple[KeyEntry, _Bounds]:
        try:
            return self._by_id[key_id]
        except KeyError:
            raise Untrusted("key.unknown", "", key_id) from None


def dump_keyring(keyring: Keyring) -> bytes:
    """Write the ring as JSON: ``{"serial", "entries": [...]}``. Public keys only; safe to publish."""
    return msgspec.json.encode(_Ring(serial=keyring.serial, entries=keyring.entries))


def load_keyring(data: bytes) -> Keyring:
    """Read what ``dump_keyring`` wrote, or raise ``Malformed("keyring.malformed")``."""
    try:
        ring = msgspec.json.decode(data, type=_Ring)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("keyring.malformed", "", str(error)) from error
    return Keyring(ring.entries, ring.serial)


def _bounds(entry: KeyEntry) -> _Bounds:
    if len(entry.public_key) != PUBLIC_KEY_BYTES:
        raise Malformed("key.malformed", "/public_key", entry.key_id)
    return _Bounds(
        parse_instant(entry.valid_from, "/valid_from"),
        parse_instant(entry.valid_to, "/valid_to") if entry.valid_to else None,
        parse_instant(entry.revoked_at, "/revoked_at") if entry.revoked_at else None,
    )


def _trouble(bounds: _Bounds, at: datetime) -> str:
    if bounds.revoked is not None and bounds.revoked <= at:
        return "key.revoked"
    if at < bounds.start:
        return "key.not_yet_valid"
    if bounds.end is not None and at >= bounds.end:
        return "key.expired"
    return ""
