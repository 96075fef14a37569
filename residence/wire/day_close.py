"""A closed day: the clerk's word that everybody of one evening is declared, with the counts it rests on, signed by the authority.

- A COSE_Sign1 (type ``vnd.luutru.day-close+json``) by a key of use ``receipt``: it is the authority's answer, like a receipt.
- Counts and ids only: no name, no number. ``statements`` is the SHA-256 over the ids of all declarations counted, in order, one a line, so
  that a list kept by the house can be held against it.
- A close on the house's own list (a *sign-off*) says how many stood on it, and what stood open by kind and reason; ``points`` is the SHA-256 over
  the points, which the house keeps. Only a close with nothing open says that everybody is declared.
- Nothing is overwritten: what changes afterwards is closed anew, and the earlier close stands as it was.
- Text form for a QR code: ``LD1:`` + Base45 (RFC 9285).

>>> digest_of(["b", "a"]) == digest_of(["a", "b"])
True
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from residence.clock import parse_instant
from residence.errors import Malformed
from residence.stays.signing_off import OpenCount
from residence.wire import base45, signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

TEXT_PREFIX: Final = "LD1:"
MAX_BYTES: Final = 4096


class DayClose(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed; the counts are of people, but for ``to_mend``. Without ``open`` nobody was still to be declared."""

    close_id: str
    premises_id: str
    day: str  # YYYY-MM-DD, residence.stays.evening
    closed_at: str
    closed_by: str  # sign-in name of the account
    arrivals: int  # came this evening
    in_house: int  # declared and in the house when it was closed
    accepted: int  # of those who came, whose declaration is accepted
    late: int  # of those who came, declared after the deadline
    rule_sets: tuple[str, ...]
    statements: str  # hex SHA-256
    conflicting: int = 0  # of those who came, declared and in conflict with something else
    to_mend: int = 0  # statements still to be put right that leave nobody undeclared
    visitors: int = 0  # seen, and visitors as the house says
    listed: int | None = None  # on the house's own list; None: closed without one
    alike: int = 0  # on the list and declared, nothing different
    open: tuple[OpenCount, ...] = ()
    points: str = ""  # hex SHA-256, residence.stays.signing_off


def digest_of(declaration_ids: Iterable[str]) -> str:
    """Return what ``statements`` says of these declarations."""
    return hashlib.sha256("\n".join(sorted(set(declaration_ids))).encode()).hexdigest()


def sign_close(close: DayClose, signer: SigningKey) -> bytes:
    """Return the signed close."""
    return signing.sign1(msgspec.json.encode(close), signing.DAY_CLOSE_TYPE, signer)


def read_close(data: bytes) -> DayClose:
    """Return what a close claims, believing nothing."""
    return _read(_parts(data))


def verify_close(data: bytes, *, keyring: Keyring) -> DayClose:
    """Return the close if the authority signed it, or raise ``Malformed`` / ``Untrusted`` with the reason."""
    parts = _parts(data)
    close = _read(parts)
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=parse_instant(close.closed_at, "/closed_at"))
    signing.check_parts(parts, key.public_key)
    return close


def close_text(data: bytes) -> str:
    """Return the text form of a signed close."""
    return TEXT_PREFIX + base45.encode(data)


def parse_close_text(text: str) -> bytes:
    """Return the signed bytes of a text form, or raise ``Malformed("day-close.text")``; proves nothing yet."""
    stripped = text.strip()
    if not stripped.startswith(TEXT_PREFIX) or len(stripped) > 2 * MAX_BYTES:
        raise Malformed("day-close.text")
    try:
        return base45.decode(stripped[len(TEXT_PREFIX) :])
    except ValueError as error:
        raise Malformed("day-close.text") from error


def _parts(data: bytes) -> signing.Sign1Parts:
    if len(data) > MAX_BYTES:
        raise Malformed("day-close.malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, signing.DAY_CLOSE_TYPE)
    return parts


def _read(parts: signing.Sign1Parts) -> DayClose:
    try:
        return msgspec.json.decode(parts.payload, type=DayClose)
    except msgspec.DecodeError as error:
        raise Malformed("day-close.malformed", "", str(error)) from error
