"""The certificate a person gets of their own deletion, as the authority signs it.

- A COSE_Sign1 (type ``vnd.luutru.deletion+json``) by a key of use ``receipt``. It says when, on which ground, what went, what stays and why, and
  which period keys still open a backup of before; it names nobody, so whoever holds it shows who they were themselves.
- ``period_keys``: until each of them is destroyed, a backup made before the deletion could be opened by somebody with the vault, whose key service
  refuses this person. Afterwards nobody can.
- Its SHA-256 stands as ``about`` in a row of the public log with the purpose ``erase-person``: the proof of that row is the proof that this very
  certificate was published (``proves``).
- Text form: ``LD1:`` + Base45 (RFC 9285). A file that is kept holds that line and, below it, the proof.

Example: ``verify_deletion(parse_deletion_text("LD1:..."), keyring=ring).deleted_at``
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from residence.clock import parse_instant
from residence.errors import Malformed
from residence.wire import base45, signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

TEXT_PREFIX: Final = "LD1:"
MAX_DELETION_BYTES: Final = 4096
PURPOSE: Final = "erase-person"
# What goes and what stays when a person is erased, as code words; registry/retention.py does it.
DELETED: Final = ("key", "fields", "numbers", "name-index", "history", "presences", "passes", "contacts", "requests")
KEPT: Final = ("stays", "receipts", "access-records")


class Deletion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed. Times RFC 3339."""

    certificate_id: str
    deleted_at: str
    reason: str
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    period_keys: tuple[str, ...]
    legal_basis: str | None = None


def sign_deletion(deletion: Deletion, signer: SigningKey) -> bytes:
    """Return the signed certificate."""
    return signing.sign1(msgspec.json.encode(deletion), signing.DELETION_TYPE, signer)


def verify_deletion(data: bytes, *, keyring: Keyring) -> Deletion:
    """Return the certificate if the authority signed it, or raise ``Malformed("deletion.malformed")`` / ``Untrusted`` with the reason."""
    parts = _parts(data)
    deletion = _read(parts.payload)
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=parse_instant(deletion.deleted_at))
    signing.check_parts(parts, key.public_key)
    return deletion


def read_deletion_unverified(data: bytes) -> Deletion:
    """Return what a certificate claims, believing nothing."""
    return _read(_parts(data).payload)


def digest_of(data: bytes) -> str:
    """Return what the log says of a signed certificate: 64 hex digits."""
    return sha256(data).hexdigest()


def proves(row: str, data: bytes) -> bool:
    """Tell whether the text of a proven row of the log is about this very certificate."""
    lines = row.split("\n")
    return f"purpose {PURPOSE}" in lines and f"about {digest_of(data)}" in lines


def deletion_text(data: bytes) -> str:
    """Return the text form of a signed certificate."""
    return TEXT_PREFIX + base45.encode(data)


def parse_deletion_text(text: str) -> bytes:
    """Return the signed bytes of a text form, its first line if more follows, or raise ``Malformed("deletion.malformed")``; proves nothing yet."""
    line = text.strip().partition("\n")[0].strip()
    if not line.startswith(TEXT_PREFIX) or len(line) > 2 * MAX_DELETION_BYTES:
        raise Malformed("deletion.malformed")
    try:
        return base45.decode(line[len(TEXT_PREFIX) :])
    except ValueError as error:
        raise Malformed("deletion.malformed") from error


def _parts(data: bytes) -> signing.Sign1Parts:
    if len(data) > MAX_DELETION_BYTES:
        raise Malformed("deletion.malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, signing.DELETION_TYPE)
    return parts


def _read(payload: bytes) -> Deletion:
    try:
        deletion = msgspec.json.decode(payload, type=Deletion)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("deletion.malformed", "", str(error)) from error
    parse_instant(deletion.deleted_at, "/deleted_at")
    return deletion
