"""How many lines a list has, counted another way than it is read: what a reader loses, or takes for two, is noticed before anything is declared.

- XLSX: rows of the sheet's own XML that hold anything. CSV: line ends outside quotation marks. XML: beginnings of the guest's element.
- The two counts must be equal (``guest-import.counts_differ``): a file that can be read two ways is not read.

Example: ``check_count(data, given)``
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from registry.importing.lists import GivenList, decode
from residence.errors import Malformed

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def check_count(data: bytes, given: GivenList) -> None:
    """Compare what was read with what can be counted, or raise ``Malformed("guest-import.counts_differ")``."""
    counted = {"xlsx": _in_sheet, "csv": _in_text, "xml": _in_xml}[given.form](data, given)
    read = len(given.lines) - (given.form == "xml" and bool(given.lines))
    if counted != read:
        raise Malformed("guest-import.counts_differ", "", f"{counted} counted, {read} read")


def _in_text(data: bytes, given: GivenList) -> int:
    text, _ = decode(data, given.encoding)
    count, quoted, filled, closed = 0, False, False, False
    for piece in re.split(r'("|\r\n|\n|\r)', text):
        if piece == '"':
            filled = filled or closed  # two together are a mark inside a cell
            closed, quoted = quoted, not quoted
            continue
        closed = closed and not piece
        if piece in {"\r\n", "\n", "\r"} and not quoted:
            count, filled = count + filled, False
        else:
            filled = filled or bool(piece.replace(given.separator, "").strip())
    return count + filled


def _in_xml(data: bytes, given: GivenList) -> int:
    name = re.escape(given.part.rpartition("}")[2])
    text = data.decode("utf-16") if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else data.decode("latin-1")
    return len(re.findall(rf"<(?:\w+:)?{name}[\s/>]", text)) if name else 0


def _in_sheet(data: bytes, given: GivenList) -> int:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        blank = _blank_strings(archive)
        with archive.open(_sheet_file(archive, given.part)) as sheet:
            return sum(any(_says(cell, blank) for cell in row.iter(f"{_MAIN}c")) for row in _elements(sheet, f"{_MAIN}row"))


def _says(cell: Any, blank: frozenset[int]) -> bool:
    value = cell.findtext(f"{_MAIN}v")
    if value is not None and cell.get("t") == "s":
        return int(value) not in blank
    return bool((value or "".join(each.text or "" for each in cell.iter(f"{_MAIN}t"))).strip())


def _blank_strings(archive: zipfile.ZipFile) -> frozenset[int]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return frozenset()
    with archive.open("xl/sharedStrings.xml") as strings:
        texts = ("".join(part.text or "" for part in each.iter(f"{_MAIN}t")) for each in _elements(strings, f"{_MAIN}si"))
        return frozenset(place for place, text in enumerate(texts) if not text.strip())


def _sheet_file(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open("xl/workbook.xml") as book:
        wanted = next(each.get(_RELATION) for each in _elements(book, f"{_MAIN}sheet") if each.get("name") == name)
    with archive.open("xl/_rels/workbook.xml.rels") as relations:
        target = next(each.get("Target") for each in _elements(relations, None) if each.get("Id") == wanted)
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _elements(file: Any, tag: str | None) -> Iterator[Any]:
    from defusedxml.ElementTree import iterparse

    for _, element in iterparse(file, events=("end",), forbid_dtd=True):
        if tag is None or element.tag == tag:
            yield element
            element.clear()
