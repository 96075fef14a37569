"""Which signs may stand in which place of a zone, and which of them a check digit takes for one another (ICAO Doc 9303 parts 3 to 6).

- Dates and check digits hold digits or fillers, names and states letters or fillers; a zone begins with A, C, I, P or V (parts 4 to 7, document
  code); elsewhere anything may stand.
- A check digit adds values: signs whose values differ by a multiple of ten (6 and G, 0 and K, 8 and S) are the same to it.
- Kinds are numbered as in ``glyphs.SIGNS``, with "no sign" last.

>>> (1, 13) in places_of("TD3").digits
True
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec
import numpy as np

from edge_agent.mrz_reading.glyphs import NO_SIGN, SIGNS
from residence.credentials.mrz_layout import ISSUER, LAYOUTS, MrzFormat, Place

VALUES: Final = np.array([0 if each == "<" else int(each, 36) for each in SIGNS])  # of a check digit
_ANY: Final = np.ones(NO_SIGN + 1, bool)
NO_DIGIT: Final = np.array([not each.isdigit() for each in (*SIGNS, "")])
_DOCUMENT_CODE: Final = np.array([each in "ACIPV" for each in (*SIGNS, "")])
_NO_LETTER: Final = np.array([not each.isalpha() for each in (*SIGNS, "")])


class Places(msgspec.Struct, frozen=True):
    """Which places of a format hold only digits, only letters, and which a check digit covers."""

    digits: frozenset[tuple[int, int]]
    letters: frozenset[tuple[int, int]]
    checked: frozenset[tuple[int, int]]


@cache
def places_of(form: MrzFormat) -> Places:
    """Return what Doc 9303 lets stand where, as far as it helps to tell lookalikes apart."""
    layout = LAYOUTS[form]
    follows = {(line, end) for line, _, end in (layout.number, layout.birth, layout.expiry)}
    if form == "TD3":
        follows.add((layout.optional[0], layout.optional[2]))
    digits = {*cells_of(layout.birth), *cells_of(layout.expiry), *follows, *cells_of(layout.composite_digit)}
    letters = {*cells_of(layout.name), *cells_of(layout.nationality), *cells_of(ISSUER), (0, 0)}
    checked = {cell for place in layout.composite for cell in cells_of(place)} | set(cells_of(layout.composite_digit))
    return Places(frozenset(digits), frozenset(letters), frozenset(checked))


def cells_of(place: Place) -> Iterator[tuple[int, int]]:
    """Return the (row, column) of every sign of a place."""
    line, first, end = place
    return ((line, column) for column in range(first, end))


def possible_in(place: tuple[int, int], places: Places) -> Any:
    """Return which kinds may stand in a place: no digit where only letters may, no letter where only digits may."""
    if place == (0, 0):
        return _DOCUMENT_CODE
    if place in places.letters:
        return NO_DIGIT
    return _NO_LETTER if place in places.digits else _ANY


def unnoticed_in(place: tuple[int, int], sign: str, places: Places) -> Any:
    """Return which kinds could stand for ``sign`` there without a check digit that notices: any, where none covers the place."""
    return unnoticed(sign) if place in places.checked else _ANY


@cache
def unnoticed(sign: str) -> Any:
    """Return which signs a check digit takes for ``sign``: their values differ by a multiple of ten. "No sign" is one of them."""
    return np.append(VALUES[SIGNS.index(sign)] % 10 == VALUES % 10, True)


def ahead_of(told: Any, sign: str) -> Any:
    """Return the log-odds of ``sign`` against every kind; infinite against itself."""
    ahead = told[SIGNS.index(sign)] - told
    ahead[SIGNS.index(sign)] = np.inf
    return ahead
