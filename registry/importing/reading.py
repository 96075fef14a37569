"""Files as batches of text: CSV, XLSX and Parquet, told by their ending, each with its digest.

- Everything is read as text and nothing is guessed: a number cell is what it shows, a date cell is ISO text.
- CSV is UTF-8, or UTF-16 with its mark, or what the mapping names (``tcvn3`` too); anything else is refused. The separator is the commonest of ``, ; tab |``
  in the heading. A line with too few or too many cells is set aside as a row, it does not end the reading.
- CSV and Parquet are read in pieces; a sheet is held whole (a sheet has at most 1,048,575 rows).

Example: ``for batch in open_file(path, mapping).batches(10_000): batch.frame``
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import polars as pl

from registry.importing import tcvn
from registry.importing.mapping import OWN_COLUMNS, Mapping
from residence.errors import Malformed, Refused

SEPARATORS: Final = (",", ";", "\t", "|")
_PIECE: Final = 1 << 20
MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LONGEST_CELL: Final = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Some rows as text, with our error columns left out. ``first_row`` counts data rows from 1."""

    number: int
    first_row: int
    frame: pl.DataFrame
    ragged: frozenset[int] = field(default_factory=frozenset)  # places of rows whose cells do not fit the heading


class Rows(Protocol):
    """What is imported: a file, or rows in memory."""

    name: str
    digest: bytes
    headings: list[str]
    rows: int  # about how many, for the progress

    def batches(self, size: int, wanted: Callable[[int], bool] = ...) -> Iterator[Batch]:
        """Yield the batches whose number is wanted."""
        ...


def open_file(path: Path, mapping: Mapping) -> Rows:
    """Open a file by its ending, or raise ``Refused("import.file_kind")``."""
    opening = _ENDINGS.get(path.suffix.lower())
    if opening is None:
        raise Refused("import.file_kind", "", path.suffix)
    if not path.is_file():
        raise Malformed("import.file_missing", "", path.name)
    return opening(path, mapping)


def _digest(path: Path, count: Callable[[bytes], int] = lambda _piece: 0) -> tuple[bytes, int]:
    hashed, counted = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            hashed.update(piece)
            counted += count(piece)
    return hashed.digest(), counted


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return every column as text, ours left out."""
    kept = [name for name in frame.columns if name not in OWN_COLUMNS]
    return frame.select(pl.col(kept).cast(pl.String))


class Frame:
    """Rows in memory."""

    def __init__(self, frame: pl.DataFrame, *, name: str, digest: bytes) -> None:
        self.name, self.digest = name, digest
        self._frame = as_text(frame)
        self.headings = self._frame.columns
        self.rows = frame.height

    def batches(self, size: int, wanted: Callable[[int], bool] = lambda _number: True) -> Iterator[Batch]:
        """Yield slices."""
        for number, first in enumerate(range(0, self.rows, size)):
            if wanted(number):
                yield Batch(number=number, first_row=first + 1, frame=self._frame[first : first + size])


class XlsxFile(Frame):
    """One sheet; the first when the mapping names none."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        import fastexcel

        try:
            sheet = fastexcel.read_excel(path).load_sheet(mapping.sheet or 0, dtypes="string").to_polars()
        except fastexcel.FastExcelError as error:
            raise Malformed("import.file_unreadable", "", type(error).__name__) from error
        super().__init__(sheet.filter(~pl.all_horizontal(pl.all().is_null())), name=path.name, digest=_digest(path)[0])


class ParquetFile:
    """Read by slices."""

    def __init__(self, path: Path, _mapping: Mapping) -> None:
        self.name, self._path = path.name, path
        self.digest, _ = _digest(path)
        try:
            schema = pl.read_parquet_schema(path)
        except pl.exceptions.PolarsError as error:
            raise Malformed("import.file_unreadable", "", type(error).__name__) from error
        self.headings = [name for name in schema if name not in OWN_COLUMNS]
        self.rows: int = pl.scan_parquet(path).select(pl.len()).collect().item()

    def batches(self, size: int, wanted: Callable[[int], bool] = lambda _number: True) -> Iterator[Batch]:
        """Yield slices."""
        for number, first in enumerate(range(0, self.rows, size)):
            if wanted(number):
                frame = pl.scan_parquet(self._path).slice(first, size).collect()
                yield Batch(number=number, first_row=first + 1, frame=as_text(frame))


class CsvFile:
    """Read line by line, so that one bad line is one bad row."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self.name, self._path = path.name, path
        self.digest, self.rows = _digest(path, lambda piece: piece.count(b"\n"))
        tcvn.install()
        with path.open("rb") as file:
            start = file.read(4)
        self._encoding = mapping.encoding or next((name for mark, name in MARKS if start.startswith(mark)), "utf-8")
        try:
            with self._opened() as text:
                heading = text.readline()
        except (LookupError, UnicodeError) as error:
            raise Malformed("import.encoding", "", self._encoding) from error
        self._separator = mapping.separator or max(SEPARATORS, key=heading.count)
        self._all = next(csv.reader([heading], delimiter=self._separator), [])
        self.headings = [name for name in self._all if name not in OWN_COLUMNS]

    def _opened(self) -> TextIOWrapper:
        return self._path.open("r", encoding=self._encoding, newline="")

    def batches(self, size: int, wanted: Callable[[int], bool] = lambda _number: True) -> Iterator[Batch]:
        """Yield pieces; those not wanted are passed over."""
        csv.field_size_limit(LONGEST_CELL)
        number = 0
        try:
            with self._opened() as text:
                lines = filter(None, csv.reader(text, delimiter=self._separator))
                next(lines, None)
                while rows := list(islice(lines, size)):
                    if wanted(number):
                        yield self._batch(rows, number, number * size + 1)
                    number += 1
        except (UnicodeError, csv.Error) as error:
            raise Malformed("import.encoding", f"/batch/{number}", self._encoding) from error

    def _batch(self, rows: list[list[str]], number: int, first_row: int) -> Batch:
        width = len(self._all)
        ragged = frozenset(place for place, row in enumerate(rows) if len(row) != width)
        for place in ragged:
            rows[place] = (rows[place] + [""] * width)[:width]
        columns: dict[str, Any] = {
            name: each for name, each in zip(self._all, zip(*rows, strict=True), strict=True) if name not in OWN_COLUMNS
        }
        frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        return Batch(number=number, first_row=first_row, frame=frame, ragged=ragged)


_ENDINGS: Final[dict[str, Callable[[Path, Mapping], Rows]]] = {
    ".csv": CsvFile,
    ".txt": CsvFile,
    ".tsv": CsvFile,
    ".xlsx": XlsxFile,
    ".parquet": ParquetFile,
}
