"""A log asks its witnesses: each new checkpoint with the proof that it continues what the witness knows (C2SP tlog-witness).

- The log need not remember what a witness knows: it asks from what it last sent, and the witness's 409 says better.
- A silent witness is a warning and is asked again; one that refuses a proof our own tiles make has seen another view of this log.

Example: ``ask = asking([Witness(address="http://127.0.0.1:8311", key=key)]); ask(note, log)``
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from luutru.transparency.key_files import key_of
from registry.log_files import LogFiles
from registry.publishing_looks import Ask
from residence.errors import Conflict, LuutruError, Malformed
from residence.transparency.checkpoints import claimed
from residence.transparency.merkle import Position, consistency_path
from residence.transparency.notes import WITNESS, Key, open_note, split_note
from residence.transparency.tiles import Tiles
from residence.transparency.witnessing import Request, request_text

PATIENCE: Final = 5.0  # seconds
CONFLICT: Final = 409
_REFUSALS: Final = frozenset({409, 422})
_LARGEST: Final = 65_536
log = structlog.get_logger("luutru.log")


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """Where a witness listens and by which key it signs."""

    address: str
    key: Key


def read_witness(text: str) -> Witness:
    """Read ``ADDRESS=KEY``, a public key's line or a file that holds it, or raise ``Malformed("log.key_malformed")``."""
    address, _, key = text.partition("=")
    read = key_of(key)
    if not address.startswith(("http://", "https://")) or read.kind != WITNESS:
        raise Malformed("log.key_malformed")
    return Witness(address=address.rstrip("/"), key=read)


def asking(witnesses: Sequence[Witness]) -> Ask:
    """Return what has a checkpoint cosigned by those that answer."""
    known: dict[str, int] = {}

    def ask(note: str, files: LogFiles) -> str:
        _, lines = split_note(note)
        for witness in witnesses:
            if not any(_is_by(line, witness.key) for line in lines):
                note += _cosignature(witness, note, files, known)
        return note

    return ask


def _is_by(line: str, key: Key) -> bool:
    return line.startswith(f"— {key.name} ")


def _cosignature(witness: Witness, note: str, files: LogFiles, known: dict[str, int]) -> str:
    """Return the witness's line, or nothing when it is silent; ``Conflict("log.witness_refused")``."""
    size = claimed(note).size
    for _ in range(2):  # the second time from where the witness says it is
        old = min(known.get(witness.address, 0), size)
        path = consistency_path(Position(old, size), Tiles(size, files.fetch).at)
        status, body = _post(witness.address, request_text(Request(old=old, path=path, note=_without_witnesses(note))))
        if status == CONFLICT and body.strip().isdigit() and int(body) != old and int(body) <= size:
            known[witness.address] = int(body)
            continue
        if status in _REFUSALS:
            raise Conflict("log.witness_refused", "", f"{witness.key.name} answers {status}")
        line = _checked(witness, note, body) if status == 200 else None  # noqa: PLR2004 - done
        if line is not None:
            known[witness.address] = size
            return line
        break
    log.warning("a witness does not answer", witness=witness.key.name)
    return ""


def _without_witnesses(note: str) -> str:
    text, lines = split_note(note)
    return f"{text}\n{lines[0]}"


def _checked(witness: Witness, note: str, body: str) -> str | None:
    text, _ = split_note(note)
    try:
        return open_note(f"{text}\n{body}", [witness.key]).signed[0].line
    except LuutruError:
        return None


def _post(address: str, body: str) -> tuple[int, str]:
    """Return status and body; status 0 when nobody answers."""
    request = urllib.request.Request(f"{address}/add-checkpoint", data=body.encode(), method="POST")  # noqa: S310 - see read_witness
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return int(answer.status), answer.read(_LARGEST).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(_LARGEST).decode("utf-8", "replace")
    except (urllib.error.URLError, OSError):
        return 0, ""
