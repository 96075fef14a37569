"""What was taken over from files: which file, by whom, how far, and which row made what.

- ``imports`` is one file read with one mapping: its digest, who, when, and what came of it. ``commune_code`` is ``*`` when its rows name theirs.
- ``import_batches`` says which rows are in: a batch and its rows are committed together, so a killed import goes on where it stopped.
  Rejected rows are kept as row number, field and code; never what they said.
- ``imported_rows`` leads from a row to what it made, by keyed hashes: the same row again, whole or corrected, is recognised.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table

from registry.columns import blind_index, commune, document, found_by, instant, metadata, octets, own_id, reference, text, word

imports: Final = Table(
    "imports",
    metadata,
    commune(),
    own_id("import_id", 36),
    word("kind", length=16),
    word("source", length=64),
    text("file_name", nullable=False),
    octets("file_digest"),
    octets("mapping_digest"),
    word("imported_by", length=64),
    Column("batch_rows", Integer, nullable=False),
    instant("started_at"),
    instant("finished_at", nullable=True),
    found_by("import_id"),
)

import_batches: Final = Table(
    "import_batches",
    metadata,
    commune(),
    own_id("import_id", 36),
    own_id("batch", 12),
    document("counts"),
    document("rejected"),
    instant("done_at"),
    found_by("import_id", "batch"),
)

# One row for each person, household and premises that was taken over; row_id is a keyed hash of source, kind and the source's own reference.
imported_rows: Final = Table(
    "imported_rows",
    metadata,
    commune(),
    own_id("row_id", 36),
    reference("subject_id"),
    blind_index("content"),
    reference("import_id"),
    Column("row_number", Integer, nullable=False),
    found_by("row_id"),
    Index("ix_imported_rows_import_id", "import_id"),
)
