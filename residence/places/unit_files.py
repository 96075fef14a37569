"""Tables of administrative units as files: what a line says, and everything that is wrong with a file at once.

- CSV in UTF-8 with a heading; which of two kinds a file is, its heading tells. Both are described in ``docs/places.md``.
- *Units*: ``level,code,name,valid_from,valid_to,parent,successors``; successors separated by ``;``.
- *Codes* of another system (a ministry's): ``system,system_code,code,valid_from,valid_to``. Systems are never mixed by name: what no line
  maps is not known.
- Nothing is taken from a file with any error: a table with holes would make ends without successors.

Example: ``read_file(path.read_bytes()).problems`` is empty for a file that may be taken
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import msgspec

from residence.errors import Problem, problem
from residence.people.letters import stored_form
from residence.places.code_systems import SystemCode
from residence.places.units import LEVELS, Unit, check_units

UNIT_COLUMNS: Final = ("level", "code", "name", "valid_from", "valid_to", "parent", "successors")
CODE_COLUMNS: Final = ("system", "system_code", "code", "valid_from", "valid_to")
_NEEDED: Final = {"units": {"level", "code", "name"}, "codes": {"system", "system_code", "code"}}
_CODE: Final = re.compile(r"[^\s;,]{1,16}")
_SYSTEM_CODE: Final = re.compile(r"[^\s;,]{1,32}")
_LONGEST_NAME: Final = 100

Line = Mapping[str, str]


class UnitFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file read: units or codes, and every problem. With problems nothing is to be taken from it."""

    units: tuple[Unit, ...] = ()
    codes: tuple[SystemCode, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_file(data: bytes, *, alone: bool = True) -> UnitFile:
    """Read a file of units or of codes. ``alone``: its units are a whole table; else check them with what is known (``check_units``)."""
    try:
        text = stored_form(data.decode("utf-8-sig"))
        lines = list(csv.reader(text.splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return UnitFile(problems=(problem("units.encoding"),))
    heading = [each.strip().lower() for each in lines[0]] if lines else []
    kind = "codes" if "system" in heading else "units"
    columns = UNIT_COLUMNS if kind == "units" else CODE_COLUMNS
    if not _NEEDED[kind] <= set(heading) or not set(heading) <= set(columns) or len(set(heading)) < len(heading):
        return UnitFile(problems=(problem("units.columns"),))
    rows = {number: line for number, line in enumerate(lines[1:], start=1) if any(map(str.strip, line))}
    ragged = tuple(problem("units.ragged", f"/{number}") for number, line in rows.items() if len(line) != len(heading))
    if ragged:
        return UnitFile(problems=ragged)
    said = {number: dict(zip(heading, map(str.strip, line), strict=True)) for number, line in rows.items()}
    return _units(said, alone=alone) if kind == "units" else _codes(said)


def _units(lines: Mapping[int, Line], *, alone: bool) -> UnitFile:
    problems = [each for number, line in lines.items() for each in _unit_problems(line, f"/{number}")]
    if problems:
        return UnitFile(problems=tuple(problems))
    units = {number: _unit(line) for number, line in lines.items()}
    pointers = {unit.key: f"/{number}" for number, unit in units.items()}
    if len(pointers) < len(units):
        return UnitFile(problems=(problem("units.overlap"),))
    problems = list(check_units(units.values(), pointers=pointers)) if alone else []
    return UnitFile(units=tuple(units.values()), problems=tuple(problems))


def _unit_problems(line: Line, where: str) -> Iterable[Problem]:
    if line["level"] not in LEVELS:
        yield problem("units.level", f"{where}/level")
    codes = {"code": line["code"], "parent": line.get("parent", ""), "successors": line.get("successors", "")}
    for name, text in codes.items():
        if any(not _CODE.fullmatch(each) for each in (text.split(";") if text or name == "code" else ())):
            yield problem("units.code", f"{where}/{name}")
    if not line["name"] or len(line["name"]) > _LONGEST_NAME or not line["name"].isprintable():
        yield problem("units.name", f"{where}/name")
    yield from _day_problems(line, where)


def _day_problems(line: Line, where: str) -> Iterable[Problem]:
    for name in ("valid_from", "valid_to"):
        if line.get(name) and not is_day(line[name]):
            yield problem("units.day", f"{where}/{name}")


def is_day(text: str) -> bool:
    """Tell whether a text is a day, written YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _unit(line: Line) -> Unit:
    return Unit(
        level=next(each for each in LEVELS if each == line["level"]),
        code=line["code"],
        name=line["name"],
        valid_from=line.get("valid_from", ""),
        valid_to=line.get("valid_to") or None,
        parent=line.get("parent") or None,
        successors=tuple(each for each in line.get("successors", "").split(";") if each),
    )


def _codes(lines: Mapping[int, Line]) -> UnitFile:
    problems = [each for number, line in lines.items() for each in _code_problems(line, f"/{number}")]
    if problems:
        return UnitFile(problems=tuple(problems))
    return UnitFile(
        codes=tuple(
            SystemCode(
                system=line["system"],
                system_code=line["system_code"],
                code=line["code"],
                valid_from=line.get("valid_from", ""),
                valid_to=line.get("valid_to") or None,
            )
            for line in lines.values()
        )
    )


def _code_problems(line: Line, where: str) -> Iterable[Problem]:
    for name in ("system", "system_code"):
        if not _SYSTEM_CODE.fullmatch(line[name]):
            yield problem("units.system", f"{where}/{name}")
    if not _CODE.fullmatch(line["code"]):
        yield problem("units.code", f"{where}/code")
    yield from _day_problems(line, where)
