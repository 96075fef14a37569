"""Keys made from a public phrase: for tests, vectors and ``luutru envelope``. Never for a kiosk or an authority.

- seed(name) = SHA-256("luutru throw-away key" + 0x00 + phrase + 0x00 + name). Whoever knows the phrase has every key, so nothing
  secret is in this repository, and another implementation can derive the same keys from docs/wire.md.
- The names are fixed: ``kiosk-sign``, ``seal``, ``receipt``, ``keyring``; key ids are ``throwaway-<name>``.

Example: ``keys = throwaway_keys("any public words"); keys.keyring.current("seal", at=now)``
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring, KeyUse
from residence.wire.signing import SealingKey, SigningKey

PHRASE: Final = "these keys are public and protect nothing"
KIOSK_ID: Final = "kiosk-lobby-1"
VALID_FROM: Final = "2026-01-01T00:00:00Z"


class ThrowawayKeys(msgspec.Struct, frozen=True, kw_only=True):
    """One of each kind, and the ring that trusts them."""

    kiosk: SigningKey
    seal: SealingKey
    receipt: SigningKey
    updates: SigningKey
    door_list: SigningKey
    door_pass: SigningKey
    keyring: Keyring


def seed(name: str, phrase: str = PHRASE) -> bytes:
    """Return the 32 bytes for ``name``."""
    return hashlib.sha256(b"\x00".join((b"luutru throw-away key", phrase.encode(), name.encode()))).digest()


def throwaway_keys(phrase: str = PHRASE, *, kiosk_id: str = KIOSK_ID) -> ThrowawayKeys:
    """Return the keys of ``phrase`` and a keyring with their public halves."""
    kiosk = SigningKey("throwaway-kiosk-sign", seed("kiosk-sign", phrase))
    seal = SealingKey("throwaway-seal", seed("seal", phrase))
    receipt = SigningKey("throwaway-receipt", seed("receipt", phrase))
    updates = SigningKey("throwaway-keyring", seed("keyring", phrase))
    door_list = SigningKey("throwaway-door-list", seed("door-list", phrase))
    door_pass = SigningKey("throwaway-door-pass", seed("door-pass", phrase))
    ring = Keyring(
        (
            _entry(kiosk.key_id, "kiosk-sign", kiosk_id, kiosk.public_key),
            _entry(seal.key_id, "seal", AUTHORITY, seal.public_key),
            _entry(receipt.key_id, "receipt", AUTHORITY, receipt.public_key),
            _entry(updates.key_id, "keyring", AUTHORITY, updates.public_key),
            _entry(door_list.key_id, "door-list", AUTHORITY, door_list.public_key),
            _entry(door_pass.key_id, "door-pass", AUTHORITY, door_pass.public_key),
        ),
        serial=1,
    )
    return ThrowawayKeys(
        kiosk=kiosk, seal=seal, receipt=receipt, updates=updates, door_list=door_list, door_pass=door_pass, keyring=ring
    )


def _entry(key_id: str, use: KeyUse, owner: str, public_key: bytes) -> KeyEntry:
    return KeyEntry(key_id=key_id, use=use, owner=owner, public_key=public_key, valid_from=VALID_FROM)
