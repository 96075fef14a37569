"""What a kiosk's screen shows for a phone: a ticket that opens the page of whoever has just declared there with their chip.

- A COSE_Sign1 by the kiosk's own key (type of its own) over declaration id, second, and a proof. No name, no number and no room is in it.
- The proof is an HMAC under the letters of the slip's own code (``stay_codes.py``), which follow from random bytes that are in the sealed statement
  and in the kiosk's memory during that visit, and nowhere else: whoever has a kiosk's key alone can make a ticket for nobody's statement.
- It says nothing about the chip. What the chip was worth is what the gateway wrote down (``registry/ways_in.py``).
- Good for ``LIFETIME`` by the authority's clock; a kiosk's clock may be ahead by ``AHEAD``.
- Text form: ``LW1.`` + base64url without padding, for behind the ``#`` of an address, which no browser sends.

Example: ``read_ticket(sign_ticket(declaration_id, own_code, signer, now=now)).declaration_id``
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from residence.errors import Malformed, Untrusted
from residence.wire import cbor, signing
from residence.wire.keyring import KeyEntry, Keyring
from residence.wire.signing import SigningKey
from residence.wire.stay_codes import code_of

TICKET_TYPE: Final = "application/vnd.luutru.way-in+cbor"
TEXT_PREFIX: Final = "LW1."
LONGEST_TEXT: Final = 600
LIFETIME: Final = timedelta(minutes=3)
AHEAD: Final = timedelta(seconds=60)
PROOF_BYTES: Final = 16
_USE: Final = b"luutru way in 1"
_PARTS: Final = 3
_LAST_SECOND: Final = 1 << 34
_LETTERS: Final = re.compile(r"[A-Za-z0-9_-]+")
_ID_BYTES: Final = 16


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it was read; believed only after ``check_kiosk`` and ``check_proof``."""

    declaration_id: str
    signed_at: datetime
    key_id: str
    proof: bytes
    parts: signing.Sign1Parts


def sign_ticket(declaration_id: str, own_code: str, signer: SigningKey, *, now: datetime) -> str:
    """Return the text of a ticket for one statement; ``own_code`` is the code of its slip, ``XXXX-XXXX-XXXX``."""
    about, second = UUID(declaration_id).bytes, int(now.timestamp())
    payload = cbor.encode([about, second, _proof(own_code, about, second)])
    return TEXT_PREFIX + urlsafe_b64encode(signing.sign1(payload, TICKET_TYPE, signer)).decode().rstrip("=")


def read_ticket(text: str) -> Ticket:
    """Take a ticket apart without believing it, or raise ``Malformed("way-in.invalid")``."""
    letters = text.removeprefix(TEXT_PREFIX)
    if not text.startswith(TEXT_PREFIX) or len(text) > LONGEST_TEXT or not _LETTERS.fullmatch(letters):
        raise Malformed("way-in.invalid")
    try:
        parts = signing.read_sign1(urlsafe_b64decode(letters + "=" * (-len(letters) % 4)))
        signing.require_type(parts, TICKET_TYPE)
        said = cbor.decode(parts.payload, code="way-in.invalid")
    except (binascii.Error, Malformed, Untrusted) as error:
        raise Malformed("way-in.invalid") from error
    if not isinstance(said, list) or len(said) != _PARTS:
        raise Malformed("way-in.invalid")
    about, second, proof = said
    if not isinstance(about, bytes) or not isinstance(proof, bytes) or type(second) is not int:
        raise Malformed("way-in.invalid")
    if len(about) != _ID_BYTES or len(proof) != PROOF_BYTES or not 0 <= second < _LAST_SECOND:
        raise Malformed("way-in.invalid")
    if not parts.key_id.isprintable():  # a key id is looked up in a database, which need not take every letter
        raise Malformed("way-in.invalid")
    signed_at = datetime.fromtimestamp(second, tz=UTC)
    return Ticket(declaration_id=str(UUID(bytes=about)), signed_at=signed_at, key_id=parts.key_id, proof=proof, parts=parts)


def check_kiosk(ticket: Ticket, *, keyring: Keyring, now: datetime) -> KeyEntry:
    """Return the kiosk's key if it signed this and may sign now, or raise ``Untrusted``: unknown, ended or revoked keys sign nothing."""
    key = keyring.find(ticket.key_id, "kiosk-sign", at=now)
    signing.check_parts(ticket.parts, key.public_key)
    return key


def is_of_now(ticket: Ticket, *, now: datetime) -> bool:
    """Tell whether a ticket is neither too old nor of a time to come."""
    return ticket.signed_at - AHEAD <= now <= ticket.signed_at + LIFETIME


def check_proof(ticket: Ticket, seed: bytes) -> None:
    """Return if the ticket was made in the visit of the statement that begins with ``seed``, or raise ``Untrusted("way-in.invalid")``."""
    about = UUID(ticket.declaration_id).bytes
    if not hmac.compare_digest(ticket.proof, _proof(code_of(seed), about, int(ticket.signed_at.timestamp()))):
        raise Untrusted("way-in.invalid", detail="made outside the visit")


def _proof(own_code: str, about: bytes, second: int) -> bytes:
    return hmac.digest(own_code.encode(), _USE + about + second.to_bytes(8, "big"), "sha256")[:PROOF_BYTES]
