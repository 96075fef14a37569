"""The ciphers a chip and a reader talk in: two-key 3DES, and AES with 128, 192 and 256 bits (ICAO Doc 9303-11 section 9).

- Keys are derived from a shared secret and a counter: 1 encryption, 2 MAC, 3 the password's key of PACE. SHA-1 for 3DES and AES-128,
  SHA-256 for the longer ones.
- 3DES authenticates with the retail MAC (ISO 9797-1 algorithm 3), AES with CMAC cut to eight bytes.
- 3DES encrypts with a zero IV; AES in secure messaging with the encrypted send sequence counter.
- Padding is method 2 of ISO 9797-1: 80, then zeros; a padding that is not there is ``Untrusted("chip.sm_padding")``.

>>> AES_128.derive(bytes.fromhex("7E2D2A41C74EA0B38CD36F863939BFA8E9032AAD"), PASSWORD).hex().upper()
'89DED1B26624EC1E634C1989302849DD'
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from residence.errors import Untrusted

ENCRYPTION: Final = 1
AUTHENTICATION: Final = 2
PASSWORD: Final = 3
MAC_BYTES: Final = 8
_DES_BLOCK: Final = 8
_AES_BLOCK: Final = 16
_SHA1_KEY: Final = 16
_PAD: Final = 0x80


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """One block cipher with everything the protocols ask of it."""

    name: str
    key_bytes: int
    block: int

    @property
    def is_aes(self) -> bool:
        """Tell AES from 3DES."""
        return self.block == _AES_BLOCK

    def derive(self, secret: bytes, counter: int) -> bytes:
        """Derive one key from a shared secret."""
        data = secret + counter.to_bytes(4, "big")
        if self.key_bytes > _SHA1_KEY:
            return hashlib.sha256(data).digest()[: self.key_bytes]
        key = hashlib.sha1(data, usedforsecurity=False).digest()[: self.key_bytes]
        return key if self.is_aes else bytes(map(_with_parity, key))

    def encrypt(self, key: bytes, data: bytes, iv: bytes = b"") -> bytes:
        """Encrypt whole blocks in CBC mode; without an IV it is zero."""
        cipher = self._cipher(key, iv).encryptor()
        return cipher.update(data) + cipher.finalize()

    def decrypt(self, key: bytes, data: bytes, iv: bytes = b"") -> bytes:
        """Undo ``encrypt``; data that is no whole number of blocks is ``Untrusted``."""
        if not data or len(data) % self.block:
            raise Untrusted("chip.sm_padding", "", "not a whole number of blocks")
        cipher = self._cipher(key, iv).decryptor()
        return cipher.update(data) + cipher.finalize()

    def _cipher(self, key: bytes, iv: bytes) -> Cipher[modes.CBC]:
        algorithm = algorithms.AES(key) if self.is_aes else TripleDES(key + key[:8])
        return Cipher(algorithm, modes.CBC(iv or bytes(self.block)))

    def counter_iv(self, key: bytes, counter: int) -> bytes:
        """Return the IV of one protected message: the encrypted counter for AES, zero for 3DES."""
        if not self.is_aes:
            return bytes(self.block)
        return self.encrypt(key, counter.to_bytes(self.block, "big"))

    def mac(self, key: bytes, data: bytes) -> bytes:
        """Authenticate ``data``; the retail MAC pads it by itself, CMAC knows how to end."""
        if self.is_aes:
            code = CMAC(algorithms.AES(key))
            code.update(data)
            return code.finalize()[:MAC_BYTES]
        return _retail_mac(key, pad(data, _DES_BLOCK))

    def message_mac(self, key: bytes, counter: int, data: bytes) -> bytes:
        """Authenticate one protected message: counter and data, padded to whole blocks in both ciphers."""
        message = counter.to_bytes(self.block, "big") + data
        if self.is_aes:
            return self.mac(key, pad(message, self.block))
        return self.mac(key, message)


def _with_parity(byte: int) -> int:
    return byte & 0xFE | (1 - (byte >> 1).bit_count() % 2)


def _retail_mac(key: bytes, padded: bytes) -> bytes:
    """ISO 9797-1 algorithm 3 over whole blocks: single DES in CBC, the last block decrypted and encrypted once more."""
    # DES is 3DES with one key three times; a 24-byte key is what the library will keep supporting
    first, second = key[:8] * 3, key[8:16] * 3
    chain = Cipher(TripleDES(first), modes.CBC(bytes(_DES_BLOCK))).encryptor()
    last = (chain.update(padded) + chain.finalize())[-_DES_BLOCK:]
    back = Cipher(TripleDES(second), modes.CBC(bytes(_DES_BLOCK))).decryptor()
    last = back.update(last) + back.finalize()
    end = Cipher(TripleDES(first), modes.CBC(bytes(_DES_BLOCK))).encryptor()
    return end.update(last) + end.finalize()


def pad(data: bytes, block: int) -> bytes:
    """Append 80 and zeros up to a whole block."""
    return data + bytes([_PAD]) + bytes(-(len(data) + 1) % block)


def unpad(data: bytes) -> bytes:
    """Remove what ``pad`` appended."""
    stripped = data.rstrip(b"\0")
    if not stripped or stripped[-1] != _PAD:
        raise Untrusted("chip.sm_padding")
    return stripped[:-1]


TRIPLE_DES: Final = Suite(name="3DES", key_bytes=16, block=_DES_BLOCK)
AES_128: Final = Suite(name="AES-128", key_bytes=16, block=_AES_BLOCK)
AES_192: Final = Suite(name="AES-192", key_bytes=24, block=_AES_BLOCK)
AES_256: Final = Suite(name="AES-256", key_bytes=32, block=_AES_BLOCK)

# The last number of the object identifiers of PACE and Chip Authentication.
BY_ID: Final = {1: TRIPLE_DES, 2: AES_128, 3: AES_192, 4: AES_256}
