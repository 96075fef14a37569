"""The invented city as files an authority might hand over, and its truth beside them.

- ``premises``, ``households``, ``residents`` (records with their residences), ``old-numbers``: Parquet, CSV or XLSX.
- ``truth.parquet`` is always Parquet and never among what is imported.
- Parts are written as they come: memory does not grow with the city. A sheet holds 1,048,575 rows; a larger city is refused there.

Example: ``write_city(city(20_000, chance), Path("town"), form="csv")["residents"]`` is the number of rows
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from registry.synthetic.city import Part
from residence.errors import Refused

Form = Literal["parquet", "csv", "xlsx"]
TRUTH: Final = "truth"
SHEET_ROWS: Final = 1_048_575
_MARK: Final = b"\xef\xbb\xbf"  # spreadsheets read UTF-8 only behind it


def frames_of(part: Part) -> dict[str, pl.DataFrame]:
    """Return what is written of a part, by file."""
    both = pl.col("personal_number").is_not_null() & pl.col("old_number").is_not_null()
    return {
        "premises": part.premises.drop("old_address"),
        "households": part.households,
        "residents": part.residents(),
        "old-numbers": part.records.filter(both).select("record_ref", "commune_code", "personal_number", "old_number"),
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
                    writers[name] = _WRITERS[kind](folder / f"{name}.{kind}")
                writers[name].write(frame)
                rows[name] = rows.get(name, 0) + frame.height
            progress(rows[TRUTH])
    finally:
        for each in writers.values():
            each.close()
    return rows


class _Parquet:
    """Parts beside the file, put together at the end without holding them all."""

    def __init__(self, path: Path) -> None:
        self._path, self._parts = path, path.with_suffix(".parts")
        shutil.rmtree(self._parts, ignore_errors=True)
        self._parts.mkdir()
        self._count = 0

    def write(self, frame: pl.DataFrame) -> None:
        frame.write_parquet(self._parts / f"{self._count:06d}.parquet")
        self._count += 1

    def close(self) -> None:
        pl.scan_parquet(self._parts / "*.parquet").sink_parquet(self._path)
        shutil.rmtree(self._parts)


class _Csv:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(_MARK)
        self._first = True

    def write(self, frame: pl.DataFrame) -> None:
        frame.write_csv(self._file, include_header=self._first)
        self._first = False

    def close(self) -> None:
        self._file.close()


class _Xlsx:
    def __init__(self, path: Path) -> None:
        from xlsxwriter import Workbook

        self._book = Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False})
        self._sheet = self._book.add_worksheet()
        self._rows = 0

    def write(self, frame: pl.DataFrame) -> None:
        if self._rows + frame.height > SHEET_ROWS:
            raise Refused("import.sheet_too_long")
        if not self._rows:
            self._row(frame.columns)
        for row in frame.iter_rows():
            self._row(row)

    def _row(self, values: Any) -> None:
        for place, value in enumerate(values):
            if value is not None:
                self._sheet.write(self._rows, place, value)
        self._rows += 1

    def close(self) -> None:
        self._book.close()


_WRITERS: Final[dict[str, Callable[[Path], Any]]] = {"parquet": _Parquet, "csv": _Csv, "xlsx": _Xlsx}
