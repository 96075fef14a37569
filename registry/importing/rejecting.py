"""Rows set aside, as a file to correct and feed again: the same columns as they stood, and why, in Vietnamese and English.

- ``luutru_row`` is the row in the file it came from; ``luutru_code``, ``luutru_field``, ``luutru_vi`` and ``luutru_en`` name every reason, one to
  a line of the cell. The columns are passed over when the file is read again.
- The file has the form of the one it came from; nothing is written when nothing was set aside.

Example: ``write_rejected(path, rows, rejected, headings=columns, size=10_000)`` is the number of rows written
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from registry.importing.mapping import OWN_COLUMNS
from registry.importing.reading import Batch, Rows
from registry.importing.taking import Rejected
from registry.table_files import WRITERS
from residence.errors import plain_sentence


def write_rejected(
    path: Path, rows: Rows, rejected: Mapping[int, list[Rejected]], *, headings: Mapping[str, str], size: int
) -> int:
    """Write the rows set aside, batch by batch. ``headings``: our field -> their column."""
    if not rejected:
        return 0
    writer = WRITERS[path.suffix.removeprefix(".").lower()](path)
    count = 0
    try:
        for frame in _frames(rows, rejected, headings, size):
            writer.write(frame)
            count += frame.height
    finally:
        writer.close()
    path.chmod(0o600)  # people's data, in a folder nobody chose for it
    return count


def _frames(rows: Rows, rejected: Mapping[int, list[Rejected]], headings: Mapping[str, str], size: int) -> Iterator[pl.DataFrame]:
    for batch in rows.batches(size, lambda number: number in rejected):
        yield _frame(batch, rejected[batch.number], headings)


def _frame(batch: Batch, reasons: list[Rejected], headings: Mapping[str, str]) -> pl.DataFrame:
    by_row: dict[int, list[Rejected]] = defaultdict(list)
    for each in reasons:
        by_row[each.row].append(each)
    places = sorted(by_row)
    said = {row: [plain_sentence(each.code) for each in found] for row, found in by_row.items()}
    columns = (
        [str(each) for each in places],
        ["\n".join(each.code for each in by_row[row]) for row in places],
        ["\n".join(headings.get(each.field, each.field) for each in by_row[row]) for row in places],
        ["\n".join(each.vi for each in said[row]) for row in places],
        ["\n".join(each.en for each in said[row]) for row in places],
    )
    kept = batch.frame[[row - batch.first_row for row in places]]
    return kept.with_columns(pl.Series(name, each, dtype=pl.String) for name, each in zip(OWN_COLUMNS, columns, strict=True))
