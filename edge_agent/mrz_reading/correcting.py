"""What the check digits and the places say to the signs that were seen: which lookalike is meant, and how sure the rest is.

- A sign is only ever exchanged for one it is known to be mistaken for (``LOOKALIKES``), that the picture allows too, and every
  exchange is returned: nothing is repaired silently.
- A sign that may not stand in its place (``places.py``) is never sure, however plain it looks: an F for the P that a passport begins with.
- Where a check digit covers the place, all check digits of the zone must come right, and by one exchange (or pair) alone: two that would
  do leave the zone as it was seen. Digits standing where only digits may stand are exchanged first.
- Where none does, as in a name, a digit is taken for the letter it resembles only when the picture cannot tell them apart.
- A sign may be what rubbing left of another: E of B, L of U, I of T. So a place is ``unsure`` too unless what stood there before any wear
  or mark (``glyphs.WORN``, each opinion of its own) is sure by ``SURE_BEFORE`` against every sign that no check digit would tell from it.
- Check digits that chose an exchange say nothing more about the rest: there every other place must be as sure as where none covers it. A sign
  that is misread elsewhere would else be made to fit by an exchange of one that is not.
- Behind three sure fillers a name has ended: there a filler need not be told from every letter, and a letter is never accepted.
- An issuer or a nationality that is no country's code (``country_codes``) is unsure: no check digit covers them.
- Check digits cannot tell signs whose values differ by ten (6 and G, 0 and K, 8 and S). So a place is ``unsure`` unless the picture
  itself rules out every sign its check digits would let through. An unsure zone is not accepted.
- Two misread signs may make up for each other. So the checked part as a whole must be surer than all other ones that fit, together
  (``rivals.py``), of what is seen and of what stood there; else its least sure places are ``unsure``.
- Pure: signs with their log-probabilities in, text out.

Example: ``settle(weights)``
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import Any, Final

import msgspec

from edge_agent.mrz_reading.glyphs import NO_SIGN, SIGNS
from edge_agent.mrz_reading.places import NO_DIGIT, Places, ahead_of, places_of, possible_in, unnoticed, unnoticed_in
from edge_agent.mrz_reading.rivals import odds_of
from residence.credentials.country_codes import is_country_code
from residence.credentials.mrz import parse_mrz
from residence.credentials.mrz_layout import ISSUER, LAYOUTS, SHAPES, MrzFormat

LOOKALIKES: Final = (
    "0O",
    "0D",
    "0Q",
    "OQ",
    "OD",
    "1I",
    "1L",
    "2Z",
    "4A",
    "5S",
    "6G",
    "8B",
    "7T",
    "UV",
    "VY",
    "KX",
    "<K",
    "MN",
    "EF",
    "CG",
)
POSSIBLE: Final = 5.0  # log-odds against a sign above which the picture rules it out as an exchange
UNTOLD: Final = 5.0  # log-odds below which the picture does not tell two signs apart
SURE_UNCHECKED: Final = 3.0  # log-odds a sign needs against every other where no check digit would notice
SURE_BEFORE: Final = 4.0  # the same, of what stood there before it was rubbed, in one look and in the mean of all
SURE_WHOLE: Final = 2.0  # the same, of the checked part as a whole against every other that all check digits let through
SURE_TOGETHER: Final = 1.75  # the same, in the mean of all looks at the zone
SURE_CHECKED: Final = 0.7  # and against those it would notice
THE_END: Final = 3  # sure fillers in a row that end a name: between its parts stand one or two
_HIDING: Final = 2  # misread signs whose mistakes can make up for each other
MANY: Final = 24  # possible exchanges, more of which are not tried
MOST: Final = 2  # exchanges beside those that the places ask for
_ANY_DAY: Final = date(2026, 1, 1)  # check digits do not depend on it


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One sign taken for another; ``confirmed`` by check digits, or by its place alone."""

    row: int
    column: int
    seen: str
    taken: str
    confirmed: bool


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a zone, what was exchanged in them, and the places (row, column) the picture leaves unsure."""

    lines: tuple[str, ...]
    exchanges: tuple[Exchange, ...]
    unsure: tuple[tuple[int, int], ...]
    spent: bool = False  # check digits chose an exchange, and say nothing more about the rest


def settle(weights: Any, before: Any = None) -> Settled:
    """Return the text of log-probabilities (rows, signs, kinds); ``before`` (opinions first): those of what stood there before any wear."""
    seen = tuple("".join(SIGNS[kind] for kind in row) for row in weights[:, :, :NO_SIGN].argmax(2))
    form = SHAPES[len(seen), len(seen[0])]
    places = places_of(form)
    letters = _by_place(seen, weights, places)
    lines = _exchanged(seen, letters)
    checked = _by_check_digits(lines, weights, places)
    lines = _exchanged(lines, checked)
    exchanges = (*letters, *checked)
    touched = {(each.row, each.column) for each in exchanges}
    spent = any((each.row, each.column) not in places.digits for each in checked)
    left = msgspec.structs.replace(places, checked=frozenset()) if spent else places
    unsure = [place for place in _unsure(lines, weights, left) if place not in touched]
    unsure += [(each.row, each.column) for each in checked if _has_twin(each, weights)]
    unsure += [(each.row, each.column) for each in letters if _may_be_another_letter(each, weights)]
    if before is not None:
        unsure += [place for place in _rest_of_another(lines, before, places) if place in touched]
        unsure += [place for place in _rest_of_another(lines, before, left) if place not in touched]
    for told in (weights, before.mean(0)) if before is not None else (weights,):
        if places.checked.isdisjoint(unsure):
            unsure += _weakest(lines, told, places, SURE_WHOLE)
    open_places = _after_the_name(lines, weights, form, set(unsure))
    return Settled(lines=lines, exchanges=exchanges, unsure=tuple(sorted(open_places)), spent=spent)


def lookalikes_of(sign: str) -> str:
    """Return the signs that ``sign`` is mistaken for."""
    return "".join(pair.replace(sign, "") for pair in LOOKALIKES if sign in pair)


def _against(weights: Any, place: tuple[int, int], sign: str, other: str) -> float:
    """Return the log-odds of ``sign`` against ``other``."""
    row, column = place
    return float(weights[row, column, SIGNS.index(sign)] - weights[row, column, SIGNS.index(other)])


def _by_place(seen: tuple[str, ...], weights: Any, places: Places) -> list[Exchange]:
    found = []
    for row, column in sorted(places.letters - places.checked):
        sign = seen[row][column]
        near = [each for each in lookalikes_of(sign) if each.isalpha() and _against(weights, (row, column), sign, each) < UNTOLD]
        if sign.isdigit() and len(near) == 1:
            found.append(Exchange(row=row, column=column, seen=sign, taken=near[0], confirmed=False))
    return found


def _by_check_digits(lines: tuple[str, ...], weights: Any, places: Places) -> list[Exchange]:
    """Return the exchanges after which every check digit is right; none when there is no way or more than one."""
    if fits(lines):
        return []
    asked = [each for each in _possible(lines, weights, places) if (each.row, each.column) in places.digits]
    forced = [each for each in asked if not each.seen.isdigit() and each.taken.isdigit()]
    if len({(each.row, each.column) for each in forced}) < len(forced):
        return []  # one letter resembles two digits
    if forced and fits(_exchanged(lines, forced)):
        return forced
    base, taken = _exchanged(lines, forced), {(each.row, each.column) for each in forced}
    possible = _possible(base, weights, places)
    if len(possible) > MANY:
        return []  # too many to try them all: a second way could not be ruled out
    free = [each for each in possible if (each.row, each.column) not in taken | places.digits]
    for count in range(1, MOST + 1):
        ways = [way for way in combinations(free, count) if _apart(way) and fits(_exchanged(base, way))]
        if ways:
            return [*forced, *ways[0]] if len(ways) == 1 else []
    return []


def _apart(way: tuple[Exchange, ...]) -> bool:
    return len({(each.row, each.column) for each in way}) == len(way)


def _possible(lines: tuple[str, ...], weights: Any, places: Places) -> list[Exchange]:
    """Return every single exchange the picture allows at a place that check digits cover, the likeliest first."""
    found = []
    for row, column in places.checked:
        sign = lines[row][column]
        for other in lookalikes_of(sign):
            odds = _against(weights, (row, column), sign, other)
            if odds < POSSIBLE:
                found.append((odds, Exchange(row=row, column=column, seen=sign, taken=other, confirmed=True)))
    found.sort(key=lambda pair: (pair[0], pair[1].row, pair[1].column))
    return [each for _, each in found]


def fits(lines: tuple[str, ...]) -> bool:
    """Tell whether every check digit of the lines is right."""
    problems = parse_mrz(lines, today=_ANY_DAY).problems
    return not any(each.code in {"mrz.check_digit", "mrz.layout", "mrz.characters"} for each in problems)


def _exchanged(lines: tuple[str, ...], exchanges: Any) -> tuple[str, ...]:
    rows = [list(line) for line in lines]
    for each in exchanges:
        rows[each.row][each.column] = each.taken
    return tuple("".join(row) for row in rows)


def _unsure(lines: tuple[str, ...], weights: Any, places: Places) -> Iterator[tuple[int, int]]:
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            ahead = ahead_of(weights[row, column], sign)
            possible = possible_in((row, column), places)
            unnoticed = possible & unnoticed_in((row, column), sign, places)
            foreign = not possible[SIGNS.index(sign)]
            if foreign or ahead[unnoticed].min() < SURE_UNCHECKED or ahead[possible].min() < SURE_CHECKED:
                yield row, column


def _weakest(lines: tuple[str, ...], told: Any, places: Places, sure: float) -> list[tuple[int, int]]:
    """Name where the checked part may be another one as a whole: its least sure places, two of which misread may hide each other."""
    if not fits(lines) or odds_of(lines, told) >= sure:
        return []
    ahead = {
        cell: float(ahead_of(told[cell], lines[cell[0]][cell[1]])[possible_in(cell, places)].min()) for cell in places.checked
    }
    return sorted(ahead, key=lambda cell: (ahead[cell], cell))[:_HIDING]


def disputed(found: Settled, before: Any) -> Settled:
    """Return what one look found with the places that all looks together (``before``: their mean) leave open."""
    lines = found.lines
    form = SHAPES[len(lines), len(lines[0])]
    places = places_of(form)
    touched = {(each.row, each.column) for each in found.exchanges}
    left = msgspec.structs.replace(places, checked=frozenset(touched)) if found.spent else places
    mean = before.mean(0)
    unsure = {*found.unsure, *_rest_of_another(lines, before, left), *_weakest(lines, mean, places, SURE_TOGETHER)}
    unsure.update(_no_country(lines, form))
    return msgspec.structs.replace(found, unsure=tuple(sorted(_after_the_name(lines, mean, form, unsure))))


def _rest_of_another(lines: tuple[str, ...], before: Any, places: Places) -> Iterator[tuple[int, int]]:
    """Name the places where the sign may be what is left of another one that no check digit would tell from it."""
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            others = possible_in((row, column), places) & unnoticed_in((row, column), sign, places)
            if min(ahead_of(told[row, column], sign)[others].min() for told in before) < SURE_BEFORE:
                yield row, column


def _no_country(lines: tuple[str, ...], form: MrzFormat) -> Iterator[tuple[int, int]]:
    """Name the places of an issuer or a nationality that is no country's code."""
    for row, first, end in (ISSUER, LAYOUTS[form].nationality):
        if not is_country_code(lines[row][first:end]):
            yield from ((row, column) for column in range(first, end))


def _after_the_name(lines: tuple[str, ...], weights: Any, form: MrzFormat, unsure: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return ``unsure`` without the fillers behind the end of the name, and with whatever else stands there."""
    row, first, end = LAYOUTS[form].name
    fillers = 0
    for column in range(first, end):
        place, sign = (row, column), lines[row][column]
        if fillers < THE_END:
            fillers = fillers + 1 if sign == "<" and place not in unsure else 0
        elif sign != "<":
            unsure.add(place)
        elif ahead_of(weights[row, column], sign)[NO_DIGIT].min() >= SURE_CHECKED:
            unsure.discard(place)
    return unsure


def _may_be_another_letter(each: Exchange, weights: Any) -> bool:
    """Tell whether the picture leaves a letter taken by its place open against one it does not resemble."""
    return bool(ahead_of(weights[each.row, each.column], each.taken)[NO_DIGIT].min() < SURE_UNCHECKED)


def _has_twin(each: Exchange, weights: Any) -> bool:
    """Tell whether the picture allows another sign that the check digits would have confirmed just as well."""
    told = weights[each.row, each.column, :NO_SIGN]
    ahead = told[SIGNS.index(each.taken)] - told
    twins = unnoticed(each.taken)[:NO_SIGN].copy()
    twins[SIGNS.index(each.taken)] = False
    return bool((ahead[twins] < SURE_UNCHECKED).any())
