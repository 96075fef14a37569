"""The four words of the register as shares with a numerator and a denominator, and what of them may be published.

- The denominator of every measure is the same: living persons of the commune's register, those merged into another left out. It counts records, so who
  stands twice counts twice until somebody merges them.
- *Correct* (đúng): no open item says that this person's values disagree. *Complete* (đủ): name, birth, sex, nationality, a number in force
  and a home of today. *Clean* (sạch): stands once: no proposed pair, no shared number, no two homes of a kind at a time. *Alive* (sống): nothing
  waits to be confirmed anew. *Card* and *chip*: seen with a card that was read, with a chip that was verified (evidence level 1, 4).
  *E-ID*: signed in with one before an officer, or the register taken over says so.
- Published are no cells of fewer than ``least`` persons, on either side of a share, and none that follows from the total of all communes: the sum of
  what is hidden is of at least two communes and itself not small. Chip is part of card: a small difference hides chip.

>>> [each.hidden for each in published([Cell(commune_code="a", day="2026-07-10", measure="card", part=2, whole=90)], least=5)]
[True, True]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, get_args

import msgspec

from residence.cleaning.rules import RuleName

Measure = Literal["correct", "complete", "clean", "alive", "card", "chip", "e_id"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
AGAINST: Final[dict[Measure, tuple[RuleName, ...]]] = {
    "correct": (
        "number_against_sex",
        "number_against_birth",
        "person_two_numbers",
        "age_implausible",
        "family_implausible",
        "dead_but_active",
    ),
    "clean": ("number_shared", "residences_overlap"),
    "alive": ("stale",),
}
CARD_READ, CHIP_VERIFIED = 1, 4
ALL: Final = "*"
LEAST: Final = 5


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One count. A hidden one says neither part nor whole."""

    commune_code: str
    day: str
    measure: Measure
    part: int
    whole: int
    hidden: bool = False


def published(cells: Iterable[Cell], *, least: int = LEAST) -> list[Cell]:
    """Return the cells of some days with totals (commune ``*``), hidden where they or what follows from them is small."""
    tables: defaultdict[str, defaultdict[Measure, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for each in cells:
        tables[each.day][each.measure].append(each)
    shown: list[Cell] = []
    for _, by_measure in sorted(tables.items()):
        everywhere = _too_small(by_measure, least)
        hidden = {
            measure: _closed(row, everywhere | {each.commune_code for each in row if _is_small(each, least)}, least)
            for measure, row in by_measure.items()
        }
        if {"card", "chip"} <= set(by_measure):
            near = everywhere | hidden["chip"] | _small_difference(by_measure["card"], by_measure["chip"], least)
            hidden["chip"] = _closed(by_measure["chip"], near, least)
        for measure, row in sorted(by_measure.items()):
            shown += [_shown(each, hidden[measure]) for each in (*row, _total(row))]
    return shown


def _is_small(cell: Cell, least: int) -> bool:
    return any(0 < count < least for count in (cell.part, cell.whole - cell.part)) or cell.whole < least


def _too_small(by_measure: dict[Measure, list[Cell]], least: int) -> set[str]:
    """Return communes hidden in every measure: those with few persons, and others beside them, so that no whole follows from the total."""
    wholes = {each.commune_code: each for row in by_measure.values() for each in row}
    few = {name for name, each in wholes.items() if each.whole < least}
    return _grown(list(wholes.values()), few, lambda rows: sum(each.whole for each in rows) >= least) if few else set()


def _closed(row: Sequence[Cell], hidden: set[str], least: int) -> set[str]:
    """Return the hidden communes and, where the total tells too much of them, further ones; ``*`` when nothing else is left."""

    def says_little(rows: Sequence[Cell]) -> bool:
        part, whole = sum(each.part for each in rows), sum(each.whole for each in rows)
        return not any(0 < count < least for count in (part, whole - part))

    return _grown(row, hidden, says_little) if hidden else set()


def _grown(row: Sequence[Cell], hidden: set[str], enough: Callable[[Sequence[Cell]], bool]) -> set[str]:
    order = sorted((each for each in row if each.commune_code not in hidden), key=lambda each: (each.whole, each.commune_code))
    grown = set(hidden)
    while True:
        rows = [each for each in row if each.commune_code in grown]
        if len(rows) > 1 and enough(rows):
            return grown
        if not order:
            return grown | {ALL}
        grown.add(order.pop(0).commune_code)


def _small_difference(card: Sequence[Cell], chip: Sequence[Cell], least: int) -> set[str]:
    by_commune = {each.commune_code: each.part for each in card}
    return {each.commune_code for each in chip if 0 < by_commune.get(each.commune_code, 0) - each.part < least}


def _total(row: Sequence[Cell]) -> Cell:
    part, whole = sum(each.part for each in row), sum(each.whole for each in row)
    return Cell(commune_code=ALL, day=row[0].day, measure=row[0].measure, part=part, whole=whole)


def _shown(cell: Cell, hidden: set[str]) -> Cell:
    return msgspec.structs.replace(cell, part=0, whole=0, hidden=True) if cell.commune_code in hidden else cell
