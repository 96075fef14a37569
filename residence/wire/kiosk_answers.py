"""What is answered to one kiosk: to its call for a person, to a guest who says that they stay with a resident, to somebody with the slip of a path.

- Signed with a receipt key, retained as the paper ``answers`` of the kiosk: however often it is lost, the last one says everything.
- Nobody is in it: a call, a declaration and a question are numbers the kiosk drew, the answer is a word; of a path a state and days, without its code.
- ``at`` only rises: an older one that comes late is passed over.

Example: ``verify_answers(sign_answers(answers, signer), keyring=ring, kiosk_id="kiosk-lobby-1").calls``
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from residence.clock import parse_instant
from residence.errors import Malformed, Untrusted
from residence.paths.steps import PathState
from residence.wire import signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

ANSWERS_TYPE: Final = "application/vnd.luutru.kiosk-answers+json"
ANSWERS: Final = "answers"  # the paper's name, the last level of its topic
MAX_BYTES: Final = 15 * 1024
MOST: Final = 100  # of each kind

CallAnswer = Literal["heard", "acknowledged"]  # it stands on the operators' page; an operator has seen it
HostAnswer = Literal["confirmed", "refused"]


class PathAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a path is, as whoever holds its slip is told. ``unknown``: no path has this code; ``later``: this kiosk asked too often. Days: YYYY-MM-DD."""

    state: PathState | Literal["unknown", "later"]
    since: str = ""
    due: str | None = None
    late: bool = False


class KioskAnswers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answers of the last hours: number of the call, of the declaration, or of the question -> the answer."""

    kiosk_id: str
    at: str
    calls: dict[str, CallAnswer] = {}
    hosts: dict[str, HostAnswer] = {}
    paths: dict[str, PathAnswer] = {}


def sign_answers(answers: KioskAnswers, signer: SigningKey) -> bytes:
    """Return the signed paper."""
    return signing.sign1(msgspec.json.encode(answers), ANSWERS_TYPE, signer)


def verify_answers(data: bytes, *, keyring: Keyring, kiosk_id: str) -> KioskAnswers:
    """Return the answers if the authority signed them for this kiosk, or raise ``Malformed`` / ``Untrusted``."""
    if len(data) > MAX_BYTES:
        raise Malformed("kiosk.answers_malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, ANSWERS_TYPE)
    try:
        answers = msgspec.json.decode(parts.payload, type=KioskAnswers)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("kiosk.answers_malformed", "", str(error)) from error
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=parse_instant(answers.at, "/at"))
    signing.check_parts(parts, key.public_key)
    if answers.kiosk_id != kiosk_id:
        raise Untrusted("key.wrong_owner", "/kiosk_id", answers.kiosk_id)
    return answers
