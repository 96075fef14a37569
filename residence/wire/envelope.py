"""The envelope: one declaration, sealed so that only the authority reads it and signed so that any hop can refuse a forgery.

- On the wire: a CBOR array of two byte strings, ``[COSE_Sign1 over the header bytes, sealed]``. Spec: docs/wire.md.
- body = 16 random bytes + JSON, so ``body_digest`` (SHA-256, in the header) tells nothing, and the signature can be checked for
  ever against the stored body without any sealing key (``verify_statement``).
- sealed = AES-256-GCM(body, AAD = header bytes) under a data key that travels HPKE-wrapped in the header (``datakey.py``).
- Order of checks: size, frame, signature, header, owner of the key; only then may it be opened: recipient, wrapped key, seal,
  digest. Nothing is returned before its check.

Example: ``EnvelopeOpener([key]).open(verify_envelope(data, keyring=ring, at=now)).message_json``
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from residence.errors import Malformed, Untrusted
from residence.wire import cbor, signing
from residence.wire.datakey import NONCE_BYTES, DataKey, DataKeyring, RandomBytes, key_info, unwrap
from residence.wire.header import VERSION, Header, decode_header, encode_header
from residence.wire.keyring import KeyEntry, Keyring
from residence.wire.signing import SealingKey, SigningKey
from residence.wire.times import Times

__all__ = [
    "ClaimedEnvelope",
    "DataKey",
    "DataKeyring",
    "Draft",
    "EnvelopeOpener",
    "Header",
    "OpenedEnvelope",
    "Times",
    "VerifiedEnvelope",
    "decode_header",
    "read_header",
    "seal_envelope",
    "verify_envelope",
    "verify_statement",
]

MAX_ENVELOPE_BYTES: Final = 12 * 1024  # the broker's limit is 16 KiB
MAX_MESSAGE_BYTES: Final = 10 * 1024  # 5 KiB of a chip's evidence are nearly 7 KiB in base64
SALT_BYTES: Final = 16
_TAG_BYTES: Final = 16
_FRAME_PARTS: Final = 2
_CACHED_KEYS: Final = 4096


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What the kiosk knows of a declaration before it is sealed; the rest of the header comes from the keys."""

    kiosk_id: str
    epoch: str
    sequence: int
    declaration_id: str
    schema: str
    times: Times


class VerifiedEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """Genuine, not yet opened. ``signed`` is the COSE_Sign1; keep it beside the body to prove the statement later."""

    header: Header
    header_bytes: bytes
    signed: bytes
    sealed: bytes


class OpenedEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """Genuine and opened. ``body`` is what the digest is over; ``message_json`` is the body without its 16 random bytes."""

    header: Header
    header_bytes: bytes
    signed: bytes
    body: bytes
    message_json: bytes


def seal_envelope(
    message_json: bytes,
    *,
    draft: Draft,
    data_key: DataKey,
    signer: SigningKey,
    random_bytes: RandomBytes,
    salt: bytes | None = None,
) -> bytes:
    """Seal and sign one message, or raise ``Malformed("message.too_long")``. ``salt``: 16 random bytes drawn by whoever needs them, too."""
    if len(message_json) > MAX_MESSAGE_BYTES:
        raise Malformed("message.too_long", "", f"{len(message_json)} bytes")
    body = (salt or random_bytes(SALT_BYTES)) + message_json
    header = Header(
        version=VERSION,
        kiosk_id=draft.kiosk_id,
        key_id=signer.key_id,
        recipient_key_id=data_key.recipient_key_id,
        epoch=draft.epoch,
        sequence=draft.sequence,
        declaration_id=draft.declaration_id,
        schema=draft.schema,
        times=draft.times,
        body_digest=hashlib.sha256(body).digest(),
        data_key_id=data_key.data_key_id,
        wrapped_key=data_key.wrapped,
        nonce=random_bytes(NONCE_BYTES),
    )
    header_bytes = encode_header(header)
    sealed = data_key.seal(body, nonce=header.nonce, associated=header_bytes)
    return cbor.encode([signing.sign1(header_bytes, signing.ENVELOPE_TYPE, signer), sealed])


def verify_envelope(data: bytes, *, keyring: Keyring, at: datetime) -> VerifiedEnvelope:
    """Check that a kiosk's key in force at ``at`` signed this envelope; opens nothing."""
    claim = ClaimedEnvelope(data, keyring=keyring, at=at)
    claim.prove()
    return claim.verified()


class ClaimedEnvelope:
    """An envelope by a key we know, in two steps for whoever has many: ``prove`` checks the signature, then it is ``verified``."""

    __slots__ = ("_key", "_parts", "_sealed", "_signed")

    def __init__(self, data: bytes, *, keyring: Keyring, at: datetime) -> None:
        self._signed, self._sealed = split_envelope(data)
        self._parts, self._key = signing.claimed_key(
            self._signed, signing.ENVELOPE_TYPE, use="kiosk-sign", keyring=keyring, at=at
        )

    def prove(self) -> None:
        """Check the signature, or raise ``Untrusted("signature.bad")``."""
        signing.check_parts(self._parts, self._key.public_key)

    def verified(self) -> VerifiedEnvelope:
        """Read the header; to be called after ``prove`` only."""
        payload = self._parts.payload
        header = _own_header(payload, self._key)
        return VerifiedEnvelope(header=header, header_bytes=payload, signed=self._signed, sealed=self._sealed)


def verify_statement(signed: bytes, body: bytes, *, keyring: Keyring, at: datetime) -> Header:
    """Check a kept statement: the kiosk signed a header whose digest is that of ``body``. Needs no sealing key."""
    header, _ = _verify_signed(signed, keyring=keyring, at=at)
    _check_digest(header, body)
    return header


def split_envelope(data: bytes) -> tuple[bytes, bytes]:
    """Return (COSE_Sign1 bytes, sealed bytes) without believing either, or raise ``Malformed("envelope.*")``."""
    if len(data) > MAX_ENVELOPE_BYTES:
        raise Malformed("envelope.too_long", "", f"{len(data)} bytes")
    signed, sealed = _two_byte_strings(data)
    if len(sealed) < SALT_BYTES + _TAG_BYTES:
        raise Malformed("envelope.malformed", "", "sealed part too short")
    return signed, sealed


def _two_byte_strings(data: bytes) -> tuple[bytes, bytes]:
    first = cbor.byte_string_at(data, 1) if data[:1] == b"\x82" else None
    second = cbor.byte_string_at(data, first[1]) if first else None
    if first and second and second[1] == len(data):
        return first[0], second[0]
    parts = cbor.decode(data, code="envelope.malformed")
    if not isinstance(parts, list) or len(parts) != _FRAME_PARTS or not all(type(part) is bytes for part in parts):
        raise Malformed("envelope.malformed", "", "not two byte strings")
    return parts[0], parts[1]


def read_header(data: bytes) -> Header:
    """Return what an envelope says of itself, believing nothing: for its own sender, and for dead letters."""
    signed, _ = split_envelope(data)
    return decode_header(signing.read_sign1(signed).payload)


class EnvelopeOpener:
    """Opens verified envelopes with the authority's private keys; unwraps each data key once and keeps it for its siblings."""

    def __init__(
        self, sealing_keys: Iterable[SealingKey], *, find: Callable[[str], SealingKey | None] = lambda _key_id: None
    ) -> None:
        """``find`` is asked for a key that is not among ``sealing_keys``: one made while we run."""
        self._find = find
        self._keys = {key.key_id: key for key in sealing_keys}
        self._cache: OrderedDict[tuple[str | bytes, ...], AESGCM] = OrderedDict()

    def open(self, verified: VerifiedEnvelope) -> OpenedEnvelope:
        """Return the body, or raise ``Untrusted("envelope.recipient" | "envelope.wrapped_key" | "envelope.sealed" | ...)``."""
        header = verified.header
        try:
            body = self._cipher(header).decrypt(header.nonce, verified.sealed, verified.header_bytes)
        except InvalidTag as error:
            raise Untrusted("envelope.sealed", "", "the sealed part does not belong to this header") from error
        _check_digest(header, body)
        return OpenedEnvelope(
            header=header,
            header_bytes=verified.header_bytes,
            signed=verified.signed,
            body=body,
            message_json=body[SALT_BYTES:],
        )

    def _cipher(self, header: Header) -> AESGCM:
        slot = (header.recipient_key_id, header.wrapped_key, header.kiosk_id, header.epoch, header.data_key_id)
        cached = self._cache.get(slot)
        if cached is not None:
            self._cache.move_to_end(slot)
            return cached
        key = self._keys.get(header.recipient_key_id) or self._find(header.recipient_key_id)
        if key is None:
            raise Untrusted("envelope.recipient", "/recipient_key_id", header.recipient_key_id)
        self._keys[key.key_id] = key
        info = key_info(header.kiosk_id, header.epoch, header.data_key_id)
        cipher = AESGCM(unwrap(header.wrapped_key, key, info=info))
        self._cache[slot] = cipher
        if len(self._cache) > _CACHED_KEYS:
            self._cache.popitem(last=False)
        return cipher


def _verify_signed(signed: bytes, *, keyring: Keyring, at: datetime) -> tuple[Header, bytes]:
    checked = signing.open_sign1(signed, signing.ENVELOPE_TYPE, use="kiosk-sign", keyring=keyring, at=at)
    return _own_header(checked.payload, checked.key), checked.payload


def _own_header(payload: bytes, key: KeyEntry) -> Header:
    header = decode_header(payload)
    if header.key_id != key.key_id:
        raise Untrusted("envelope.key_mismatch", "/key_id", "header and signature name different keys")
    if key.owner != header.kiosk_id:
        raise Untrusted("key.wrong_owner", "", f"{header.key_id} does not belong to {header.kiosk_id}")
    return header


def _check_digest(header: Header, body: bytes) -> None:
    if hashlib.sha256(body).digest() != header.body_digest:
        raise Untrusted("envelope.body_digest", "/body_digest")
