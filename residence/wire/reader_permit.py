"""The authority's word that a kiosk may give a reader at its door a new key, now and once.

- A COSE_Sign1 (key use ``door-list``, a type of its own) over site, kiosk, reader, a challenge the kiosk drew a moment before, and when.
- It answers one challenge, which the kiosk holds in memory only and for minutes: no clock has to be believed, and nothing can be kept for
  another day or another reader.
- Text form: ``LR1:`` + Base45, to be read out, sent or pasted.

Example: ``check_permit(text, wanted=PermitFor(...), keyring=ring)``
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from residence.errors import Malformed, Untrusted
from residence.wire import base45, cbor, signing
from residence.wire.door_list import seconds
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

PERMIT_TYPE: Final = "application/vnd.luutru.reader-permit+cbor"
TEXT_PREFIX: Final = "LR1:"
MAX_TEXT: Final = 900
CHALLENGE_BYTES: Final = 8
_PARTS: Final = 5


class PermitFor(msgspec.Struct, frozen=True, kw_only=True):
    """What is permitted."""

    site: str
    kiosk_id: str
    reader: str
    challenge: bytes


def sign_permit(wanted: PermitFor, signer: SigningKey, *, now: datetime) -> str:
    """Return the text of a permit."""
    payload = cbor.encode([wanted.site, wanted.kiosk_id, wanted.reader, wanted.challenge, seconds(now)])
    return TEXT_PREFIX + base45.encode(signing.sign1(payload, PERMIT_TYPE, signer))


def check_permit(text: str, *, wanted: PermitFor, keyring: Keyring) -> None:
    """Return if the authority permitted just this, or raise ``Malformed("door.permit_malformed")`` / ``Untrusted``."""
    if not text.startswith(TEXT_PREFIX) or len(text) > MAX_TEXT:
        raise Malformed("door.permit_malformed")
    try:
        data = base45.decode(text[len(TEXT_PREFIX) :])
    except ValueError as error:
        raise Malformed("door.permit_malformed") from error
    parts = signing.read_sign1(data)
    signing.require_type(parts, PERMIT_TYPE)
    said = cbor.decode(parts.payload, code="door.permit_malformed")
    if not isinstance(said, list) or len(said) != _PARTS or type(said[4]) is not int or not 0 <= said[4] < 1 << 34:
        raise Malformed("door.permit_malformed")
    key = keyring.find_for_record(parts.key_id, "door-list", signed_at=datetime.fromtimestamp(said[4], tz=UTC))
    signing.check_parts(parts, key.public_key)
    if said[:4] != [wanted.site, wanted.kiosk_id, wanted.reader, wanted.challenge]:
        raise Untrusted("door.permit_other", "/permit", "for another site, kiosk, reader or challenge")
