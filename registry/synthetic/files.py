"""The invented city as files an authority might hand over, and its truth beside them.

- ``premises``, ``households``, ``residents`` (records with their residences), ``old-numbers``: Parquet, CSV or XLSX.
- ``truth.parquet`` is always Parquet and never among what is imported.
- Parts are written as they come: memory does not grow with the city. A sheet holds 1,048,575 rows; a larger city is refused there.

Example: ``write_city(city(20_000, chance), Path("town"), form="csv")["residents"]`` is the number of rows
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from registry.synthetic.city import Part
from registry.table_files import WRITERS, Form

TRUTH: Final = "truth"


def frames_of(part: Part) -> dict[str, pl.DataFrame]:
    """Return what is written of a part, by file."""
    both = pl.col("personal_number").is_not_null() & pl.col("old_number").is_not_null()
    return {
        "premises": part.premises.drop("old_address"),
        "households": part.households,
        "residents": part.residents().rename({"record_ref": "person_ref", "kind": "residence_kind"}),
        "old-numbers": part.records.filter(both).select("commune_code", "personal_number", "old_number"),
        TRUTH: part.truth,
    }


def write_city(
    parts: Iterator[Part],
    folder: Path,
    *,
    form: Form,
    progress: Callable[[int], None] = lambda _rows: None,
) -> dict[str, int]:
    """Write all parts; returns rows by file. ``progress`` is told how many persons are written."""
    folder.mkdir(parents=True, exist_ok=True)
    writers: dict[str, Any] = {}
    rows: dict[str, int] = {}
    try:
        for part in parts:
            for name, frame in frames_of(part).items():
                if name not in writers:
                    kind = "parquet" if name == TRUTH else form
                    writers[name] = WRITERS[kind](folder / f"{name}.{kind}")
                writers[name].write(frame)
                rows[name] = rows.get(name, 0) + frame.height
            progress(rows[TRUTH])
    finally:
        for each in writers.values():
            each.close()
    return rows
