r"""A house's own list as a clerk pastes it from a spreadsheet or another program: one guest a line, the first line says what stands where.

- Columns are parted by tabs, semicolons or commas, whichever parts the first line into most names we know; names are read in Vietnamese and
  English, without case and accents. Only the guest's name is needed.
- A line without a name is left out when it is empty, and is a problem when it is not. A date that cannot be read is a problem with its place;
  nothing is guessed: 03/04/2026 is the third of April.
- Nothing is kept: the list is compared and forgotten.
- Pure.

>>> read_house_list("Phòng,Họ tên\\n101,Trần Văn An").guests[0].full_name
'Trần Văn An'
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from registry.house_lists import bare_number
from residence.errors import Problem, problem
from residence.people.letters import plain_key

MOST_GUESTS: Final = 1000
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "full_name": ("ho ten", "ho va ten", "ten khach", "ho ten khach", "khach", "name", "full name", "guest", "guest name"),
    "number": (
        "so giay to",
        "so dinh danh",
        "cccd",
        "cmnd",
        "so cccd",
        "ho chieu",
        "so ho chieu",
        "passport",
        "document",
        "number",
    ),
    "unit": ("phong", "so phong", "room", "room no", "room number", "unit"),
    "arrival": ("ngay den", "den", "check-in", "checkin", "arrival", "arrived"),
    "departure": ("ngay di", "di", "check-out", "checkout", "departure", "planned departure"),
}
_NAMES: Final = {name: column for column, names in COLUMNS.items() for name in names}
_DATE: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


class ListedGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One line. ``number`` is bare: letters and digits."""

    row: int
    full_name: str
    number: str = ""
    unit: str | None = None
    arrival: date | None = None
    departure: date | None = None


class HouseList(msgspec.Struct, frozen=True, kw_only=True):
    """What was read; with problems nothing is compared."""

    guests: tuple[ListedGuest, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_house_list(text: str) -> HouseList:
    """Read a pasted list; problems point at ``/lines/N/COLUMN``, lines counted from one."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not any(line.strip() for line in lines):
        return HouseList(problems=(problem("house-list.empty", "/list"),))
    columns, separator = _header(lines[0])
    if "full_name" not in columns.values():
        return HouseList(problems=(problem("house-list.no_names", "/lines/1"),))
    guests: list[ListedGuest] = []
    problems: list[Problem] = []
    for number, cells in enumerate(csv.reader(io.StringIO("\n".join(lines[1:])), delimiter=separator), 2):
        values = {
            column: cells[place].strip() for place, column in columns.items() if place < len(cells) and cells[place].strip()
        }
        if values:
            _take(values, number, guests=guests, problems=problems)
    if not guests and not problems:
        problems.append(problem("house-list.empty", "/list"))
    if len(guests) > MOST_GUESTS:
        problems.append(problem("house-list.too_long", "/list", most=MOST_GUESTS))
    return HouseList(guests=tuple(guests), problems=tuple(problems))


def _header(line: str) -> tuple[dict[int, str], str]:
    found = []
    for separator in "\t;,":
        names = [
            " ".join(plain_key(cell).replace(".", " ").split()) for cell in next(csv.reader([line], delimiter=separator), [])
        ]
        columns: dict[int, str] = {}
        for place, name in enumerate(names):
            column = _NAMES.get(name)
            if column and column not in columns.values():
                columns[place] = column
        found.append((columns, separator))
    return max(found, key=lambda each: len(each[0]))


def _take(values: Mapping[str, str], number: int, *, guests: list[ListedGuest], problems: list[Problem]) -> None:
    """Add one line's guest or its problems."""
    days: dict[str, date | None] = {}
    wrong: list[Problem] = []
    for column in ("arrival", "departure"):
        days[column] = read_day(values[column]) if column in values else None
        if column in values and days[column] is None:
            wrong.append(problem("house-list.date", f"/lines/{number}/{column}"))
    if "full_name" not in values:
        wrong.append(problem("house-list.no_name", f"/lines/{number}/full_name"))
    problems += wrong
    if not wrong:
        stated = {"number": bare_number(values.get("number", "")), "unit": values.get("unit")}
        guests.append(ListedGuest(row=number, full_name=values["full_name"], **stated, **days))  # type: ignore[arg-type]  # by name


def read_day(text: str) -> date | None:
    """Return the day a cell begins with, year or day first; None when it is none.

    >>> read_day("03/04/2026 14:00")
    datetime.date(2026, 4, 3)
    """
    found = _DATE.match(text.strip())
    if found is None:
        return None
    year, month, day = found[1] or found[6], found[2] or found[5], found[3] or found[4]
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
