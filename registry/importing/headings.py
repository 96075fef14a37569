"""Which line of a list is its headings, and which column is which of our fields.

- The headings are the line of the first twenty that knows most of our words. Lines above and below that name columns it leaves empty belong to it:
  merged cells are read as ``group / column``, each column by its whole name first and then by its own.
- What a house chose before for the same headings counts first (``remembered``), then the words below.
- The ministry's templates are words like others: XLSX columns A to S and the XML's elements, as documented and no more.

>>> suggest(["HỌ TÊN*", "SỐ GIẤY TỜ*"])
{'full_name': 'HỌ TÊN*', 'identity_number': 'SỐ GIẤY TỜ*'}
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from registry.importing.lists import Line
from registry.importing.mapping import LIST_COLUMNS
from residence.people.letters import plain_key

EXAMPLE: Final = "[EXAMPLE]"
_SEARCHED: Final = 20
_JOIN: Final = " / "
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "full_name": ("họ tên", "họ và tên", "họ tên khách", "tên khách", "họ và tên khách", "khách", "full name", "guest name", "guest", "name", "ho_ten"),
    "birth": ("ngày sinh", "ngày tháng năm sinh", "năm sinh", "sinh ngày", "date of birth", "birth date", "birthday", "dob", "ngay_sinh"),
    "sex": ("giới tính", "phái", "sex", "gender", "gioi_tinh"),
    "nationality": ("quốc tịch", "nationality", "country", "ma_quoc_tich"),
    "document_kind": ("loại giấy tờ", "document type", "id type", "giấy tờ"),
    "document_name": ("tên giấy tờ",),
    "identity_number": (
        "số giấy tờ", "số cccd", "cccd", "cmnd", "số cmnd", "cccd/cmnd", "cmnd/cccd", "cmnd/cccd/hộ chiếu", "cccd/hộ chiếu", "số cccd/hộ chiếu",
        "số định danh", "số định danh cá nhân", "số đdcn", "document number", "document no", "id number", "id", "document",
    ),
    "passport_number": ("số hộ chiếu", "hộ chiếu", "passport", "passport number", "passport no", "so_ho_chieu"),
    "residence_text": ("địa chỉ chi tiết", "địa chỉ", "địa chỉ thường trú", "nơi thường trú", "nơi ở", "address", "home address"),
    "commune": ("phường/xã/đặc khu", "phường/xã", "xã/phường", "ward"),
    "district": ("quận/huyện", "district"),
    "province": ("tỉnh/tp", "tỉnh/thành phố", "province"),
    "unit": ("số phòng/khoa", "số phòng", "phòng", "phòng số", "căn hộ", "số phòng/căn hộ", "room", "room no", "room number", "unit", "so_phong"),
    "arrival": ("ngày đến", "đến", "giờ đến", "nhận phòng", "arrival", "check-in", "checkin", "check in", "ngay_den"),
    "planned_departure": (
        "ngày đi dự kiến", "ngày đi", "đi", "ngày rời đi", "trả phòng", "departure", "planned departure", "check-out", "checkout", "check out",
        "ngay_di_du_kien",
    ),
    "left_on": ("ngày trả phòng", "ngay_tra_phong"),
    "reason": ("lý do cư trú", "lý do", "lý do lưu trú", "mục đích", "reason", "purpose"),
    "reason_text": ("nhập lý do", "lý do chi tiết"),
    "permitted_stay_until": ("thời hạn tạm trú", "hạn tạm trú", "permitted stay until", "visa until", "thoi_han_tam_tru"),
    "note": ("ghi chú", "note", "notes", "remark"),
}  # fmt: skip


class Headings(NamedTuple):
    """``names`` by column, none empty and none twice; data begins in the line after ``last`` (a place in the list's lines)."""

    names: list[str]
    last: int


def key_of(text: str) -> str:
    """Return a heading without case, accents and signs.

    >>> key_of("HỌ TÊN*"), key_of("so_phong")
    ('ho ten', 'so phong')
    """
    return " ".join(re.sub(r"[^a-z0-9]", " ", plain_key(text)).split())


@cache
def _known() -> dict[str, str]:
    return {key_of(word): field for field, words in WORDS.items() for word in (*words, field)}


def _fields_of(name: str, also: frozenset[str]) -> bool:
    keys = {key_of(name), key_of(name.rpartition(_JOIN)[2])}
    return bool(keys & (_known().keys() | also))


def find_headings(lines: Sequence[Line], remembered: Sequence[str] = ()) -> Headings | None:
    """Return the headings, None when no line has two that are known. ``remembered``: headings this house has named before."""
    also = frozenset(key_of(each) for each in remembered)
    head = lines[:_SEARCHED]
    known = [sum(_fields_of(cell, also) for cell in line.cells if cell.strip()) for line in head]
    if not known or max(known) < 2:  # noqa: PLR2004 - a name and when
        return None
    first = last = known.index(max(known))
    while last + 1 < len(head) and known[last + 1] and _adds(head[last + 1], head[first : last + 1]):
        last += 1
    while first and len(_filled(head[first - 1])) > 1 and _adds(head[first - 1], head[first : last + 1]):
        first -= 1
    return Headings(_names(head[first : last + 1]), last)


def _filled(line: Line) -> set[int]:
    return {place for place, cell in enumerate(line.cells) if cell.strip()}


def _adds(line: Line, block: Sequence[Line]) -> bool:
    """Tell whether a line next to the headings names columns they leave empty, and is no guest: no cell of it has a digit."""
    named = set.union(*map(_filled, block))
    is_guest = any(letter.isdigit() for cell in line.cells for letter in cell)
    return bool(_filled(line) - named) and not is_guest


def _names(block: Sequence[Line]) -> list[str]:
    width = max(len(line.cells) for line in block)
    rows = [[" ".join(cell.split()) for cell in line.cells] + [""] * (width - len(line.cells)) for line in block]
    names: list[str] = []
    for column in range(width):
        parts = [_group(rows, depth, column) for depth in range(len(rows))]
        name = _JOIN.join(dict.fromkeys(part for part in parts if part)) or f"({column + 1})"
        times = sum(each == name or each.startswith(f"{name} (") for each in names)
        names.append(f"{name} ({times + 1})" if times else name)
    return names


def _group(rows: Sequence[Sequence[str]], depth: int, column: int) -> str:
    """Return a cell, or the group it stands under: the merged cell to its left that names columns below it."""
    row, below = rows[depth], rows[depth + 1 :]
    if row[column] or not any(each[column] for each in below):
        return row[column]
    left = next((place for place in range(column - 1, -1, -1) if row[place]), None)
    return row[left] if left is not None and any(each[left] for each in below) else ""


def suggest(names: Sequence[str]) -> dict[str, str]:
    """Return our field -> their heading, as far as the words say; the first of two columns for one field."""
    found: dict[str, str] = {}
    for last_part in (False, True):
        for name in names:
            field = _known().get(key_of(name.rpartition(_JOIN)[2] if last_part else name))
            if field is not None and field not in found and name not in found.values() and name not in LIST_COLUMNS:
                found[field] = name
    return dict(sorted(found.items(), key=lambda each: list(WORDS).index(each[0])))


def fingerprint(names: Sequence[str]) -> str:
    """Return what the same headings, in any order, are recognised by."""
    keys = sorted({key_of(each) for each in names if each not in LIST_COLUMNS})
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]


def is_example(line: Line) -> bool:
    """Tell whether a line is the template's example, which its portal passes over by position."""
    return any(cell.strip() == EXAMPLE for cell in line.cells)
