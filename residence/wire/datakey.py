"""The data key: the AES-256 key that seals a kiosk's declarations, wrapped to the gateway, held in memory only.

- One key seals at most 64 declarations and lives at most 10 minutes, then it is overwritten; a stolen kiosk opens nothing.
- It travels HPKE-wrapped (RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM) in every envelope.
- The HPKE ``info`` is deterministic CBOR ``["luutru data key/1", kiosk id, epoch (16 bytes), data key id (16 bytes)]``, so a
  wrapped key cannot be moved to another kiosk or epoch.
- Overwriting is best effort: Python may have copied the bytes; swap and core dumps are off on a kiosk for that reason.

Example: ``DataKeyring("kiosk-1", epoch, random_bytes).take(recipient, at_ns=clock.monotonic_ns())``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from residence.errors import Untrusted
from residence.wire import cbor
from residence.wire.keyring import KeyEntry
from residence.wire.signing import SealingKey

RandomBytes = Callable[[int], bytes]

MAX_USES: Final = 64
MAX_AGE_NS: Final = 10 * 60 * 1_000_000_000
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
WRAPPED_BYTES: Final = 32 + KEY_BYTES + 16  # HPKE enc, key, tag
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class DataKey:
    """One data key in use. ``secret`` is overwritten by ``wipe``."""

    def __init__(self, secret: bytes, *, data_key_id: str, recipient: KeyEntry, kiosk_id: str, epoch: str) -> None:
        self.data_key_id: Final = data_key_id
        self.recipient_key_id: Final = recipient.key_id
        self.wrapped: Final = wrap(secret, recipient.public_key, info=key_info(kiosk_id, epoch, data_key_id))
        self._secret: Final = bytearray(secret)
        self.uses = 0

    def seal(self, body: bytes, *, nonce: bytes, associated: bytes) -> bytes:
        """Return AES-256-GCM ciphertext and tag of ``body``, and count the use."""
        self.uses += 1
        return AESGCM(self._secret).encrypt(nonce, body, associated)

    def wipe(self) -> None:
        """Overwrite the key."""
        self._secret[:] = bytes(len(self._secret))


class DataKeyring:
    """Hands out the data key in force for one kiosk and epoch, and replaces it in time."""

    def __init__(self, kiosk_id: str, epoch: str, random_bytes: RandomBytes) -> None:
        self._kiosk_id = kiosk_id
        self._epoch = epoch
        self._random_bytes = random_bytes
        self._key: DataKey | None = None
        self._made_at_ns = 0

    def take(self, recipient: KeyEntry, *, at_ns: int) -> DataKey:
        """Return a key for one more declaration to ``recipient``; ``at_ns`` is monotonic nanoseconds."""
        self.expire(at_ns)
        if self._key is None or self._key.uses >= MAX_USES or self._key.recipient_key_id != recipient.key_id:
            self.wipe()
            self._key = DataKey(
                self._random_bytes(KEY_BYTES),
                data_key_id=self._random_bytes(16).hex(),
                recipient=recipient,
                kiosk_id=self._kiosk_id,
                epoch=self._epoch,
            )
            self._made_at_ns = at_ns
        return self._key

    def expire(self, at_ns: int) -> None:
        """Wipe the key when it is ten minutes old; call this now and then while idle."""
        if self._key is not None and not 0 <= at_ns - self._made_at_ns < MAX_AGE_NS:
            self.wipe()

    def wipe(self) -> None:
        """Forget the key now."""
        if self._key is not None:
            self._key.wipe()
        self._key = None


def key_info(kiosk_id: str, epoch: str, data_key_id: str) -> bytes:
    """Return the HPKE ``info`` that binds a data key to its kiosk, epoch and id."""
    return cbor.encode(["luutru data key/1", kiosk_id, UUID(epoch).bytes, bytes.fromhex(data_key_id)])


def wrap(secret: bytes, public_key: bytes, *, info: bytes) -> bytes:
    """Return HPKE enc and ciphertext of a data key."""
    return _SUITE.encrypt(secret, X25519PublicKey.from_public_bytes(public_key), info=info)


def unwrap(wrapped: bytes, key: SealingKey, *, info: bytes) -> bytes:
    """Return the data key, or raise ``Untrusted("envelope.wrapped_key")``."""
    try:
        return _SUITE.decrypt(wrapped, key.private, info=info)
    except (InvalidTag, ValueError) as error:
        raise Untrusted("envelope.wrapped_key", "/wrapped_key") from error
