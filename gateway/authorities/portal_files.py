"""The portal's import files: written, read back and compared before anybody may use them.

- XLSX: sheet ``DS_KHACH_VIET_NAM_LUU_TRU``, headers above row 4, which the portal skips by position, data from row 5, every cell a text.
- XML: ``KHAI_BAO_TAM_TRU`` with one ``THONG_TIN_KHACH`` for each foreigner.
- Zero rows are never a file. A file that reads back otherwise than it was meant is an error (``authority.file_differs``).

Example: ``write_xlsx(path, rows)``, then ``verify_xlsx(path, rows)``
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import xlsxwriter

from gateway.authorities.portal_rows import COLUMNS
from residence.errors import Malformed, Refused

SHEET: Final = "DS_KHACH_VIET_NAM_LUU_TRU"
HEADER_ROW: Final = 3
EXAMPLE_ROW: Final = 4
FIRST_ROW: Final = 5
EXAMPLE: Final = "[EXAMPLE]"
ROOT: Final = "KHAI_BAO_TAM_TRU"
GUEST: Final = "THONG_TIN_KHACH"
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Row = tuple[str, ...]
Elements = tuple[tuple[str, str], ...]


def write_xlsx(path: Path, rows: Sequence[Row]) -> None:
    """Write the guests' sheet."""
    if not rows:
        raise Refused("authority.nothing_to_export")
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(SHEET)
        sheet.set_column(0, len(COLUMNS) - 1, 18, text)
        placed = [(HEADER_ROW, COLUMNS), (EXAMPLE_ROW, (EXAMPLE,)), *enumerate(rows, start=FIRST_ROW)]
        for number, cells in placed:
            for column, value in enumerate(cells):
                if value:
                    sheet.write_string(number - 1, column, value, text)


def verify_xlsx(path: Path, rows: Sequence[Row]) -> int:
    """Read the file again and compare every cell; returns how many guests are in it, or raises ``Malformed("authority.file_differs")``."""
    found = read_xlsx(path)
    expected = {HEADER_ROW: COLUMNS, EXAMPLE_ROW: (EXAMPLE,), **dict(enumerate(rows, start=FIRST_ROW))}
    wanted = {(number, place): value for number, cells in expected.items() for place, value in enumerate(cells) if value}
    if found != wanted:
        raise Malformed("authority.file_differs", "", f"{len(found)} cells read, {len(wanted)} written")
    return len(rows)


def read_xlsx(path: Path) -> dict[tuple[int, int], str]:
    """Return (row, column from 0) -> text of the first sheet; a cell that is not a text is one with its type before it."""
    with zipfile.ZipFile(path) as archive:
        shared = [
            "".join(each.text or "" for each in entry.iter(f"{_MAIN}t"))
            for entry in ET.fromstring(archive.read("xl/sharedStrings.xml"))  # noqa: S314 - the file we have just written
        ]
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - as above
    found = {}
    for cell in sheet.iter(f"{_MAIN}c"):
        value = cell.find(f"{_MAIN}v")
        if value is not None and value.text is not None:
            is_text = cell.get("t") == "s"
            found[place_of(cell.get("r", ""))] = shared[int(value.text)] if is_text else f"{cell.get('t')}:{value.text}"
    return found


def place_of(reference: str) -> tuple[int, int]:
    """Return (row, column from 0) of a reference.

    >>> place_of("S5")
    (5, 18)
    """
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(reference[len(letters) :]), column - 1


def write_xml(path: Path, guests: Sequence[Elements]) -> None:
    """Write the foreigners' file."""
    if not guests:
        raise Refused("authority.nothing_to_export")
    root = ET.Element(ROOT)
    for guest in guests:
        entry = ET.SubElement(root, GUEST)
        for name, value in guest:
            ET.SubElement(entry, name).text = value
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def verify_xml(path: Path, guests: Sequence[Elements]) -> int:
    """Read the file again and compare every element; returns how many guests are in it, or raises ``Malformed("authority.file_differs")``."""
    root = ET.parse(path).getroot()  # noqa: S314 - the file we have just written
    found = [tuple((each.tag, each.text or "") for each in guest) for guest in root if guest.tag == GUEST]
    if root.tag != ROOT or found != list(guests):
        raise Malformed("authority.file_differs", "", f"{len(found)} guests read, {len(guests)} written")
    return len(found)
