"""The proof a person keeps of their stay: a CBOR Web Token (RFC 8392) signed by the authority, as text for a QR code.

- A COSE_Sign1 (type ``vnd.luutru.stay+cwt``) by a key of use ``receipt``. Registered claims: 1 issuer, 6 when it was signed, 7 the
  declaration's id as 16 bytes. All else stands in one private claim (-65537), a map by small numbers: ``_LABELS``.
- No name, number or birth date is in it: who holds it shows that *a* person was declared here, and says themselves who.
- What is not known or not told is left out; ``place``, ``unit``, ``arrival`` and ``departure`` only where whoever asked may know them.
- It is judged by the key in force when it was signed; a key revoked since makes it worthless. It has no end of its own: the state now is the
  registry's to say, by the code.
- ``log`` is the place in the log of statements the receipt promised: an array of the log's key id (4 bytes), the number and the salt (16 bytes).
- Text form: ``LS1:`` + Base45 (RFC 9285). Numbers not listed here are let through unread, for newer versions.

Example: ``verify_proof(parse_proof_text("LS1:..."), keyring=ring).state``
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec

from residence.clock import parse_instant, rfc3339
from residence.errors import Malformed
from residence.stays.declaration import DeclarantRole
from residence.wire import base45, cbor, signing
from residence.wire.keyring import Keyring
from residence.wire.messages import LogPlace, ReceiptState
from residence.wire.receipts import receipt_code
from residence.wire.signing import SigningKey

PROOF_TYPE: Final = "application/vnd.luutru.stay+cwt"
TEXT_PREFIX: Final = "LS1:"
MAX_PROOF_BYTES: Final = 1024
LOG_PURPOSE: Final = "own-stays"  # residence.access.purposes.Purpose
_ISSUER, _SIGNED_AT, _ID, _STAY = 1, 6, 7, -65537
_ID_BYTES: Final = 16
_LOG_ID_BYTES: Final = 4
_SALT_BYTES: Final = 16
# number in the private claim -> field; never given to anything else
_LABELS: Final[dict[int, str]] = {
    1: "state",
    2: "kept_at",
    3: "received_at",
    4: "accepted_at",
    5: "due",
    6: "on_time",
    7: "rule_set",
    8: "rule",
    9: "article",
    10: "premises_id",
    11: "place",
    12: "unit",
    13: "arrival",
    14: "departure",
    15: "declared_by",
    16: "evidence_level",
    17: "kept_until",
    18: "log",
}
_NUMBERS: Final = {name: number for number, name in _LABELS.items()}
_TIMES: Final = ("kept_at", "received_at", "accepted_at", "due", "arrival", "departure", "kept_until")


class StayProof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a proof says. Times are RFC 3339, to the second."""

    declaration_id: str
    issuer: str  # the authority's address, where the state now is told
    signed_at: str
    state: ReceiptState
    received_at: str
    accepted_at: str
    declared_by: DeclarantRole
    evidence_level: int
    kept_at: str | None = None
    due: str | None = None
    on_time: bool | None = None
    rule_set: str | None = None
    rule: str | None = None
    article: str | None = None  # the legal basis, by article
    premises_id: str | None = None
    place: str | None = None
    unit: str | None = None
    arrival: str | None = None
    departure: str | None = None
    kept_until: str | None = None  # None: no period is set for how long stays are kept
    log: LogPlace | None = None

    @property
    def code(self) -> str:
        """Return the code of the receipt this proof is of."""
        return receipt_code(self.declaration_id)


def sign_proof(proof: StayProof, signer: SigningKey) -> bytes:
    """Return the signed token."""
    said = {name: getattr(proof, name) for name in _NUMBERS}
    stay = {_NUMBERS[name]: _seconds(value) if name in _TIMES else value for name, value in said.items() if value is not None}
    if proof.log is not None:
        stay[_NUMBERS["log"]] = [bytes.fromhex(proof.log.log), proof.log.index, proof.log.salt]
    claims = {
        _ISSUER: proof.issuer,
        _SIGNED_AT: _seconds(proof.signed_at),
        _ID: UUID(proof.declaration_id).bytes,
        _STAY: stay,
    }
    return signing.sign1(cbor.encode(claims), PROOF_TYPE, signer)


def log_digest(declaration_id: str, state: str, accepted_at: str) -> str:
    """Return what a row of the log says of a statement: 64 hex digits, the same for its receipt and for each proof of it."""
    text = f"luutru statement 1\n{declaration_id}\n{state}\n{_seconds(accepted_at)}\n"
    return sha256(text.encode()).hexdigest()


def is_about(row: str, digest: str) -> bool:
    """Tell whether the text of a proven row of the log is a person's own look at the statement with this digest."""
    lines = row.split("\n")
    return f"purpose {LOG_PURPOSE}" in lines and f"about {digest}" in lines


def verify_proof(data: bytes, *, keyring: Keyring) -> StayProof:
    """Return what a proof says if the authority signed it, or raise ``Malformed`` / ``Untrusted`` with the reason."""
    parts = _parts(data)
    proof = _read(parts.payload)
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=parse_instant(proof.signed_at))
    signing.check_parts(parts, key.public_key)
    return proof


def read_proof_unverified(data: bytes) -> StayProof:
    """Return what a proof claims, believing nothing."""
    return _read(_parts(data).payload)


def proof_text(data: bytes) -> str:
    """Return the text form of a signed proof, for a QR code or to be copied."""
    return TEXT_PREFIX + base45.encode(data)


def parse_proof_text(text: str) -> bytes:
    """Return the signed bytes of a text form, or raise ``Malformed("proof.text")``; proves nothing yet."""
    stripped = text.strip()
    if not stripped.startswith(TEXT_PREFIX) or len(stripped) > 2 * MAX_PROOF_BYTES:
        raise Malformed("proof.text")
    try:
        return base45.decode(stripped[len(TEXT_PREFIX) :])
    except ValueError as error:
        raise Malformed("proof.text") from error


def _parts(data: bytes) -> signing.Sign1Parts:
    if len(data) > MAX_PROOF_BYTES:
        raise Malformed("proof.malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, PROOF_TYPE)
    return parts


def _read(payload: bytes) -> StayProof:
    claims: Any = cbor.decode(payload, code="proof.malformed")
    stay = claims.get(_STAY) if isinstance(claims, dict) else None
    own_id = claims.get(_ID) if isinstance(claims, dict) else None
    if not isinstance(stay, dict) or not isinstance(own_id, bytes) or len(own_id) != _ID_BYTES:
        raise Malformed("proof.malformed", "", "no stay or no id")
    said: dict[str, Any] = {name: stay[number] for number, name in _LABELS.items() if number in stay}
    if "log" in said:
        said["log"] = _place(said["log"])
    times: dict[str, Any] = {name: _instant(said[name], name) for name in _TIMES if name in said}
    whole: dict[str, Any] = {
        **said,
        **times,
        "declaration_id": str(UUID(bytes=own_id)),
        "issuer": claims.get(_ISSUER),
        "signed_at": _instant(claims.get(_SIGNED_AT), "signed_at"),
    }
    try:
        return msgspec.convert(whole, StayProof)
    except msgspec.ValidationError as error:
        raise Malformed("proof.malformed", "", str(error)) from error


def _place(said: object) -> LogPlace:
    match said:
        case [bytes() as log, int() as index, bytes() as salt] if (len(log), len(salt)) == (_LOG_ID_BYTES, _SALT_BYTES):
            if type(index) is int and index >= 0:
                return LogPlace(log=log.hex(), index=index, salt=salt)
    raise Malformed("proof.malformed", "/log", "no place")


def _seconds(text: str) -> int:
    return int(parse_instant(text).timestamp())


def _instant(seconds: object, name: str) -> str:
    try:
        if type(seconds) is not int:
            raise TypeError(name)  # noqa: TRY301 - one way out for whatever is no time
        text = rfc3339(datetime.fromtimestamp(seconds, UTC))
        parse_instant(text)
    except (TypeError, ValueError, OverflowError, OSError, Malformed) as error:
        raise Malformed("proof.malformed", f"/{name}", "no time") from error
    return text
