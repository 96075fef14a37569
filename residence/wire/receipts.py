"""Receipts: the registry's signed answer to one statement, as bytes, as text for a QR code, and as a code to read out.

- A receipt is a COSE_Sign1 (type ``vnd.luutru.receipt+json``) over the JSON of ``messages.Receipt``, by a key of use ``receipt``.
- It is judged by the key in force when it was accepted; a key revoked since makes it worthless, however old it says it is. The
  authority then signs it again with another key, and ``signed_at`` says when.
- Text form: ``LR1:`` + Base45 (RFC 9285): fits the alphanumeric mode of QR codes.
- Code: 12 Crockford Base32 letters of SHA-256("luutru receipt code" + declaration id). It identifies a receipt to somebody who
  holds it on paper; it is no secret. Reading tolerates case, spaces, hyphens, and O/0, I/L/1.
- On ``.../r`` receipts travel as a CBOR array of 1 to 16 byte strings (``pack_receipts``).

>>> receipt_code("01981f2e-0000-7000-8000-000000000001")
'RD7D-QQWQ-DW4X'
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from residence.clock import parse_instant, rfc3339
from residence.errors import Malformed
from residence.wire import base45, cbor, signing
from residence.wire.keyring import Keyring
from residence.wire.messages import RECEIPT, Receipt, decode_message
from residence.wire.signing import SigningKey

MAX_RECEIPT_BYTES: Final = 4096
MAX_PACKED: Final = 16
MAX_PACKED_BYTES: Final = 15 * 1024
TEXT_PREFIX: Final = "LR1:"
CODE_LENGTH: Final = 12
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [one + other for one in _CROCKFORD for other in _CROCKFORD]
_SLIPS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})


def receipt_code(declaration_id: str) -> str:
    """Return the code of a declaration's receipt, grouped ``XXXX-XXXX-XXXX``."""
    return grouped_letters(hashlib.sha256(b"luutru receipt code" + declaration_id.encode()).digest())


def grouped_letters(digest: bytes) -> str:
    """Return the first 60 bits of a digest as twelve letters, grouped ``XXXX-XXXX-XXXX``."""
    bits = int.from_bytes(digest[:8], "big") >> 4
    one, two, three, four, five, six = (_PAIRS[bits >> shift & 1023] for shift in (50, 40, 30, 20, 10, 0))
    return f"{one}{two}-{three}{four}-{five}{six}"


def parse_receipt_code(text: str) -> str:
    """Return the code as ``receipt_code`` writes it, or raise ``Malformed("receipt.code")``."""
    letters = text.strip().upper().translate(_SLIPS)
    if len(letters) != CODE_LENGTH or any(letter not in _CROCKFORD for letter in letters):
        raise Malformed("receipt.code")
    return "-".join(letters[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def sign_receipt(receipt: Receipt, signer: SigningKey) -> bytes:
    """Return the signed receipt.

    A clock that is before the key it signs with is wrong: the receipt then says by ``signed_at`` that it was not signed before the key was in
    force. Without that nobody could ever believe it, and the row it answers would never go.
    """
    if signer.since is not None and receipt.signed_at is None and parse_instant(receipt.accepted_at) < signer.since:
        receipt = msgspec.structs.replace(receipt, signed_at=rfc3339(signer.since))
    return signing.sign1(msgspec.json.encode(receipt), signing.RECEIPT_TYPE, signer)


def sign_again(data: bytes, signer: SigningKey, *, now: datetime) -> bytes:
    """Return our own receipt ``data`` under another key, word for word but for ``signed_at``; for a key revoked since."""
    return sign_receipt(msgspec.structs.replace(read_unverified(data), signed_at=rfc3339(now)), signer)


def signed_with(data: bytes) -> str:
    """Return the id of the key a receipt names; proves nothing."""
    return _parts(data).key_id


def verify_receipt(data: bytes, *, keyring: Keyring) -> Receipt:
    """Return the receipt if the authority signed it, or raise ``Malformed`` / ``Untrusted`` with the reason."""
    parts = _parts(data)
    receipt = _read(parts)
    signed_at = parse_instant(receipt.accepted_at, "/accepted_at")
    if receipt.signed_at is not None:
        signed_at = parse_instant(receipt.signed_at, "/signed_at")
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=signed_at)
    signing.check_parts(parts, key.public_key)
    if receipt.code != receipt_code(receipt.declaration_id):
        raise Malformed("receipt.code", "/code")
    return receipt


def read_unverified(data: bytes) -> Receipt:
    """Return what a receipt claims, believing nothing: for a screen that then says why it does not hold."""
    return _read(_parts(data))


def receipt_text(data: bytes) -> str:
    """Return the text form of a signed receipt, for a QR code or a form field."""
    return TEXT_PREFIX + base45.encode(data)


def parse_receipt_text(text: str) -> bytes:
    """Return the signed bytes of a text form, or raise ``Malformed("receipt.text")``; proves nothing yet."""
    stripped = text.strip()
    if not stripped.startswith(TEXT_PREFIX) or len(stripped) > 2 * MAX_RECEIPT_BYTES:
        raise Malformed("receipt.text")
    try:
        return base45.decode(stripped[len(TEXT_PREFIX) :])
    except ValueError as error:
        raise Malformed("receipt.text") from error


def pack_receipts(receipts: Sequence[bytes]) -> Iterator[bytes]:
    """Yield as few MQTT payloads as hold all ``receipts``, in order."""
    batch: list[bytes] = []
    size = 0
    for receipt in receipts:
        if batch and (len(batch) == MAX_PACKED or size + len(receipt) > MAX_PACKED_BYTES):
            yield cbor.encode(batch)
            batch, size = [], 0
        batch.append(receipt)
        size += len(receipt)
    if batch:
        yield cbor.encode(batch)


def unpack_receipts(data: bytes) -> list[bytes]:
    """Return the receipts of one MQTT payload, unverified, or raise ``Malformed("receipt.malformed")``."""
    receipts = cbor.decode(data, code="receipt.malformed")
    if (
        not isinstance(receipts, list)
        or not 1 <= len(receipts) <= MAX_PACKED
        or any(type(each) is not bytes for each in receipts)
    ):
        raise Malformed("receipt.malformed", "", "not 1 to 16 byte strings")
    return receipts


def _parts(data: bytes) -> signing.Sign1Parts:
    if len(data) > MAX_RECEIPT_BYTES:
        raise Malformed("receipt.malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, signing.RECEIPT_TYPE)
    return parts


def _read(parts: signing.Sign1Parts) -> Receipt:
    receipt = decode_message(RECEIPT, parts.payload)
    if not isinstance(receipt, Receipt):  # pragma: no cover - the table of messages says so
        raise Malformed("receipt.malformed")
    return receipt
