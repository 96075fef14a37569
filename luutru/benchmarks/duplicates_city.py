"""The invented city as persons to search for duplicates among, and its truth: who is one person.

- Raw fields go to a Parquet file, the truth stays with who measures: what searches is handed the file alone.
- ``candidates`` reads such a file in batches, as ``registry/duplicates/reading.py`` reads a registry.
- Training also needs who is whom as a column; a file with it is never what is measured.

Example: ``truth = write_city(Path("city.parquet"), persons=10_000, seed=3)``
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from registry.duplicates.columns import Candidate
from registry.duplicates.pairing import arrow_of
from registry.duplicates.training import ENTITY
from registry.synthetic.city import city
from residence.people.person import PartialDate, Precision

BATCH: Final = 20_000
Truth = frozenset[tuple[str, str]]
_PRECISIONS: Final[dict[int, Precision]] = {4: "year", 7: "month", 10: "day"}
_KEPT: Final = (
    "record_ref", "full_name", "birth", "sex", "personal_number", "old_number", "phone", "residence_text", "nationality",
    "document_kind", "document_number",
)  # fmt: skip


def write_city(path: Path, *, persons: int, seed: int, labelled: bool = False) -> Truth:
    """Draw a city, write its records, and return the pairs of records that are one person."""
    chance = np.random.Generator(np.random.PCG64(seed))
    truth: set[tuple[str, str]] = set()
    writer: pq.ParquetWriter | None = None
    for part in city(persons, chance):
        truth |= _pairs(part.truth)
        table = part.records.select(_KEPT).to_arrow()
        if labelled:
            table = table.append_column(ENTITY, part.truth["person_ref"].to_arrow())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()
    return frozenset(truth)


def keys_of(path: Path, *, once: bool = False) -> Iterator[pa.Table]:
    """Return the derived keys of a file in batches; with the column of who is whom if it has one. ``once``: each person's first record."""
    seen: set[str] = set()
    for batch in pq.ParquetFile(path).iter_batches(BATCH):
        rows = batch.to_pylist()
        if once:
            rows = [row for row in rows if row[ENTITY] not in seen]
            seen.update(row[ENTITY] for row in rows)
        table = arrow_of(map(candidate_of, rows))
        if ENTITY in batch.schema.names:
            table = table.append_column(ENTITY, pa.array([row[ENTITY] for row in rows], pa.string()))
        yield table


def candidate_of(row: dict[str, Any]) -> Candidate:
    """Return a record as the search sees it."""
    birth, is_passport = row["birth"], row["document_kind"] == "passport"
    return Candidate(
        person_id=row["record_ref"],
        full_name=row["full_name"],
        birth=PartialDate(value=birth, precision=_PRECISIONS[len(birth)]) if birth else None,
        sex=row["sex"],
        personal=row["personal_number"],
        old=row["old_number"],
        document=f"passport:{row['nationality']}:{row['document_number']}" if is_passport and row["document_number"] else None,
        phone=row["phone"],
        address=row["residence_text"],
    )


def _pairs(truth: pl.DataFrame) -> set[tuple[str, str]]:
    records = truth.group_by("person_ref").agg("record_ref").filter(pl.col("record_ref").list.len() > 1)["record_ref"].to_list()
    return {(one, other) for each in map(sorted, records) for at, one in enumerate(each) for other in each[at + 1 :]}
