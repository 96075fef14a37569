"""Codes of other systems for our units, mapped by a dated table and by nothing else.

- Our codes are the statistics office's, unless an operator's table says otherwise; the ministry has its own (``maTT``, ``maPX``). A code is
  never translated by its looks or by a name: what no line maps is ``None``, and the field stays empty.
- One code of a system names one of our units on a day; one unit may bear several.

>>> CodeMap([SystemCode(system="ministry", system_code="701", code="79")]).theirs("ministry", "79", day="2026-07-10")
'701'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from residence.errors import Problem, problem
from residence.places.units import Unit, UnitTable


class SystemCode(msgspec.Struct, frozen=True, kw_only=True):
    """What another system calls a unit, and from when to when."""

    system: str
    system_code: str
    code: str
    valid_from: str = ""
    valid_to: str | None = None

    def holds_on(self, day: str) -> bool:
        """Tell whether the code was in use on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class CodeMap:
    """Both ways between our codes and those of other systems."""

    def __init__(self, codes: Iterable[SystemCode]) -> None:
        self._codes: Final = tuple(sorted(codes, key=lambda each: (each.system, each.system_code, each.valid_from)))

    def ours(self, system: str, system_code: str, *, day: str) -> str | None:
        """Return our code for a code of another system."""
        return next(
            (
                each.code
                for each in self._codes
                if (each.system, each.system_code) == (system, system_code) and each.holds_on(day)
            ),
            None,
        )

    def theirs(self, system: str, code: str, *, day: str) -> str | None:
        """Return another system's code for ours; the first by its own order when a unit bears several."""
        return next(
            (each.system_code for each in self._codes if (each.system, each.code) == (system, code) and each.holds_on(day)), None
        )


def check_codes(codes: Iterable[SystemCode], table: UnitTable) -> tuple[Problem, ...]:
    """Return what is wrong: a unit the table does not have at that time, or one code for two units at a time."""
    found: list[Problem] = []
    known: dict[tuple[str, str], list[SystemCode]] = {}
    for number, each in enumerate(codes, start=1):
        if not any(together(each, unit) for unit in table.bearing(each.code)):
            found.append(problem("units.unknown", f"/{number}/code"))
        others = known.setdefault((each.system, each.system_code), [])
        if any(together(each, other) for other in others):
            found.append(problem("units.code_taken", f"/{number}/system_code"))
        others.append(each)
    return tuple(found)


def together(one: SystemCode | Unit, other: SystemCode | Unit) -> bool:
    """Tell whether two of them held on any one day."""
    return (one.valid_to is None or other.valid_from <= one.valid_to) and (
        other.valid_to is None or one.valid_from <= other.valid_to
    )
