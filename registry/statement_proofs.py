"""What became of the place in the log a receipt promised, as the log's files have it now, and the proof of it to take home.

- Promised: the log is not so long yet. In the log: the proof leads to the root the log signed. Broken: something else stands there; that is shown as it is.
- Nothing of the registry is read: whoever has the receipt and a copy of the log comes to the same.
- Nothing is said of a place in another log than the one in the folder.

Example: ``place_now(receipt, LogFiles(folder / "statements")).standing == "in_log"``
"""

from __future__ import annotations

import msgspec

from registry.log_files import LogFiles
from residence.errors import LuutruError
from residence.transparency.notes import read_vkey
from residence.transparency.statements import Standing, committed_by, find_place, standing_at
from residence.wire.messages import Receipt
from residence.wire.stay_proofs import StayProof


class PlaceNow(msgspec.Struct, frozen=True, kw_only=True):
    """A promised place, and what stands there."""

    index: int
    log: str  # the id of the log's key
    standing: Standing
    proof: str = ""  # of a statement that is in the log


def place_now(said: Receipt | StayProof, log: LogFiles) -> PlaceNow | None:
    """Return what became of a promise; None where none was made, or of a log that is not in this folder."""
    promised, note = committed_by(said), log.note()
    if promised is None or note is None or not _is_of(promised[0].log, log):
        return None
    place, entry = promised
    try:
        found = find_place(place.index, note, log.fetch)
    except LuutruError:  # a file is missing: the log's monitors tell, and nothing is claimed here
        return None
    standing = standing_at(found, entry)
    proof = found.proof if standing == "in_log" else ""
    return PlaceNow(index=place.index, log=place.log, standing=standing, proof=proof)


def _is_of(log_id: str, log: LogFiles) -> bool:
    keys = log.keys()
    try:
        return keys is not None and read_vkey(keys[0]).key_id.hex() == log_id
    except LuutruError:
        return False
