"""How far an import is: which file with which mapping, by whom, and which of its batches are in.

- An import's identity is its file's digest, kind, source and mapping: the same file again is the same import and goes on, or is done.
- The note that a batch is in is written in the batch's own transaction, first: of two that import the same at once, one is told.
- A batch has as many rows as when the import began, whatever this version would choose.

Example: ``journal = begin(connection, rows, kind="residents", mapping=mapping, who=who)``
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from registry import tables
from registry.importing.fields import Kind
from registry.importing.mapping import Mapping
from registry.importing.reading import Rows
from registry.importing.taking import Rejected, id_of
from residence.errors import Conflict

EVERY_COMMUNE: Final = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Who:
    """Who imports, when, and how many rows go into a transaction."""

    name: str
    now: datetime
    batch_rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """One import as far as it is."""

    import_id: str
    commune_code: str
    batch_rows: int
    done: frozenset[int]
    finished: bool


def import_id_of(rows: Rows, *, kind: Kind, mapping: Mapping) -> str:
    """Return the identity of an import."""
    parts = (rows.digest.hex(), kind, mapping.source, mapping.digest().hex())
    return id_of(hashlib.sha256("\n".join(parts).encode()).digest())


def begin(connection: Connection, rows: Rows, *, kind: Kind, mapping: Mapping, who: Who) -> Journal:
    """Begin an import, or find it again."""
    import_id, columns = import_id_of(rows, kind=kind, mapping=mapping), tables.imports.c
    found = connection.execute(select(tables.imports).where(columns.import_id == import_id)).first()
    if found is not None:
        batches = tables.import_batches.c
        done = connection.scalars(select(batches.batch).where(batches.import_id == import_id))
        return Journal(
            import_id=import_id,
            commune_code=found.commune_code,
            batch_rows=found.batch_rows,
            done=frozenset(map(int, done)),
            finished=found.finished_at is not None,
        )
    commune = mapping.commune_code or EVERY_COMMUNE
    row = {
        "commune_code": commune,
        "import_id": import_id,
        "kind": kind,
        "source": mapping.source,
        "file_name": rows.name,
        "file_digest": rows.digest,
        "mapping_digest": mapping.digest(),
        "imported_by": who.name,
        "batch_rows": who.batch_rows,
        "started_at": who.now,
        "finished_at": None,
    }
    connection.execute(insert(tables.imports), [row])
    return Journal(import_id=import_id, commune_code=commune, batch_rows=who.batch_rows, done=frozenset(), finished=False)


def claim(connection: Connection, journal: Journal, number: int, *, now: datetime) -> None:
    """Note that a batch is in, before its rows: whoever comes second waits here and is told ``Conflict("import.running")``."""
    row = {
        "commune_code": journal.commune_code,
        "import_id": journal.import_id,
        "batch": f"{number:09d}",
        "counts": {},
        "rejected": [],
        "done_at": now,
    }
    try:
        connection.execute(insert(tables.import_batches), [row])
    except IntegrityError as error:
        raise Conflict("import.running") from error


def note(connection: Connection, journal: Journal, number: int, *, counts: Counter[str], rejected: list[Rejected]) -> None:
    """Note what came of a batch."""
    columns = tables.import_batches.c
    change = (
        update(tables.import_batches)
        .where(columns.import_id == journal.import_id, columns.commune_code == journal.commune_code)
        .where(columns.batch == f"{number:09d}")
    )
    connection.execute(change.values(counts=dict(counts), rejected=[list(each) for each in rejected]))


def finish(connection: Connection, journal: Journal, *, now: datetime) -> None:
    """Note that all is in."""
    columns = tables.imports.c
    change = update(tables.imports).where(columns.import_id == journal.import_id, columns.commune_code == journal.commune_code)
    connection.execute(change.values(finished_at=now))


def outcome(connection: Connection, journal: Journal) -> tuple[Counter[str], dict[int, list[Rejected]]]:
    """Return the counts of all batches, and rejections by batch."""
    columns = tables.import_batches.c
    query = select(columns.batch, columns.counts, columns.rejected).where(columns.import_id == journal.import_id)
    counts: Counter[str] = Counter()
    rejected: dict[int, list[Rejected]] = {}
    for batch, counted, reasons in connection.execute(query.order_by(columns.batch)):
        counts.update(counted)
        if reasons:
            rejected[int(batch)] = [_rejected(each) for each in reasons]
    return counts, rejected


def _rejected(reason: list[Any]) -> Rejected:
    row, field, code = reason
    return Rejected(row, field, code)
