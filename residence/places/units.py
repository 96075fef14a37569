"""Administrative units through time: which unit a code means on a day, what became of it, and what a unit of today was before.

- A code alone names nothing: codes are used again (27 was Bắc Ninh, then nobody; a new ward may carry the code of one of the old ones). A
  unit is a code and the day it began. Days are YYYY-MM-DD, both ends inclusive; ``""`` as a beginning means that it is not known.
- A unit that ended names what it became, by code, as of the next day. One successor: *one-to-one*, or *merged* when others became the same.
  Several: *split*, and which of them holds a given house is a person's to say (``registry/unit_questions.py``); here it stays a set.
- Districts ended with 2025-06-30; a table that says otherwise is refused.
- A table may be incomplete. A code it does not have is not known, and nothing is concluded from that.

>>> shipped_units().candidates("74", at="2025-06-30", on="2026-07-10")[0].name
'Thành phố Hồ Chí Minh'
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import Final, Literal, get_args

import msgspec

from residence.errors import Problem, problem
from residence.places.provinces import provinces

Level = Literal["province", "district", "commune"]
Fate = Literal["standing", "one-to-one", "merged", "split", "ended"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
LAST_DAY_OF_DISTRICTS: Final = "2025-06-30"
FIRST_DAY_OF_TWO_LEVELS: Final = "2025-07-01"
_PARENT_LEVELS: Final[dict[Level, frozenset[Level | None]]] = {
    "province": frozenset({None}),
    "district": frozenset({"province"}),
    "commune": frozenset({"district", "province"}),
}


class Unit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit for as long as it was the same. ``successors``: codes of what it became, as of the day after ``valid_to``."""

    level: Level
    code: str
    name: str
    valid_from: str = ""
    valid_to: str | None = None
    parent: str | None = None  # code of the unit above, of the same days
    successors: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells units apart: code and beginning."""
        return self.code, self.valid_from

    def holds_on(self, day: str) -> bool:
        """Tell whether the unit existed on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class UnitTable:
    """A table of units with its successors both ways."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.units: Final = tuple(sorted(units, key=lambda each: each.key))
        self._by_code: Final[defaultdict[str, list[Unit]]] = defaultdict(list)
        for unit in self.units:
            self._by_code[unit.code].append(unit)
        self._inside: Final[defaultdict[str, list[Unit]]] = defaultdict(list)
        for unit in self.units:
            if unit.parent is not None:
                self._inside[unit.parent].append(unit)
        self._before: Final[defaultdict[tuple[str, str], list[Unit]]] = defaultdict(list)
        for unit in self.units:
            for after in self.became(unit):
                self._before[after.key].append(unit)

    def at(self, code: str, day: str) -> Unit | None:
        """Return the unit a code meant on a day."""
        return next((each for each in self._by_code.get(code, ()) if each.holds_on(day)), None)

    def bearing(self, code: str) -> tuple[Unit, ...]:
        """Return every unit that ever bore a code, the oldest first."""
        return tuple(self._by_code.get(code, ()))

    def became(self, unit: Unit) -> tuple[Unit, ...]:
        """Return what a unit became when it ended, as far as the table knows."""
        if unit.valid_to is None:
            return ()
        found = (self._beginning_after(code, unit.valid_to) for code in unit.successors)
        return tuple(each for each in found if each is not None)

    def was(self, unit: Unit) -> tuple[Unit, ...]:
        """Return the units that became this one, whole or in part."""
        return tuple(self._before.get(unit.key, ()))

    def fate(self, unit: Unit) -> Fate:
        """Say what became of a unit."""
        if unit.valid_to is None:
            return "standing"
        after = self.became(unit)
        if len(after) > 1 or len(unit.successors) > 1:
            return "split"
        if not after:
            return "ended"
        return "one-to-one" if len(self.was(after[0])) == 1 else "merged"

    def candidates(self, code: str, *, at: str, on: str) -> tuple[Unit, ...]:
        """Return every unit of day ``on`` in which a place may lie that was in what ``code`` meant on day ``at``; empty when not known.

        One candidate is certain, of several none is picked. ``on`` may be the earlier day: then these are the units it was part of.
        """
        start = self.meant(code, at)
        if start is None:
            return ()
        step = self.became if on >= at else self.was
        found: dict[tuple[str, str], Unit] = {}
        waiting, seen = [start], {start.key}
        while waiting:
            unit = waiting.pop()
            if unit.holds_on(on):
                found[unit.key] = unit
                continue
            for each in step(unit):
                if each.key not in seen:
                    seen.add(each.key)
                    waiting.append(each)
        return tuple(found[key] for key in sorted(found))

    def meant(self, code: str, day: str) -> Unit | None:
        """Return the unit a code means when written on a day: of that day, else the last that bore it before (an old book's code)."""
        return self.at(code, day) or next((each for each in reversed(self.bearing(code)) if each.valid_from <= day), None)

    def everything_before(self, unit: Unit) -> tuple[Unit, ...]:
        """Return every unit that became this one, whole or in part, at whatever time."""
        found: dict[tuple[str, str], Unit] = {}
        waiting = [unit]
        while waiting:
            for each in self.was(waiting.pop()):
                if each.key not in found:
                    found[each.key] = each
                    waiting.append(each)
        return tuple(found[key] for key in sorted(found))

    def on(self, day: str, *, level: Level) -> tuple[Unit, ...]:
        """Return every unit of a level on a day."""
        return tuple(each for each in self.units if each.level == level and each.holds_on(day))

    def inside(self, parent: str, *, level: Level, day: str) -> tuple[Unit, ...]:
        """Return the units of a level that lie in the unit with code ``parent`` on a day, through districts as well."""
        found: list[Unit] = []
        for each in self._inside.get(parent, ()):
            if each.holds_on(day):
                found += [each] if each.level == level else self.inside(each.code, level=level, day=day)
        return tuple(found)

    def _beginning_after(self, code: str, day: str) -> Unit | None:
        """Return the unit with a code that stood on the day after ``day``: it began since, or went on past it."""
        units = [each for each in self._by_code.get(code, ()) if each.valid_to is None or each.valid_to > day]
        return units[0] if units and (units[0].valid_from > day or units[0].holds_on(day)) else None


def check_units(units: Iterable[Unit], *, pointers: dict[tuple[str, str], str] | None = None) -> tuple[Problem, ...]:
    """Return everything that is wrong with a table as a whole. ``pointers``: where each unit stands in its file."""
    table = UnitTable(units)
    found: list[Problem] = []
    for unit in table.units:
        where = (pointers or {}).get(unit.key, f"/{unit.code}")
        found += [problem(code, where) for code in _faults(table, unit)]
    return tuple(found)


def _faults(table: UnitTable, unit: Unit) -> Iterable[str]:
    same = [each for each in table.bearing(unit.code) if each is not unit]
    if any(each.holds_on(unit.valid_from) or each.valid_from == unit.valid_from for each in same):
        yield "units.overlap"
    if unit.valid_to is not None and unit.valid_to < unit.valid_from:
        yield "units.ends_before_it_begins"
    if unit.level == "district" and (unit.valid_to is None or unit.valid_to > LAST_DAY_OF_DISTRICTS):
        yield "units.district_goes_on"
    if unit.successors and unit.valid_to is None:
        yield "units.successor_of_standing"
    if unit.valid_to is not None and len(table.became(unit)) != len(unit.successors):
        yield "units.successor_unknown"
    if any(each.level != unit.level for each in table.became(unit)):
        yield "units.successor_level"
    last = unit.valid_to or FIRST_DAY_OF_TWO_LEVELS
    above = table.at(unit.parent, max(last, unit.valid_from)) if unit.parent else None
    if (unit.parent is not None and above is None) or (above.level if above else None) not in _PARENT_LEVELS[unit.level]:
        yield "units.parent"


def day_after(day: str) -> str:
    """Return the next day."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


@cache
def shipped_units() -> UnitTable:
    """Return what comes with the product: 63 provinces until 2025-06-30 and the 34 since (``data/PROVENANCE.md``)."""
    old = [
        Unit(
            level="province",
            code=each.code,
            name=each.full_name,
            valid_to=LAST_DAY_OF_DISTRICTS,
            successors=(each.successor_code,),
        )
        for each in provinces()
    ]
    new = {
        each.successor_code: Unit(
            level="province",
            code=each.successor_code,
            name=each.successor_full_name,
            valid_from=FIRST_DAY_OF_TWO_LEVELS,
        )
        for each in provinces()
    }
    return UnitTable([*old, *new.values()])
