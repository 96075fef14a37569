"""Tables written to files as they come, piece by piece: Parquet, CSV and XLSX, told by the ending.

- Nothing is held but what the form needs: Parquet pieces wait beside the file, a sheet's cells are written as they come.
- Text stays text: no number loses its zeros. CSV begins with the mark spreadsheets need to see UTF-8.
- A sheet holds 1,048,575 rows; one more is refused.

Example: ``writer = WRITERS["csv"](Path("rows.csv")); writer.write(frame); writer.close()``
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import polars as pl

from residence.errors import Refused

Form = Literal["parquet", "csv", "xlsx"]
SHEET_ROWS: Final = 1_048_575
_MARK: Final = b"\xef\xbb\xbf"


class Writer(Protocol):
    """Takes frames of the same columns."""

    def write(self, frame: pl.DataFrame) -> None:
        """Write some rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


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


WRITERS: Final[dict[str, Callable[[Path], Writer]]] = {"parquet": _Parquet, "csv": _Csv, "xlsx": _Xlsx}
