"""The proof a person takes home of one look at them: their own record, on the record, in a log that others witnessed.

- Given to the person the look was at and to nobody else; a look that is sealed is given once its day has come.
- The proof's texts are made from the record as it stands: one that was altered yields a proof that does not hold.

Example: ``proof_of(connection, access_id, person_id, log=LogFiles(folder), now=now)`` -> text of a ``.tlog-proof``
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from registry.log_files import LogFiles
from registry.look_log import record_and_look, text_of
from registry.sealed_looks import is_sealed
from residence.errors import Refused
from residence.transparency.checkpoints import claimed
from residence.transparency.looks import hashes_of
from residence.transparency.merkle import Position, among, inclusion_path
from residence.transparency.proofs import RowProof, proof_text
from residence.transparency.tiles import Tiles


def proof_of(connection: Connection, access_id: str, person_id: str, *, log: LogFiles, now: datetime) -> str:
    """Return the proof of one look at a person, or raise ``Refused("log.unknown_look")``."""
    found, note = record_and_look(connection, access_id, person_id), log.note()
    if found is None or note is None:
        raise Refused("log.unknown_look")
    record, look = found
    size = claimed(note).size
    if is_sealed(connection, access_id, now=now) or look.place_in_log is None or look.place_in_log >= size:
        raise Refused("log.unknown_look")
    hashes = hashes_of(look.row_hashes)
    row = RowProof(
        row=text_of(record, look).decode(),
        place=record.place,
        path=inclusion_path(Position(record.place, len(hashes)), among(hashes)),
        entry=look.entry.decode(),
    )
    path = inclusion_path(Position(look.place_in_log, size), Tiles(size, log.fetch).at)
    return proof_text(row, index=look.place_in_log, path=path, checkpoint=note)
