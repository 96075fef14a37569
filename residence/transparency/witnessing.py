"""When a witness puts its name to a checkpoint, and what is asked of it (C2SP tlog-witness).

- It remembers the last checkpoint of each log it cosigned, and cosigns only what is that or begins with it.
- What it refuses it answers with the status the protocol names; a checkpoint the log signed that does not continue the last one is evidence
  and is handed back as such.
- Remembering comes before answering, and both under one lock: that is the caller's.

Example: ``decide(read_request(body), known=last, log=key)`` -> the checkpoint to remember and cosign
"""

from __future__ import annotations

import base64
from typing import Final

import msgspec

from residence.errors import LuutruError, Malformed
from residence.transparency.checkpoints import Checkpoint, Opened, open_checkpoint, read_hash, read_size
from residence.transparency.merkle import EMPTY_ROOT, Path, Position, verify_consistency
from residence.transparency.notes import Key

LONGEST_PATH: Final = 63


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint handed in, and the proof that it continues what the witness knows."""

    old: int
    path: Path
    note: str


class Refusal(Exception):
    """The witness does not cosign. ``evidence``: the log signed two views that cannot both be."""

    def __init__(self, status: int, *, size: int | None = None, evidence: bool = False) -> None:
        self.status: Final = status
        self.size: Final = size
        self.evidence: Final = evidence
        super().__init__(f"status {status}")


def request_text(request: Request) -> str:
    """Return the body of ``add-checkpoint``."""
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in request.path)
    return f"old {request.old}\n{hashes}\n{request.note}"


def read_request(body: str) -> Request:
    """Read the body of ``add-checkpoint``, or raise ``Malformed("log.request_malformed")``."""
    head, blank, note = body.partition("\n\n")
    lines = head.split("\n")
    if not blank or not lines[0].startswith("old ") or len(lines) > 1 + LONGEST_PATH:
        raise Malformed("log.request_malformed")
    try:
        path = tuple(read_hash(each) for each in lines[1:])
        return Request(old=read_size(lines[0].removeprefix("old ")), path=path, note=note)
    except Malformed as error:
        raise Malformed("log.request_malformed") from error


def decide(request: Request, *, known: Checkpoint | None, log: Key) -> Opened:
    """Return the checkpoint to remember and cosign, or raise ``Refusal``."""
    try:
        opened = open_checkpoint(request.note, log=log)
    except LuutruError:
        raise Refusal(403) from None
    new, size = opened.checkpoint, known.size if known else 0
    if request.old > new.size:
        raise Refusal(400)
    if request.old != size:
        raise Refusal(409, size=size)
    root = known.root if known else EMPTY_ROOT
    if size == new.size and root != new.root:
        raise Refusal(409, size=size, evidence=True)
    if not verify_consistency(Position(size, new.size), request.path, root, new.root):
        # the proof may simply be wrong, so this alone convicts nobody; it is kept to be looked at
        raise Refusal(422, evidence=True)
    return opened
