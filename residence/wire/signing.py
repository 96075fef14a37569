"""Ed25519 signatures and COSE_Sign1 (RFC 9052 section 4.2, tag 18), the one signed form of this product.

- The exact bytes sent are the bytes signed; nothing is re-encoded between receipt and check.
- Protected header, and nothing unprotected: 1 (alg) = -8 EdDSA, 4 (kid) = key id, 16 (typ, RFC 9596) = what the payload is.
  ``typ`` keeps a signature made for one purpose from serving another.
- Unknown protected labels are let through unless label 2 (crit) names them; crit itself is refused, we know no critical label.
- The signature is checked before the payload is looked at. libsodium refuses non-canonical and small-order values.

Example: ``open_sign1(sign1(payload, ENVELOPE_TYPE, signer), ENVELOPE_TYPE, use="kiosk-sign", keyring=ring, at=now).payload``
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import cbor2
import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from nacl import bindings
from nacl.exceptions import BadSignatureError

from residence.errors import Malformed, Untrusted
from residence.wire import cbor
from residence.wire.keyring import KeyEntry, Keyring, KeyUse

ENVELOPE_TYPE: Final = "application/vnd.luutru.envelope+cbor"
RECEIPT_TYPE: Final = "application/vnd.luutru.receipt+json"
KEYRING_TYPE: Final = "application/vnd.luutru.keyring+json"
OUTAGE_TYPE: Final = "application/vnd.luutru.outage+json"
DAY_CLOSE_TYPE: Final = "application/vnd.luutru.day-close+json"
CORRECTION_TYPE: Final = "application/vnd.luutru.correction+json"
ANSWER_TYPE: Final = "application/vnd.luutru.answer+json"
DELETION_TYPE: Final = "application/vnd.luutru.deletion+json"
RENEWAL_TYPE: Final = "application/vnd.luutru.certificate-renewal+json"
WIPED_TYPE: Final = "application/vnd.luutru.kiosk-wiped+json"

EDDSA: Final = -8
SIGN1_TAG: Final = 18
SIGNATURE_BYTES: Final = 64
_ALG, _CRIT, _KID, _TYP = 1, 2, 4, 16
_MAX_PROTECTED_BYTES = 256
_PARTS = 4


class SigningKey:
    """An Ed25519 private key with its name. ``seed`` is the 32 bytes of RFC 8032; ``since``: from when on it is in force, where that is known."""

    def __init__(self, key_id: str, seed: bytes, *, since: datetime | None = None) -> None:
        self.key_id: Final = key_id
        self.since: Final = since
        self.public_key, self._secret = bindings.crypto_sign_seed_keypair(seed)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""
        return bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]


class SealingKey:
    """An X25519 private key with its name: what opens envelopes sealed to ``key_id``."""

    def __init__(self, key_id: str, private: bytes) -> None:
        self.key_id: Final = key_id
        self.private: Final = X25519PrivateKey.from_private_bytes(private)

    @property
    def public_key(self) -> bytes:
        """Return the 32-byte public key, as a keyring entry of use ``seal`` holds it."""
        return self.private.public_key().public_bytes_raw()


class Sign1(msgspec.Struct, frozen=True, kw_only=True):
    """A COSE_Sign1 whose signature held, and the key that made it."""

    payload: bytes
    key: KeyEntry


class Sign1Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A COSE_Sign1 taken apart and not yet believed."""

    protected: bytes
    payload: bytes
    signature: bytes
    key_id: str
    type: str


def verify(signature: bytes, message: bytes, public_key: bytes) -> None:
    """Check one Ed25519 signature, or raise ``Untrusted("signature.bad")``."""
    if len(signature) != SIGNATURE_BYTES:
        raise Untrusted("signature.bad")
    try:
        bindings.crypto_sign_open(signature + message, public_key)
    except (BadSignatureError, ValueError) as error:
        raise Untrusted("signature.bad") from error


def sign1(payload: bytes, content_type: str, signer: SigningKey) -> bytes:
    """Wrap ``payload`` into a tagged COSE_Sign1."""
    protected = _protected(content_type, signer.key_id)
    signature = signer.sign(_to_be_signed(protected, payload))
    parts = _byte_string(protected), b"\xa0", _byte_string(payload), _byte_string(signature)
    return b"\xd2\x84" + b"".join(parts)  # tag 18, four parts, the second an empty map


def read_sign1(data: bytes) -> Sign1Parts:
    """Take a COSE_Sign1 apart without believing it, or raise ``Malformed("sign1.malformed" | "sign1.critical")``."""
    protected, payload, signature = _three_byte_strings(data)
    key_id, content_type = _read_protected(protected)
    return Sign1Parts(protected=protected, payload=payload, signature=signature, key_id=key_id, type=content_type)


def _three_byte_strings(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return protected header, payload and signature."""
    first = cbor.byte_string_at(data, 2) if data[:2] == b"\xd2\x84" else None
    if first and data[first[1] : first[1] + 1] == b"\xa0":
        second = cbor.byte_string_at(data, first[1] + 1)
        third = cbor.byte_string_at(data, second[1]) if second else None
        if second and third and third[1] == len(data):
            return first[0], second[0], third[0]
    item = cbor.decode(data, code="sign1.malformed")
    if not isinstance(item, cbor2.CBORTag) or item.tag != SIGN1_TAG:
        raise Malformed("sign1.malformed", "", "not tag 18")
    parts = item.value
    if not isinstance(parts, list | tuple) or len(parts) != _PARTS or parts[1] != {}:
        raise Malformed("sign1.malformed", "", "not four parts with an empty unprotected header")
    protected, _, payload, signature = parts
    if not (isinstance(protected, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)):
        raise Malformed("sign1.malformed", "", "parts are not byte strings")
    return protected, payload, signature


def check_parts(parts: Sign1Parts, public_key: bytes) -> None:
    """Check the signature of a taken-apart COSE_Sign1 under ``public_key``, or raise ``Untrusted("signature.bad")``."""
    verify(parts.signature, _to_be_signed(parts.protected, parts.payload), public_key)


def open_sign1(data: bytes, content_type: str, *, use: KeyUse, keyring: Keyring, at: datetime) -> Sign1:
    """Return the payload if a key of ``use``, in force at ``at``, signed it as ``content_type``."""
    parts, key = claimed_key(data, content_type, use=use, keyring=keyring, at=at)
    check_parts(parts, key.public_key)
    return Sign1(payload=parts.payload, key=key)


def claimed_key(data: bytes, content_type: str, *, use: KeyUse, keyring: Keyring, at: datetime) -> tuple[Sign1Parts, KeyEntry]:
    """Return the parts and the key that is said to have signed them, if it might; whether it did, ``check_parts`` tells."""
    parts = read_sign1(data)
    require_type(parts, content_type)
    return parts, keyring.find(parts.key_id, use, at=at)


def require_type(parts: Sign1Parts, content_type: str) -> None:
    """Refuse a signature made for another purpose: ``Untrusted("sign1.wrong_type")``."""
    if parts.type != content_type:
        raise Untrusted("sign1.wrong_type", "", f"signed as {parts.type}")


@lru_cache(maxsize=4096)
def _protected(content_type: str, key_id: str) -> bytes:
    return cbor.encode({_ALG: EDDSA, _KID: key_id.encode(), _TYP: content_type})


@lru_cache(maxsize=4096)
def _read_protected(protected: bytes) -> tuple[str, str]:
    """Return (key id, type). Cached: a kiosk's protected header is the same in each of its envelopes."""
    if len(protected) > _MAX_PROTECTED_BYTES:
        raise Malformed("sign1.malformed", "", "protected header too long")
    header: Any = cbor.decode(protected, code="sign1.malformed")
    if not isinstance(header, dict):
        raise Malformed("sign1.malformed", "", "protected header is not a map")
    if _CRIT in header:
        raise Malformed("sign1.critical", "", "a critical label we do not know")
    if type(header.get(_ALG)) is not int or header[_ALG] != EDDSA:  # -8.0 == -8 in Python, not on the wire
        raise Malformed("sign1.algorithm", "", "only EdDSA is accepted")
    key_id, content_type = header.get(_KID), header.get(_TYP)
    if not isinstance(key_id, bytes) or not isinstance(content_type, str):
        raise Malformed("sign1.malformed", "", "no kid or no typ")
    try:
        return key_id.decode(), content_type
    except UnicodeDecodeError as error:
        raise Malformed("sign1.malformed", "", "kid is not UTF-8") from error


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure of RFC 9052 section 4.4, without external data."""
    # Written by hand: an encoder per message costs as much as a third of the signature. The test vectors hold it to the RFC.
    return b"\x84\x6aSignature1" + _byte_string(protected) + b"\x40" + _byte_string(payload)


def _byte_string(value: bytes) -> bytes:
    """Return a CBOR byte string with the shortest length (RFC 8949 section 3, major type 2)."""
    length = len(value)
    if length < 24:  # noqa: PLR2004 - the RFC's own thresholds
        return bytes((0x40 | length,)) + value
    if length < 1 << 8:
        return bytes((0x58, length)) + value
    if length < 1 << 16:
        return b"\x59" + length.to_bytes(2, "big") + value
    return b"\x5a" + length.to_bytes(4, "big") + value
