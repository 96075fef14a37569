"""Signed notes as C2SP signed-note has them: a text, and lines of signatures under it, each by a named key.

- A key is written as one line, as other tools write it: ``name+keyid+base64`` for everybody, ``PRIVATE+KEY+name+keyid+base64`` for its holder.
- Two kinds: ``LOG`` (0x01) signs the text; ``WITNESS`` (0x04, tlog-cosignature) signs it with the second it was seen.
- Signatures of unknown keys are passed over; one of a known key that fails makes the note worthless.

Example: ``open_note(text, [read_vkey("example.org/log+1234abcd+AQ...")])`` returns the text and whose signatures held
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from residence.errors import LuutruError, Malformed, Untrusted
from residence.wire.signing import SIGNATURE_BYTES, SigningKey, verify

LOG: Final = 0x01
WITNESS: Final = 0x04
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_DASH: Final = "— "
MOST_SIGNATURES: Final = 64


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A public key with its name and what it signs."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Return the four bytes a signature names the key by."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    @property
    def line(self) -> str:
        """Return the key as everybody may have it (a *vkey*)."""
        return f"{self.name}+{self.key_id.hex()}+{_b64(bytes([self.kind]) + self.public)}"


class Signer:
    """A key's private half."""

    def __init__(self, name: str, kind: int, seed: bytes) -> None:
        self._signing: Final = SigningKey(name, seed)
        self._seed: Final = seed
        self.key: Final = Key(name=check_name(name), kind=kind, public=self._signing.public_key)

    @property
    def line(self) -> str:
        """Return the key as its holder keeps it."""
        return f"PRIVATE+KEY+{self.key.name}+{self.key.key_id.hex()}+{_b64(bytes([self.key.kind]) + self._seed)}"

    def sign(self, text: str) -> str:
        """Return the signature line of a log."""
        return self._line(self._signing.sign(text.encode()))

    def cosign(self, text: str, *, seconds: int) -> str:
        """Return the signature line of a witness that saw the text at that second."""
        return self._line(seconds.to_bytes(_TIME_BYTES, "big") + self._signing.sign(_cosigned(text, seconds)))

    def _line(self, signature: bytes) -> str:
        return f"{_DASH}{self.key.name} {_b64(self.key.key_id + signature)}\n"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that held."""

    key: Key
    line: str
    seconds: int | None = None  # when a witness saw it


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A text and whose signatures of it held."""

    text: str
    signed: tuple[Signed, ...]


def check_name(name: str) -> str:
    """Return a key's name, or raise ``Malformed("log.key_malformed")``."""
    if not name or "+" in name or any(each.isspace() for each in name):
        raise Malformed("log.key_malformed", "/name", "a name has no space and no plus")
    return name


def read_vkey(line: str) -> Key:
    """Read a public key, or raise ``Malformed("log.key_malformed")``."""
    name, key_id, content = _three(line.strip())
    key = Key(name=check_name(name), kind=content[0], public=content[1:])
    if key.key_id.hex() != key_id or key.kind not in {LOG, WITNESS}:
        raise Malformed("log.key_malformed")
    return key


def read_signer(line: str) -> Signer:
    """Read a private key, or raise ``Malformed("log.key_malformed")``."""
    prefix = "PRIVATE+KEY+"
    if not line.startswith(prefix):
        raise Malformed("log.key_malformed")
    name, key_id, content = _three(line.removeprefix(prefix).strip())
    signer = Signer(name, content[0], content[1:])
    if signer.key.key_id.hex() != key_id:
        raise Malformed("log.key_malformed")
    return signer


def _three(line: str) -> tuple[str, str, bytes]:
    name, _, rest = line.partition("+")
    key_id, _, content = rest.partition("+")
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("log.key_malformed") from error
    if len(data) != 1 + _KEY_BYTES:
        raise Malformed("log.key_malformed")
    return name, key_id, data


def split_note(note: str) -> tuple[str, list[str]]:
    """Return the text and the signature lines, or raise ``Malformed("log.note_malformed")``."""
    text, blank, below = note.rpartition("\n\n")
    lines = below.splitlines(keepends=True)
    if not blank or not lines or len(lines) > MOST_SIGNATURES or any(ord(each) < ord(" ") and each != "\n" for each in note):
        raise Malformed("log.note_malformed")
    if not all(each.startswith(_DASH) and each.endswith("\n") for each in lines):
        raise Malformed("log.note_malformed")
    return text + "\n", lines


def open_note(note: str, known: Sequence[Key]) -> Note:
    """Return the text and the signatures of known keys; ``Untrusted("log.unsigned")`` when none held, ``("log.signature_bad")`` when one failed."""
    text, lines = split_note(note)
    by_id = {(key.name, key.key_id): key for key in known}
    signed = []
    for line in lines:
        name, key_id, signature = _signature(line)
        key = by_id.get((name, key_id))
        if key is not None:
            signed.append(Signed(key=key, line=line, seconds=_checked(key, text, signature)))
    if not signed:
        raise Untrusted("log.unsigned")
    return Note(text=text, signed=tuple(signed))


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, content = line.removeprefix(_DASH).strip("\n").partition(" ")
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("log.note_malformed") from error
    return name, data[:_ID_BYTES], data[_ID_BYTES:]


def _checked(key: Key, text: str, signature: bytes) -> int | None:
    """Check a signature of a known key and return when a witness gave it."""
    seconds = None
    message = text.encode()
    if key.kind == WITNESS:
        if len(signature) != _TIME_BYTES + SIGNATURE_BYTES:
            raise Untrusted("log.signature_bad")
        seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
        message, signature = _cosigned(text, seconds), signature[_TIME_BYTES:]
    try:
        verify(signature, message, key.public)
    except LuutruError as error:
        raise Untrusted("log.signature_bad", "", key.name) from error
    return seconds


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
