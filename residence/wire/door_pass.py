"""The pass on a phone's screen: a stay's token, signed by the authority for the next moments.

- A pass is a COSE_Sign1 (key use ``door-pass``) over three numbers: token, second of signing, challenge. A photo of it is worth nothing
  half a minute later, and the token inside serves in no other way (``door_list.token_hash`` knows the kind).
- Text form: ``LD1:`` + Base45, for the alphanumeric mode of QR codes. No text of an identity card can be one.
- Where the kiosk's clock cannot be believed, a pass counts only if it answers the challenge that the kiosk shows; zero is no challenge.
- The key is judged by the second of signing; whether that is now, the door decides.

Example: ``parse_pass(text, keyring=ring).token``
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from residence.errors import Malformed
from residence.wire import base45, cbor, signing
from residence.wire.door_list import TOKEN_BYTES, seconds
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

PASS_TYPE: Final = "application/vnd.luutru.door-pass+cbor"  # noqa: S105 - a media type
TEXT_PREFIX: Final = "LD1:"
MAX_TEXT: Final = 600
LARGEST_CHALLENGE: Final = 999_999
_LAST_SECOND: Final = 32_503_680_000  # the year 3000
_PARTS: Final = 3


class DoorPass(msgspec.Struct, frozen=True, kw_only=True):
    """A pass whose signature held."""

    token: bytes
    signed_at: datetime
    challenge: int


def sign_pass(token: bytes, signer: SigningKey, *, now: datetime, challenge: int = 0) -> str:
    """Return the text of a pass signed now."""
    payload = cbor.encode([token, seconds(now), challenge])
    return TEXT_PREFIX + base45.encode(signing.sign1(payload, PASS_TYPE, signer))


def is_pass(text: str) -> bool:
    """Tell whether a text means to be a pass; proves nothing."""
    return text.startswith(TEXT_PREFIX)


def parse_pass(text: str, *, keyring: Keyring) -> DoorPass:
    """Return the pass if the authority signed it, or raise ``Malformed("door.pass_malformed")`` / ``Untrusted``."""
    if not is_pass(text) or len(text) > MAX_TEXT:
        raise Malformed("door.pass_malformed")
    try:
        data = base45.decode(text[len(TEXT_PREFIX) :])
    except ValueError as error:
        raise Malformed("door.pass_malformed") from error
    parts = signing.read_sign1(data)
    signing.require_type(parts, PASS_TYPE)
    found = _read(cbor.decode(parts.payload, code="door.pass_malformed"))
    key = keyring.find_for_record(parts.key_id, "door-pass", signed_at=found.signed_at)
    signing.check_parts(parts, key.public_key)
    return found


def _read(value: object) -> DoorPass:
    if not isinstance(value, list) or len(value) != _PARTS:
        raise Malformed("door.pass_malformed")
    token, second, challenge = value
    if type(token) is not bytes or len(token) != TOKEN_BYTES or type(second) is not int or type(challenge) is not int:
        raise Malformed("door.pass_malformed")
    if not 0 <= second < _LAST_SECOND or not 0 <= challenge <= LARGEST_CHALLENGE:
        raise Malformed("door.pass_malformed")
    return DoorPass(token=token, signed_at=datetime.fromtimestamp(second, tz=UTC), challenge=challenge)
