"""What the log of statements says of a statement: a number nobody can read anything from, at a place promised when the receipt was signed.

- One entry a statement. It holds the hash of a text (id, state, second of acceptance) salted with 16 bytes that stand in the receipt alone: who has
  the receipt finds the entry, nobody else learns anything from it, and once the receipts are gone the entry says nothing at all.
- The place is promised in the receipt, by number, before the log's process has seen the statement; the log is then written in exactly that order.
- A place that was promised and whose statement was gone when its turn came holds ``VOID``: its holder sees that the promise was broken, and the
  signed receipt beside the signed log shows it to everybody.
- A proof is a C2SP tlog-proof without an ``extra`` line: the entry follows from the receipt itself.

Example: ``verify_statement(entry_of(digest), text, log=key).index`` for a proof that held
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, Literal

import msgspec

from residence.clock import parse_instant
from residence.errors import Malformed, Problem, Untrusted, problem
from residence.transparency.checkpoints import Opened, claimed, open_checkpoint, read_hash, read_size
from residence.transparency.merkle import HASH_BYTES, Path, Position, inclusion_path, leaf_hash, verify_inclusion
from residence.transparency.notes import Key
from residence.transparency.tiles import Fetch, Tiles
from residence.wire.messages import LogPlace, Receipt
from residence.wire.stay_proofs import StayProof

SALT_BYTES: Final = 16
_FIRST_LINE: Final = b"luutru-statement/1\n"
VOID: Final = _FIRST_LINE + b"-\n"
_PROOF_LINE: Final = "c2sp.org/tlog-proof@v1"
_LEAST_LINES: Final = 2
# promised: the log is not so long yet; in_log: it stands there; broken: the log has something else there
Standing = Literal["promised", "in_log", "broken"]


class ProvenStatement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a proof that held says its entry stands."""

    index: int
    opened: Opened


class FoundPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What a log has at a promised place, unbelieved; ``proof`` is of ``entry``, whatever that is."""

    size: int
    entry: bytes | None = None  # None: the log is not so long yet
    proof: str = ""


def commitment(declaration_id: str, state: str, accepted_at: str, *, salt: bytes) -> bytes:
    """Return the 32 bytes that stand for a statement. ``accepted_at`` is RFC 3339 and counts to the second."""
    return commitment_at(declaration_id, state, int(parse_instant(accepted_at).timestamp()), salt)


def commitment_at(declaration_id: str, state: str, seconds: int, salt: bytes) -> bytes:
    """Return the same, the time in seconds since 1970."""
    text = f"luutru statement 2\n{salt.hex()}\n{declaration_id}\n{state}\n{seconds}\n"
    return sha256(text.encode()).digest()


def committed_by(said: Receipt | StayProof) -> tuple[LogPlace, bytes] | None:
    """Return the place a receipt or proof promises, and the entry that has to stand there; None when it promises none."""
    if said.log is None:
        return None
    return said.log, entry_of(commitment(said.declaration_id, said.state, said.accepted_at, salt=said.log.salt))


def standing_at(found: FoundPlace, entry: bytes) -> Standing:
    """Return what became of a promise, by what the log has there."""
    if found.entry is None:
        return "promised"
    return "in_log" if found.entry == entry else "broken"


def entry_of(digest: bytes) -> bytes:
    """Return the entry of a commitment."""
    return _FIRST_LINE + base64.b64encode(digest) + b"\n"


def is_statement(entry: bytes) -> bool:
    """Tell whether an entry is one of a log of statements."""
    return entry.startswith(_FIRST_LINE)


def entry_problems(entries: Iterable[bytes]) -> list[Problem]:
    """Return what is wrong in a log of statements: places promised to nobody we know, with the place as the pointer."""
    problems = []
    for place, entry in enumerate(entries):
        if entry == VOID:
            problems.append(problem("log.promise_void", f"/{place}"))
        elif not _is_well_formed(entry):
            problems.append(problem("log.entry_malformed", f"/{place}"))
    return problems


def _is_well_formed(entry: bytes) -> bool:
    try:
        return entry == entry_of(read_hash(entry.removeprefix(_FIRST_LINE).decode().removesuffix("\n")))
    except (Malformed, UnicodeDecodeError):
        return False


def leaves_of(data: bytes) -> list[bytes]:
    """Return the commitments of a block, as they were written one after another; none of one that was cut."""
    if len(data) % HASH_BYTES:
        return []
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def statement_proof_text(*, index: int, path: Path, checkpoint: str) -> str:
    """Return the file."""
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in path)
    return f"{_PROOF_LINE}\nindex {index}\n{hashes}\n{checkpoint}"


def is_statement_proof(text: str) -> bool:
    """Tell this kind of proof from that of a look's row, which has an ``extra`` line."""
    return text.startswith(f"{_PROOF_LINE}\nindex ")


def find_place(index: int, note: str, fetch: Fetch) -> FoundPlace:
    """Read what stands at a place of the log with this checkpoint, or raise ``Malformed("log.file_missing" | ...)``."""
    size = claimed(note).size
    if index >= size:
        return FoundPlace(size=size)
    tiles = Tiles(size, fetch)
    (entry,) = tiles.entries(index, index + 1)
    path = inclusion_path(Position(index, size), tiles.at)
    return FoundPlace(size=size, entry=entry, proof=statement_proof_text(index=index, path=path, checkpoint=note))


def verify_statement(entry: bytes, text: str, *, log: Key, witnesses: Sequence[Key] = (), least: int = 0) -> ProvenStatement:
    """Return where an entry stands once the proof held; ``least``: so many of ``witnesses`` must have cosigned.

    Raises ``Malformed("log.proof_malformed")`` or ``Untrusted("log.proof_bad" | "log.witnesses_missing" | ...)``.
    """
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < _LEAST_LINES or not is_statement_proof(text):
        raise Malformed("log.proof_malformed")
    try:
        index, path = read_size(lines[1].removeprefix("index ")), tuple(read_hash(each) for each in lines[2:])
    except Malformed as error:
        raise Malformed("log.proof_malformed") from error
    opened = open_checkpoint(note, log=log, witnesses=witnesses)
    if len(opened.witnesses) < least:
        raise Untrusted("log.witnesses_missing")
    if not verify_inclusion(leaf_hash(entry), Position(index, opened.checkpoint.size), path, opened.checkpoint.root):
        raise Untrusted("log.proof_bad")
    return ProvenStatement(index=index, opened=opened)
