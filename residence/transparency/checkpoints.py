"""What a log says of itself: its name, its size and its root, signed by it and cosigned by witnesses (C2SP tlog-checkpoint).

- The key's name is the log's name; a checkpoint of another name is another log's.
- Extension lines are let through and mean nothing to us; ours have none.

Example: ``open_checkpoint(text, log=key, witnesses=keys).checkpoint.root``
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

import msgspec

from residence.errors import Malformed, Untrusted
from residence.transparency.merkle import HASH_BYTES
from residence.transparency.notes import Key, Signed, Signer, open_note, split_note

_LEAST_LINES: Final = 3


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a log."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """Return the note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint whose log signed it, and the witnesses that cosigned it."""

    checkpoint: Checkpoint
    note: str
    witnesses: tuple[Signed, ...]


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the signed note."""
    return f"{checkpoint.text}\n{signer.sign(checkpoint.text)}"


def open_checkpoint(note: str, *, log: Key, witnesses: Sequence[Key] = ()) -> Opened:
    """Return a checkpoint the log signed, or raise ``Untrusted("log.unsigned" | "log.signature_bad" | "log.other")``."""
    opened = open_note(note, [log, *witnesses])
    if log not in [each.key for each in opened.signed]:
        raise Untrusted("log.unsigned")
    checkpoint = read_checkpoint(opened.text)
    if checkpoint.origin != log.name:
        raise Untrusted("log.other", "/origin", checkpoint.origin)
    seen = {each.key.line: each for each in opened.signed if each.key != log}
    return Opened(checkpoint=checkpoint, note=note, witnesses=tuple(seen.values()))


def claimed(note: str) -> Checkpoint:
    """Read a note's checkpoint without believing it."""
    return read_checkpoint(split_note(note)[0])


def read_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint, or raise ``Malformed("log.note_malformed")``."""
    lines = text.splitlines()
    if len(lines) < _LEAST_LINES or not all(lines):
        raise Malformed("log.note_malformed")
    origin, size, root = lines[:_LEAST_LINES]
    return Checkpoint(origin=origin, size=read_size(size), root=read_hash(root))


def read_size(text: str) -> int:
    """Read a decimal without leading zeroes."""
    if not text.isascii() or not text.isdigit() or str(int(text[:20])) != text:
        raise Malformed("log.note_malformed", "/size")
    return int(text)


def read_hash(text: str) -> bytes:
    """Read a hash in base64."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("log.note_malformed", "/hash") from error
    if len(value) != HASH_BYTES:
        raise Malformed("log.note_malformed", "/hash")
    return value
