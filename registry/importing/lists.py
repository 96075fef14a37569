"""A list of guests as it was given, as lines of text with their numbers: XLSX, CSV and XML, told by their first bytes.

- Nothing is guessed: a number cell is what it shows, a date cell is ISO text, an empty line is no line.
- CSV is UTF-8, or UTF-16 with its mark, or what the mapping names (``windows-1258``, ``tcvn3``, any other Python knows). Anything else is refused
  with ``guest-import.encoding``, and ``samples`` shows the first line in each encoding it may be, for a person to choose.
- XLSX: the sheet the mapping names, else the ministry's guests' sheet, else the first. XML: one guest for each child of the root; no document type.
- A file that unpacks to more than ``LARGEST_UNPACKED`` or holds more than ``MOST_LINES`` lines is refused.

Example: ``read_list(data, Mapping()).lines[0].cells``
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import msgspec

from registry.importing import tcvn
from registry.importing.mapping import Mapping
from registry.importing.reading import LONGEST_CELL, MARKS, SEPARATORS
from residence.errors import Malformed, Refused

ListForm = Literal["xlsx", "csv", "xml"]
MINISTRY_SHEET: Final = "DS_KHACH_VIET_NAM_LUU_TRU"
MOST_LINES: Final = 50_000
LARGEST_UNPACKED: Final = 200 * 1024 * 1024
ENCODINGS: Final = ("windows-1258", tcvn.NAME, "utf-16-le", "utf-16-be")
_ZIP: Final = b"PK\x03\x04"
_PIECE: Final = 1 << 20
_SAMPLE: Final = 4096


class Line(NamedTuple):
    """One line. ``number`` is the row of the sheet, the record of the text (the first is 1), the guest of the XML (its headings are 0)."""

    number: int
    cells: tuple[str, ...]


class GivenList(msgspec.Struct, frozen=True, kw_only=True):
    """What was given. ``part``: the sheet or the element a guest is in; ``encoding`` and ``separator`` of a text."""

    form: ListForm
    lines: list[Line]
    part: str = ""
    encoding: str = ""
    separator: str = ""


def form_of(data: bytes) -> ListForm:
    """Tell what a file is by its beginning, never by its name."""
    if data.startswith(_ZIP):
        return "xlsx"
    begins = data[:200].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    return "xml" if begins.startswith(b"<") else "csv"


def read_list(data: bytes, mapping: Mapping) -> GivenList:
    """Read a list, or raise ``Malformed("guest-import.*")``."""
    form = form_of(data)
    given = {"xlsx": _read_xlsx, "csv": _read_csv, "xml": _read_xml}[form](data, mapping)
    if len(given.lines) > MOST_LINES:
        raise Refused("guest-import.too_long")
    return given


def decode(data: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Return the text of a CSV and the name of its encoding."""
    tcvn.install()
    name = encoding or next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(name), name
    except (LookupError, UnicodeError) as error:
        raise Malformed("guest-import.encoding", "/encoding", name) from error


def samples(data: bytes) -> dict[str, str]:
    """Return, by encoding, how the beginning of a text would read; what cannot be is left out."""
    tcvn.install()
    found = {}
    for name in ENCODINGS:
        try:
            text = data[:_SAMPLE].decode(name).partition("\n")[0].strip()
        except UnicodeError:
            continue
        if text and text.isprintable():
            found[name] = text[:200]
    return found


def _read_csv(data: bytes, mapping: Mapping) -> GivenList:
    text, encoding = decode(data, mapping.encoding)
    if "\x00" in text:
        raise Malformed("guest-import.encoding", "/encoding", encoding)
    csv.field_size_limit(LONGEST_CELL)
    separator = mapping.separator or separator_of(text)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise Malformed("guest-import.unreadable", "", str(error)) from error
    lines = [Line(number, tuple(row)) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    return GivenList(form="csv", lines=lines, encoding=encoding, separator=separator)


def separator_of(text: str) -> str:
    """Return what parts the first twenty lines most."""
    head = "\n".join(text.splitlines()[:20])
    return max(SEPARATORS, key=head.count)


def _read_xlsx(data: bytes, mapping: Mapping) -> GivenList:
    import fastexcel

    _unpacks(data)
    try:
        book = fastexcel.read_excel(data)
        sheet = mapping.sheet or (MINISTRY_SHEET if MINISTRY_SHEET in book.sheet_names else book.sheet_names[0])
        # skip_rows=0 keeps empty lines above the headings, without which every number would be another
        frame = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars()
    except (fastexcel.FastExcelError, IndexError) as error:
        raise Malformed("guest-import.unreadable", "", type(error).__name__) from error
    rows = enumerate(frame.iter_rows(), 1)
    lines = [
        Line(number, tuple(cell or "" for cell in row)) for number, row in rows if any(cell and cell.strip() for cell in row)
    ]
    return GivenList(form="xlsx", lines=lines, part=sheet)


def _unpacks(data: bytes) -> None:
    """Refuse a packed file that grows beyond measure; its own word about its size is not believed."""
    left = LARGEST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for each in archive.infolist():
                left -= _unpacked(data, each, left)
                if left <= 0:
                    raise Refused("guest-import.unpacks_too_large")
    # What zipfile raises for damaged, encrypted (RuntimeError) and unusually packed (NotImplementedError) archives: each is told as unreadable.
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, IndexError) as error:
        raise Malformed("guest-import.unreadable", "", type(error).__name__) from error


def _unpacked(data: bytes, entry: zipfile.ZipInfo, most: int) -> int:
    """Return the true size of an entry, counted no further than ``most``."""
    name, extra = (int.from_bytes(data[entry.header_offset + at : entry.header_offset + at + 2], "little") for at in (26, 28))
    start = entry.header_offset + 30 + name + extra
    packed = memoryview(data)[start : start + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        return len(packed)
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile
    unpacking, size, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, bytes(packed)
    while rest and not unpacking.eof and size < most:
        size += len(unpacking.decompress(rest, _PIECE))
        rest = unpacking.unconsumed_tail
    return size


def _read_xml(data: bytes, _mapping: Mapping) -> GivenList:
    guests = list(_guests(data))
    headings = list(dict.fromkeys(name for _, guest in guests for name in guest))
    lines = [Line(number, tuple(guest.get(name, "") for name in headings)) for number, (_, guest) in enumerate(guests, 1)]
    parts = {part for part, _ in guests}
    if len(parts) > 1:
        raise Malformed("guest-import.unreadable", "", f"children of several names: {sorted(parts)}")
    return GivenList(
        form="xml", lines=[Line(0, tuple(headings)), *lines] if lines else [], part=parts.pop() if parts else "", encoding="xml"
    )


def _guests(data: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each child of the root: its name, and its elements' texts."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    depth, guest = 0, dict[str, str]()
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if event == "start":
                continue
            if depth == 2:  # noqa: PLR2004 - root, guest, element
                guest[element.tag] = element.text or ""
            elif depth == 1:
                yield element.tag, guest
                guest = {}
                element.clear()
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise Malformed("guest-import.unreadable", "", type(error).__name__) from error
