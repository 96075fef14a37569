"""A visit sealed and signed as an officer's phone does it, with an HPKE of another hand than the page's."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from residence.cases.visits import Visit, VisitOutcome
from residence.wire.visits import INFO, SIGNED_AS, SentVisit

AUTHORITY, PHONE = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PUBLIC = PHONE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
VISIT = Visit(case_id="case-1", outcome=VisitOutcome.VISITOR, people=2)


def sent_visit(visit=VISIT, *, to=AUTHORITY, by=PHONE, **header) -> SentVisit:
    """Return a visit as a phone seals it."""
    body = bytes(16) + msgspec.json.encode(visit)
    secret, nonce = bytes(range(32)), bytes(12)
    head = {
        "v": 1, "visit_id": "019f4ad3-7580-7000-8000-0000000000aa", "device_id": "phone-1", "kept_at": "2026-07-10T15:00:00Z",
        "body_digest": hashlib.sha256(body).hexdigest(), "key": "2026-07", "wrapped": b64encode(SUITE.encrypt(secret, to.public_key(), info=INFO)).decode(),
        "nonce": b64encode(nonce).decode(),
    } | header  # fmt: skip
    text = msgspec.json.encode(head)
    return SentVisit(header=text, signature=by.sign(SIGNED_AS + text), sealed=AESGCM(secret).encrypt(nonce, body, text))
