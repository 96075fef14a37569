"""Where a statement or a certificate of deletion stands in a log, as ``luutru receipt verify`` says it.

- A receipt or proof names its place itself, by number. The proof below the text shows it offline; ``--log`` looks for it in a log's files, and tells
  *promised* (the log is not so long yet), *in_log* (proven to the signed root) and *broken* (proven that something else stands there) apart.
- A promise is overdue when a witness signed a shorter log later than the time allowed after the statement was accepted.
- Receipts of before there was a log of statements, and certificates of deletion, have a proof of a row in the log of looks below them.
- Only keys that were handed in are believed: of several the one the receipt or the checkpoint names.

Example: ``judge_place(answer, text, proof, trust=PlaceTrust(keys=(key,)), log="https://luutru.example/log/statements")``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from luutru.commands.receipt import NOWHERE
from luutru.transparency.fetching import fetch_from, note_from
from residence.clock import parse_instant
from residence.errors import LuutruError, Malformed, Problem, Untrusted, problem
from residence.transparency.checkpoints import Opened, claimed, open_checkpoint
from residence.transparency.notes import Key
from residence.transparency.proofs import verify_proof
from residence.transparency.statements import (
    FoundPlace,
    committed_by,
    find_place,
    is_statement_proof,
    standing_at,
    verify_statement,
)
from residence.wire.deletions import Deletion, parse_deletion_text, proves
from residence.wire.stay_proofs import is_about, log_digest

if TYPE_CHECKING:
    from residence.wire.messages import LogPlace, Receipt
    from residence.wire.stay_proofs import StayProof


class PlaceTrust(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a checker of places believes, and how late an entry may be."""

    keys: tuple[Key, ...]
    witnesses: tuple[Key, ...] = ()
    late_after: timedelta = timedelta(hours=24)

    def key_named(self, name: str) -> Key:
        """Return the key of a log by its name, or raise ``Untrusted("log.other")``."""
        return _first([each for each in self.keys if each.name == name])

    def key_of(self, place: LogPlace) -> Key:
        """Return the key a receipt names, or raise ``Untrusted("log.other")``."""
        return _first([each for each in self.keys if each.key_id.hex() == place.log])


def _first(keys: Sequence[Key]) -> Key:
    if not keys:
        raise Untrusted("log.other")
    return keys[0]


def judge_place(shown: Receipt | StayProof | Deletion, text: str, proof: str, *, trust: PlaceTrust, log: str) -> dict[str, Any]:
    """Return what is to be said of a place: ``{"log": {...}, "problems": [...]}``; nothing is claimed that was not checked."""
    promised = None if isinstance(shown, Deletion) else committed_by(shown)
    told = NOWHERE | {"promised": {"log": promised[0].log, "index": promised[0].index} if promised else None}
    try:
        if promised is not None and (is_statement_proof(proof) or log):
            return _judge_promise(shown.accepted_at, promised, proof, trust=trust, log=log, told=told)  # type: ignore[union-attr]
        if proof or isinstance(shown, Deletion):
            return {"log": told | _row_place(shown, text, proof, trust), "problems": []}
    except LuutruError as error:
        return {"log": told, "problems": [problem(error.code, error.pointer)]}
    return {"log": told, "problems": []}


def _judge_promise(
    accepted_at: str, promised: tuple[LogPlace, bytes], proof: str, *, trust: PlaceTrust, log: str, told: dict[str, Any]
) -> dict[str, Any]:
    place, entry = promised
    key, least = trust.key_of(place), len(trust.witnesses)
    if is_statement_proof(proof):
        proven = verify_statement(entry, proof, log=key, witnesses=trust.witnesses, least=least)
        if proven.index != place.index:
            raise Untrusted("log.promise_broken")
        return {"log": told | {"standing": "in_log"} | _included(proven.opened, proven.index), "problems": []}
    fetch = fetch_from(log)
    note = note_from(fetch)
    opened = open_checkpoint(note, log=key, witnesses=trust.witnesses)
    if len(opened.witnesses) < least:
        raise Untrusted("log.witnesses_missing")
    found = find_place(place.index, note, fetch)
    standing = standing_at(found, entry)
    if found.entry is not None:  # whatever it is, it has to be proven
        verify_statement(found.entry, found.proof, log=key, witnesses=trust.witnesses, least=least)
    told |= {"standing": standing, "checkpoint": _checkpoint(opened, place.index)}
    match standing:
        case "in_log":
            return {"log": told | {"included": True}, "problems": []}
        case "broken":
            return {"log": told | {"evidence": _evidence(found)}, "problems": [problem("log.promise_broken")]}
        case "promised":
            return {"log": told, "problems": _overdue(opened, accepted_at, trust.late_after)}


def _evidence(found: FoundPlace) -> dict[str, str]:
    """Return what convicts the log, beside the receipt: the entry in the statement's place, and its proof up to the signed root."""
    return {"entry": (found.entry or b"").decode(errors="replace"), "proof": found.proof}


def _overdue(opened: Opened, accepted_at: str, late_after: timedelta) -> list[Problem]:
    allowed = (parse_instant(accepted_at) + late_after).timestamp()
    seen = max((each.seconds or 0 for each in opened.witnesses), default=0)
    return [problem("log.promise_overdue")] if seen > allowed else []


def _row_place(shown: Receipt | StayProof | Deletion, text: str, proof: str, trust: PlaceTrust) -> dict[str, Any]:
    """Check the proof of a row of the log of looks: that it is about this very certificate or statement."""
    note = proof.partition("\n\n")[2]
    if not note:
        raise Malformed("log.proof_malformed")
    key = trust.key_named(claimed(note).origin)
    proven = verify_proof(proof, log=key, witnesses=trust.witnesses, least=len(trust.witnesses))
    if isinstance(shown, Deletion):
        is_this = proves(proven.row, parse_deletion_text(text))
    else:
        is_this = is_about(proven.row, log_digest(shown.declaration_id, shown.state, shown.accepted_at))
    if not is_this:
        raise Untrusted("deletion.other_proof")
    return _included(proven.opened, proven.index)


def _included(opened: Opened, index: int) -> dict[str, Any]:
    return {"included": True, "checkpoint": _checkpoint(opened, index)}


def _checkpoint(opened: Opened, index: int) -> dict[str, Any]:
    return {"origin": opened.checkpoint.origin, "size": opened.checkpoint.size, "index": index}
