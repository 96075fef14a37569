"""A public key as ``cwt``, the tests' independent reader of COSE, holds it."""

from __future__ import annotations

import base64

import cwt


def cose_key(key_id: str, public: bytes):
    return cwt.COSEKey.from_jwk(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "kid": key_id,
            "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
        }
    )
