"""What the authority answers to a person who says that something is wrong asks for a right or files a procedure, as it signs it.

- A COSE_Sign1 (type ``vnd.luutru.answer+json``) by a key of use ``receipt``: it is the authority's word, like a receipt.
- Code words, times and the reason as it was given; the person is not named, nor is the value the answer is about.
- Text form: ``LA1:`` + Base45 (RFC 9285), for a QR code or to be copied; the page that works without a network checks it.
- An answer is signed once, when it is given; what follows is another one.

Example: ``verify_answer(parse_answer_text("LA1:..."), keyring=ring).outcome`` is ``"corrected"``
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from residence.clock import parse_instant
from residence.errors import Malformed
from residence.wire import base45, signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

TEXT_PREFIX: Final = "LA1:"
MAX_ANSWER_BYTES: Final = 4096
AnswerTo = Literal["dispute", "request", "procedure"]


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed. ``subject``: the field, fault or right it is about, as a code word. Times RFC 3339."""

    answer_id: str  # of the dispute or request
    answers: AnswerTo
    subject: str
    asked_at: str
    due: str  # by when the law has it answered; empty where no period is known
    outcome: str
    reason: str
    answered_at: str
    legal_basis: str | None = None


def sign_answer(answer: Answer, signer: SigningKey) -> bytes:
    """Return the signed answer."""
    return signing.sign1(msgspec.json.encode(answer), signing.ANSWER_TYPE, signer)


def verify_answer(data: bytes, *, keyring: Keyring) -> Answer:
    """Return the answer if the authority signed it, or raise ``Malformed("answer.malformed")`` / ``Untrusted`` with the reason."""
    parts = _parts(data)
    answer = _read(parts.payload)
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=parse_instant(answer.answered_at))
    signing.check_parts(parts, key.public_key)
    return answer


def read_answer_unverified(data: bytes) -> Answer:
    """Return what an answer claims, believing nothing."""
    return _read(_parts(data).payload)


def answer_text(data: bytes) -> str:
    """Return the text form of a signed answer."""
    return TEXT_PREFIX + base45.encode(data)


def parse_answer_text(text: str) -> bytes:
    """Return the signed bytes of a text form, or raise ``Malformed("answer.malformed")``; proves nothing yet."""
    stripped = text.strip()
    if not stripped.startswith(TEXT_PREFIX) or len(stripped) > 2 * MAX_ANSWER_BYTES:
        raise Malformed("answer.malformed")
    try:
        return base45.decode(stripped[len(TEXT_PREFIX) :])
    except ValueError as error:
        raise Malformed("answer.malformed") from error


def _parts(data: bytes) -> signing.Sign1Parts:
    if len(data) > MAX_ANSWER_BYTES:
        raise Malformed("answer.malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, signing.ANSWER_TYPE)
    return parts


def _read(payload: bytes) -> Answer:
    try:
        answer = msgspec.json.decode(payload, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("answer.malformed", "", str(error)) from error
    parse_instant(answer.answered_at, "/answered_at")
    return answer
