r"""A visit on its way from an officer's phone: sealed so that the phone itself cannot read it again, signed so that nobody changes it after.

- As a kiosk's envelope (``envelope.py``), in JSON because a browser writes it: a signed *header*, and a *sealed* body under a data key that
  travels HPKE-wrapped (RFC 9180 base mode, X25519, HKDF-SHA256, AES-256-GCM) in the header. The body begins with 16 random bytes.
- Signed is ``b"luutru visit/1\\0"`` and the header's bytes, with Ed25519 by a key the phone's browser made and cannot hand out. The header names
  the body's SHA-256, so that signature and plaintext can be checked together for ever, without any sealing key.
- The header is the AES-GCM's associated data: a sealed part moved under another header does not open.
- ``kept_at`` is the phone's clock and only advisory.

Example: ``open_visit(read_sent(text), public_key=device_key, sealing_key=private).visit.outcome``
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from residence.cases.visits import Visit
from residence.errors import Malformed, Untrusted
from residence.wire.signing import verify

INFO: Final = b"luutru visit key/1"
SIGNED_AS: Final = b"luutru visit/1\x00"
SALT_BYTES: Final = 16
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
Uuid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class VisitHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What travels in the open: no case, no place."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    visit_id: Uuid  # a UUIDv7 made on the phone: the same visit sent again is the same visit
    device_id: Annotated[str, msgspec.Meta(max_length=64)]
    kept_at: Annotated[str, msgspec.Meta(max_length=40)]
    body_digest: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    key: Annotated[str, msgspec.Meta(max_length=16)]  # which key of the authority it is sealed to
    wrapped: bytes
    nonce: Annotated[bytes, msgspec.Meta(min_length=12, max_length=12)]


class SentVisit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One visit as it is sent; bytes as base64."""

    header: Annotated[bytes, msgspec.Meta(max_length=2048)]
    signature: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
    sealed: Annotated[bytes, msgspec.Meta(max_length=4096)]


class OpenedVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine, opened visit. ``body``: what the digest is over, to be kept beside header and signature."""

    header: VisitHeader
    visit: Visit
    body: bytes


def read_sent(text: bytes) -> tuple[SentVisit, ...]:
    """Return the visits of one request, or raise ``Malformed("visit.malformed")``."""
    try:
        return msgspec.json.decode(text, type=tuple[SentVisit, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("visit.malformed", "", str(error)) from error


def read_visit_header(sent: SentVisit) -> VisitHeader:
    """Return what a visit says of itself, believing nothing."""
    try:
        return msgspec.json.decode(sent.header, type=VisitHeader)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("visit.malformed", "/header", str(error)) from error


def open_visit(sent: SentVisit, *, public_key: bytes, sealing_key: X25519PrivateKey) -> OpenedVisit:
    """Check the signature, then open the seal, then the digest; ``Untrusted`` for what does not fit."""
    verify(sent.signature, SIGNED_AS + sent.header, public_key)
    header = read_visit_header(sent)
    try:
        data_key = _SUITE.decrypt(header.wrapped, sealing_key, info=INFO)
        body = AESGCM(data_key).decrypt(header.nonce, sent.sealed, sent.header)
    except (InvalidTag, ValueError) as error:
        raise Untrusted("visit.sealed", "/sealed") from error
    return OpenedVisit(header=header, visit=read_body(header, body), body=body)


def verify_visit(header: bytes, signature: bytes, body: bytes, *, public_key: bytes) -> Visit:
    """Check a kept visit again: the phone signed a header whose digest is that of ``body``. Needs no sealing key."""
    verify(signature, SIGNED_AS + header, public_key)
    return read_body(msgspec.json.decode(header, type=VisitHeader), body)


def read_body(header: VisitHeader, body: bytes) -> Visit:
    """Return the visit of a body whose digest the header names."""
    if hashlib.sha256(body).hexdigest() != header.body_digest:
        raise Untrusted("visit.sealed", "/body_digest")
    try:
        return msgspec.json.decode(body[SALT_BYTES:], type=Visit)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("visit.malformed", "/body", str(error)) from error
