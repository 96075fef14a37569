"""The authority of the simulation and its keys: which there are, which the kiosks were given, what rotation and revocation change.

- Real Ed25519 and X25519 keys, derived from a public phrase once per process: nothing secret, and every seed has the same.
- Rotation adds a receipt key and gives those before it an end; a gateway signs with the newest from its next start on.
- Revocation is for an older receipt key only, never for the newest.
- Whoever keeps the key table (the real registry) is told by ``listeners``.

Example: ``authority.rotate(at=now); authority.newest_receipt_key``
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import msgspec

from faults.virtual_time import BEGIN
from luutru.throwaway import seed
from residence.clock import rfc3339
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring
from residence.wire.signing import SealingKey, SigningKey
from residence.wire.updates import ring_for_kiosks

SINCE = BEGIN - timedelta(days=180)
OVERLAP = timedelta(days=30)


@cache
def signing_key(name):
    return SigningKey(name, seed(name, "simulated"))


@cache
def sealing_key(name):
    return SealingKey(name, seed(name, "simulated"))


def entry(key, use, owner, since=SINCE):
    return KeyEntry(key_id=key.key_id, use=use, owner=owner, public_key=key.public_key, valid_from=rfc3339(since))


@dataclass(frozen=True, kw_only=True)
class KioskKeys:
    """What one kiosk signs with, and what the registry knows of it."""

    signer: SigningKey
    entry: KeyEntry


@cache
def kiosk_keys(kiosk_id):
    signer = signing_key(f"{kiosk_id}-sign")
    return KioskKeys(signer=signer, entry=entry(signer, "kiosk-sign", kiosk_id))


@cache
def first_entries():
    return (
        entry(sealing_key("seal-0"), "seal", AUTHORITY),
        entry(signing_key("receipt-0"), "receipt", AUTHORITY),
        entry(signing_key("keyring-0"), "keyring", AUTHORITY),
    )


class Authority:
    """The keys of the authority in one run."""

    def __init__(self, kiosk_ids):
        self.sealing_key = sealing_key("seal-0")
        self.keyring_key = signing_key("keyring-0")
        self.receipt_keys = [signing_key("receipt-0")]
        self.own = list(first_entries())
        self.kiosks = [kiosk_keys(each).entry for each in kiosk_ids]
        self.provisioned = ring_for_kiosks(self.own)
        self.ring = Keyring((*self.own, *self.kiosks))
        self.listeners = []

    @property
    def newest_receipt_key(self):
        return self.receipt_keys[-1]

    def rotate(self, *, at):
        """Put a new receipt key beside the others."""
        key = signing_key(f"receipt-{len(self.receipt_keys)}")
        end = rfc3339(at + OVERLAP)
        self.own = [
            msgspec.structs.replace(each, valid_to=end) if each.use == "receipt" and each.valid_to is None else each
            for each in self.own
        ]
        self.own.append(entry(key, "receipt", AUTHORITY, at))
        old = [each.key_id for each in self.receipt_keys]
        self.receipt_keys.append(key)
        self._changed("rotated", self.own[-1], old, at)

    def revoke(self, *, at):
        """Revoke the oldest receipt key that still holds; False when only the newest does."""
        older = [each.key_id for each in self.own if each.use == "receipt" and each.revoked_at is None][:-1]
        if not older:
            return False
        self.own = [
            msgspec.structs.replace(each, revoked_at=rfc3339(at)) if each.key_id == older[0] else each for each in self.own
        ]
        self._changed("revoked", None, older[:1], at)
        return True

    def _changed(self, what, added, names, at):
        self.ring = Keyring((*self.own, *self.kiosks))
        for listener in self.listeners:
            listener(what, added, names, at)
