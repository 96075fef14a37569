"""What became of a list's lines, as a file in the form it came in: the lines to correct, or all of them, to be fed again.

- The same columns as they stood, and ours beside: line, state, receipt, and every reason with its column, in Vietnamese and English. Ours are passed
  over when the file is read again; lines that are declared already are recognised.
- Of a list that was only checked no line has a receipt unless it came before: ``accepted`` is ``can-be-declared`` there.
- XLSX and XML come back as XLSX with every cell a text, CSV as CSV in UTF-8 with its mark. Made in memory: nothing is written to a disk.

Example: ``result_file(given, lines, outcomes, phase="declare", everything=False).data``
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from registry.guest_lists import GuestList, Outcome, Phase
from registry.importing.lists import Line
from registry.importing.mapping import LIST_COLUMNS
from residence.errors import plain_sentence
from residence.wire.receipts import receipt_code

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TO_CORRECT: Final = frozenset({"refused", "conflicting"})


class ResultFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to give back."""

    name: str
    media_type: str
    data: bytes
    rows: int


def result_file(
    given: GuestList, lines: Sequence[Line], outcomes: Sequence[Outcome], *, phase: Phase, everything: bool
) -> ResultFile:
    """Return the file of all lines, or of those to be corrected, after a list was checked or declared."""
    kept = [place for place, name in enumerate(given.headings) if name not in LIST_COLUMNS]
    ends = {each.number: each for each in outcomes if everything or each.state in _TO_CORRECT}
    rows = [_row(line, ends[line.number], kept, given=given, phase=phase) for line in lines if line.number in ends]
    table = [[*(given.headings[place] for place in kept), *LIST_COLUMNS], *rows]
    stem = f"{given.file_name.rpartition('.')[0] or given.file_name}.{'result' if everything else 'rejected'}"
    if given.form == "csv":
        return ResultFile(name=f"{stem}.csv", media_type="text/csv; charset=utf-8", data=_csv(table), rows=len(rows))
    return ResultFile(name=f"{stem}.xlsx", media_type=_XLSX, data=_xlsx(table), rows=len(rows))


def _stands(outcome: Outcome, phase: Phase) -> tuple[str, str]:
    """Return a line's state and receipt: of a check nothing stands, so nobody is accepted and only who came before has a receipt."""
    came_before = any(code == "guest-import.came_before" for code, _, _ in outcome.reasons)
    receipt = receipt_code(outcome.declaration_id) if outcome.declaration_id and (phase == "declare" or came_before) else ""
    return "can-be-declared" if outcome.state == "accepted" and phase == "check" else outcome.state, receipt


def _row(line: Line, outcome: Outcome, kept: Sequence[int], *, given: GuestList, phase: Phase) -> list[str]:
    cells = [line.cells[place] if place < len(line.cells) else "" for place in kept]
    columns = given.mapping.guests.columns
    said = [(code, columns.get(field, field), plain_sentence(code)) for code, _, field in outcome.reasons]
    return [
        *cells,
        str(line.number),
        "\n".join(code for code, _, _ in said),
        "\n".join(field for _, field, _ in said),
        "\n".join(text.vi for _, _, text in said),
        "\n".join(text.en for _, _, text in said),
        *_stands(outcome, phase),
    ]


def _csv(table: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(table)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _xlsx(table: Sequence[Sequence[str]]) -> bytes:
    from xlsxwriter import Workbook

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(out, options) as book:
        text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet()
        sheet.set_column(0, len(table[0]) - 1, 18, text)
        for number, place, value in _cells(table):
            sheet.write_string(number, place, value, text)
    return out.getvalue()


def _cells(table: Sequence[Sequence[str]]) -> Iterator[tuple[int, int, str]]:
    for number, row in enumerate(table):
        for place, value in enumerate(row):
            if value:
                yield number, place, value
