"""A proof somebody can take home: one row of a look, that it stands in the log, and who witnessed that log (C2SP tlog-proof).

- The file is a ``.tlog-proof``; any verifier of that format that is handed the entry checks it. What leads from the row to the entry
  stands in its ``extra`` line, as JSON in base64.
- Nothing in ``extra`` is believed: the row is hashed up to the entry, the entry up to the signed root.

Example: ``verify_proof(text, log=key, witnesses=keys, least=1).row``
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

import msgspec

from residence.errors import Malformed, Untrusted
from residence.transparency.checkpoints import Opened, open_checkpoint, read_hash, read_size
from residence.transparency.looks import read_entry
from residence.transparency.merkle import Path, Position, leaf_hash, verify_inclusion
from residence.transparency.notes import Key

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"


class RowProof(msgspec.Struct, frozen=True, kw_only=True):
    """From a row to the entry of its look. Texts as they are hashed."""

    row: str
    place: int
    path: tuple[bytes, ...]
    entry: str


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof that held says."""

    row: str
    entry: str
    index: int
    opened: Opened


def proof_text(row: RowProof, *, index: int, path: Path, checkpoint: str) -> str:
    """Return the file."""
    extra = _b64(msgspec.json.encode(row))
    hashes = "".join(f"{_b64(each)}\n" for each in path)
    return f"{_FIRST_LINE}\nextra {extra}\nindex {index}\n{hashes}\n{checkpoint}"


def verify_proof(text: str, *, log: Key, witnesses: Sequence[Key] = (), least: int = 0) -> Proven:
    """Return what a proof says once all of it held; ``least``: so many of ``witnesses`` must have cosigned.

    Raises ``Malformed("log.proof_malformed")`` or ``Untrusted("log.proof_bad" | "log.witnesses_missing" | ...)``.
    """
    row, index, path, note = _parts(text)
    opened = open_checkpoint(note, log=log, witnesses=witnesses)
    if len(opened.witnesses) < least:
        raise Untrusted("log.witnesses_missing")
    entry = read_entry(row.entry.encode())
    in_look = verify_inclusion(leaf_hash(row.row.encode()), Position(row.place, entry.rows), row.path, entry.root)
    place = Position(index, opened.checkpoint.size)
    if not in_look or not verify_inclusion(leaf_hash(row.entry.encode()), place, path, opened.checkpoint.root):
        raise Untrusted("log.proof_bad")
    return Proven(row=row.row, entry=row.entry, index=index, opened=opened)


def place_in(text: str) -> int:
    """Return the place in the log a proof claims, believing nothing; ``Malformed("log.proof_malformed")`` when it is none."""
    return _parts(text)[1]


def _parts(text: str) -> tuple[RowProof, int, Path, str]:
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 3 or lines[0] != _FIRST_LINE or not lines[2].startswith("index "):  # noqa: PLR2004 - format's lines
        raise Malformed("log.proof_malformed")
    try:
        extra = base64.b64decode(lines[1].removeprefix("extra "), validate=True)
        row = msgspec.json.decode(extra, type=RowProof)
        path = tuple(read_hash(each) for each in lines[3:])
        return row, read_size(lines[2].removeprefix("index ")), path, note
    except (msgspec.MsgspecError, binascii.Error, ValueError, Malformed) as error:
        raise Malformed("log.proof_malformed") from error


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
