"""A correction of the register as the authority signs it: what an officer changed of a place or of somebody's residence, by whom, when and why.

- A COSE_Sign1 (type ``vnd.luutru.correction+json``) by a key of use ``receipt``: it is the authority's word, like a receipt.
- Ids, days, counts and units only. A sealed value (name and address of a place) is named by the SHA-256 of its sealed bytes, before and after, so
  that the signature can be held against the register for ever and says nothing itself.
- A correction is never signed again: what changes afterwards is a correction of its own.

Example: ``verify_correction(signed, keyring=keyring).event`` is ``"moved"``
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, Literal

import msgspec

from residence.clock import parse_instant
from residence.errors import Malformed
from residence.wire import signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

CorrectedThing = Literal["premises", "residence"]
CorrectionEvent = Literal["corrected", "registered", "moved", "moved_out", "ended", "taken_back"]
MAX_BYTES: Final = 262_144  # a block's units, all of them new


class Correction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed. ``subject_id``: the premises, or the person whose residence it is; ``row_id``: the row that changed."""

    correction_id: str
    what: CorrectedThing
    subject_id: str
    row_id: str
    event: CorrectionEvent
    before: dict[str, Any]
    after: dict[str, Any]
    corrected_by: str
    corrected_at: str
    reason: str
    answers: str | None = None  # the correction this one takes back


def digest_of_sealed(sealed: bytes | None) -> str | None:
    """Return what ``before`` and ``after`` say of a sealed value."""
    return None if sealed is None else hashlib.sha256(sealed).hexdigest()


def sign_correction(correction: Correction, signer: SigningKey) -> bytes:
    """Return the signed correction."""
    return signing.sign1(msgspec.json.encode(correction), signing.CORRECTION_TYPE, signer)


def verify_correction(data: bytes, *, keyring: Keyring) -> Correction:
    """Return the correction if the authority signed it, or raise ``Malformed`` / ``Untrusted`` with the reason."""
    if len(data) > MAX_BYTES:
        raise Malformed("correction.malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, signing.CORRECTION_TYPE)
    try:
        correction = msgspec.json.decode(parts.payload, type=Correction)
    except msgspec.DecodeError as error:
        raise Malformed("correction.malformed", "", str(error)) from error
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=parse_instant(correction.corrected_at, "/corrected_at"))
    signing.check_parts(parts, key.public_key)
    return correction
