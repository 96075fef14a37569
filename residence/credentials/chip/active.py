"""Active Authentication: whether the chip signed our challenge with the key in DG15 (ICAO Doc 9303-11 section 6.1).

- RSA: ISO 9796-2 scheme 1 with every trailer (BC for SHA-1, xxCC by hash); only partial recovery (6x) is accepted, for total recovery would
  not cover our challenge; the smaller of both roots is accepted, as that standard allows.
- ECDSA: the hash is named in DG14; plain r and s, or DER as some chips send it. Without that entry nothing is guessed.
- The challenge is eight bytes bound to the declaration (``challenge_for``), never anything personal: the chip signs whatever it is given.
- Unlike Chip Authentication the answer convinces others too: only the chip's private key can have made it.

>>> challenge_for(b"kiosk", b"declaration").hex()
'978036516f9d09d2'
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from residence.credentials.chip.lds import parse_dg15
from residence.credentials.chip.public_keys import EcKey, PublicKey, RsaKey, parse_public_key
from residence.credentials.chip.signature_algorithms import BY_OID, SignatureAlgorithm
from residence.errors import LuutruError, Malformed, Untrusted

CHALLENGE_BYTES: Final = 8
_TRAILERS: Final = {0x33: "sha1", 0x34: "sha256", 0x35: "sha512", 0x36: "sha384", 0x38: "sha224"}
_PARTIAL: Final = 0x60


def challenge_for(*parts: bytes) -> bytes:
    """Return the challenge that binds a signature to these parts, each with its length."""
    digest = hashlib.sha256(b"luutru active authentication")
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()[:CHALLENGE_BYTES]


def signature_bytes(dg15: bytes) -> int:
    """Return how long a signature with the key in DG15 is; 0 where that key cannot be read, which is judged elsewhere."""
    try:
        key = parse_public_key(parse_dg15(dg15))
    except LuutruError:
        return 0
    if isinstance(key, RsaKey):
        return (key.modulus.bit_length() + 7) // 8
    return 2 * ((key.group.field_bits + 7) // 8)


def verify_active(key: PublicKey, challenge: bytes, signature: bytes, *, algorithm_oid: str | None) -> str:
    """Return the name of the signature that holds; ``Untrusted("chip.signature")`` when none does."""
    if isinstance(key, RsaKey):
        return f"iso9796-2-{_verify_rsa(key, challenge, signature)}"
    if not isinstance(key, EcKey):
        raise Malformed("chip.key", "", "this kind of key cannot sign")
    algorithm = BY_OID.get(algorithm_oid or "")
    if algorithm is None or not algorithm.scheme.startswith("ecdsa"):
        raise Malformed("chip.algorithm", "", algorithm_oid or "DG14 names none")
    plain = SignatureAlgorithm(scheme="ecdsa-plain", digest=algorithm.digest)
    try:
        key.verify(plain, signature, challenge)
    except Untrusted:
        plain = SignatureAlgorithm(scheme="ecdsa", digest=algorithm.digest)
        key.verify(plain, signature, challenge)
    return plain.name


def _verify_rsa(key: RsaKey, challenge: bytes, signature: bytes) -> str:
    message = key.recover(signature)
    if message[-1] & 0x0F != 0x0C:
        message = (key.modulus - int.from_bytes(message, "big")).to_bytes(len(message), "big")
    digest, body = _without_trailer(message)
    size = hashlib.new(digest, usedforsecurity=False).digest_size
    start = _message_start(body)
    if len(body) - size < start:
        raise Untrusted("chip.signature", "", "too short")
    recovered, found = body[start : len(body) - size], body[len(body) - size :]
    if not hmac.compare_digest(hashlib.new(digest, recovered + challenge, usedforsecurity=False).digest(), found):
        raise Untrusted("chip.signature", "", "hash")
    return digest


def _without_trailer(message: bytes) -> tuple[str, bytes]:
    if message[-1] == 0xBC:
        return "sha1", message[:-1]
    if message[-1] == 0xCC and message[-2] in _TRAILERS:
        return _TRAILERS[message[-2]], message[:-2]
    raise Untrusted("chip.signature", "", "trailer")


def _message_start(body: bytes) -> int:
    """Return where the recovered part begins: after 6A, or after 6B, BB... and BA where it was padded."""
    if body[0] == _PARTIAL | 0x0A:
        return 1
    if body[0] == _PARTIAL | 0x0B:
        for index, byte in enumerate(body[1:], 1):
            if byte == 0xBA:
                return index + 1
            if byte != 0xBB:
                break
    raise Untrusted("chip.signature", "", "header")
