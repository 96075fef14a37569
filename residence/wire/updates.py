"""A new keyring for a kiosk, sent over ``.../c``: taken only when the old ring's own keyring key signed it.

- The payload is the keyring's JSON (``keyring.dump_keyring``) in a COSE_Sign1 of its own type; the key must have use ``keyring``.
- The serial must rise: an old ring, with a key since revoked, cannot be brought back.
- Kiosks are told the authority's own keys, ended and revoked ones too; of other kiosks they need to know nothing.

Example: ``ring = accept_update(payload, keyring=ring, at=clock.now())``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from residence.errors import Untrusted
from residence.wire import signing
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring, dump_keyring, load_keyring
from residence.wire.signing import SigningKey


def ring_for_kiosks(entries: Iterable[KeyEntry]) -> Keyring:
    """Return the authority's keys among ``entries`` as the ring kiosks hold.

    Its serial counts what ever happened to them: a key added, given an end, revoked, each once. None of these is ever taken back, so
    the number rises with every change and whoever reads the same keys finds the same number.
    """
    own = sorted((entry for entry in entries if entry.owner == AUTHORITY), key=lambda entry: entry.key_id)
    changes = sum(1 + (entry.valid_to is not None) + (entry.revoked_at is not None) for entry in own)
    return Keyring(own, serial=changes)


def sign_update(keyring: Keyring, signer: SigningKey) -> bytes:
    """Return the signed update that brings ``keyring`` to kiosks."""
    return signing.sign1(dump_keyring(keyring), signing.KEYRING_TYPE, signer)


def accept_update(data: bytes, *, keyring: Keyring, at: datetime) -> Keyring:
    """Return the new ring if ``keyring`` vouches for it, or raise ``Untrusted("keyring.stale" | "key.*" | "signature.bad")``."""
    checked = signing.open_sign1(data, signing.KEYRING_TYPE, use="keyring", keyring=keyring, at=at)
    update = load_keyring(checked.payload)
    if update.serial <= keyring.serial:
        raise Untrusted("keyring.stale", "/serial", f"{update.serial} is not after {keyring.serial}")
    return update
