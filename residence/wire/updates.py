"""A new keyring for a kiosk, sent over ``.../c``: taken only when the old ring's own keyring key signed it.

- The payload is the keyring's JSON (``keyring.dump_keyring``) in a COSE_Sign1 of its own type; the key must have use ``keyring``.
- The serial must rise: an old ring, with a key since revoked, cannot be brought back.

Example: ``ring = accept_update(payload, keyring=ring, at=clock.now())``
"""

from __future__ import annotations

from datetime import datetime

from residence.errors import Untrusted
from residence.wire import signing
from residence.wire.keyring import Keyring, dump_keyring, load_keyring
from residence.wire.signing import SigningKey


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
