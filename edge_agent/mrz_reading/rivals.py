"""How likely the checked part of a zone is another one that all its check digits let through (ICAO Doc 9303-3, 4.9).

- Two misread signs, each of which a check digit would notice, may go unnoticed together: 0 and 8 of one number, both rubbed, both read as O.
  So it is not the likeliest other sign that is weighed but all whole other lines that leave every check digit right.
- A check digit sees sums modulo ten. The lines that fit are therefore summed in one walk over the places, with the remainder of the field's
  own digit and that of the composite digit as the state (10 x 10); where a field ends, its remainder must be nothing.
- A filler behind the number of a card (TD1, TD2) says that the number goes on in the optional field: then its own digit is not asked, whatever
  was read there. Nor is the digit in the optional field, nor what else a document must be, and a filler counts nothing wherever it
  stands. More lines then fit than would be accepted, so that more is doubted, never less.
- Pure: log-probabilities in, log-odds out.

Example: ``odds_of(lines, weights) < 2`` doubts the lines.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from edge_agent.mrz_reading.glyphs import NO_SIGN, SIGNS
from edge_agent.mrz_reading.places import VALUES, cells_of, places_of, possible_in
from residence.credentials.mrz_layout import LAYOUTS, SHAPES, WEIGHTS, MrzFormat, Place

_TAKEN_OFF: Final = 9  # a digit's own weight, modulo ten: it is taken from the sum
_LARGEST: Final = 50.0  # log-odds; more would overflow a sum of many
_NOTHING: Final = 1e-9  # odds that count for nothing
_REMAINDERS: Final = VALUES % 10
_FILLER: Final = SIGNS.index("<")
_End = Literal["no", "yes", "may go on"]


class _Step(NamedTuple):
    """One place that the composite digit covers: its weight there, its weight in its own field, and how that field ends with it, if it does."""

    row: int
    column: int
    composite: int
    own: int = 0
    ends: _End = "no"


def odds_of(lines: tuple[str, ...], weights: Any) -> float:
    """Return the log-odds of fitting ``lines`` against all other lines that fit, by log-probabilities (rows, signs, kinds)."""
    form = SHAPES[len(lines), len(lines[0])]
    places = places_of(form)
    other = np.zeros((10, 10))  # odds of what was walked otherwise than it stands, by remainders
    at = (0, 0)  # the remainders of the lines as they stand, whose odds are one
    for step in _walk(form):
        sign = SIGNS.index(lines[step.row][step.column])
        told = weights[step.row, step.column, :NO_SIGN].astype(float)
        odds = np.exp(np.minimum(told - told[sign], _LARGEST)) * possible_in((step.row, step.column), places)[:NO_SIGN]
        changed = odds.copy()
        changed[sign] = 0
        start = np.zeros((10, 10))
        start[at] = 1.0
        other = _after(other, odds, step) + _after(start, changed, step)
        value = int(_REMAINDERS[sign])
        at = ((at[0] + value * step.own) % 10, (at[1] + value * step.composite) % 10)
        if step.ends != "no":
            at = (0, at[1])
    return -math.log(max(float(other[0, 0]), math.exp(-_LARGEST)))


def _after(state: Any, odds: Any, step: _Step) -> Any:
    """Return the odds by remainders after a sign was added, and after its field was judged if it ends there."""
    if step.ends == "may go on":
        filler = float(odds[_FILLER])
        odds = odds.copy()
        odds[_FILLER] = 0
        judged = _after(state, odds, step._replace(ends="yes"))
        judged[0] += state.sum(0) * filler
        return judged
    moved = _moved(state, odds, step)
    if step.ends == "yes":
        moved[1:] = 0
    return moved


def _moved(state: Any, odds: Any, step: _Step) -> Any:
    by_value = np.bincount(_REMAINDERS, weights=odds, minlength=10)
    values = [value for value in range(10) if by_value[value] > _NOTHING]
    rolled = (np.roll(state, (value * step.own, value * step.composite), (0, 1)) * by_value[value] for value in values)
    return sum(rolled, np.zeros((10, 10)))


@cache
def _walk(form: MrzFormat) -> tuple[_Step, ...]:
    """Return the places in the order of the composite digit, itself last."""
    layout = LAYOUTS[form]
    fields = [layout.number, layout.birth, layout.expiry, *([layout.optional] if form == "TD3" else [])]
    own = {cell: weight for field in fields for cell, weight in _own_weights(field)}
    ends: dict[tuple[int, int], _End] = {(line, end): "yes" for line, _, end in fields}
    if form != "TD3":
        ends[layout.number[0], layout.number[2]] = "may go on"
    covered = [cell for place in layout.composite for cell in cells_of(place)]
    steps = [_Step(*cell, WEIGHTS[index % 3], own.get(cell, 0), ends.get(cell, "no")) for index, cell in enumerate(covered)]
    return (*steps, *(_Step(*cell, _TAKEN_OFF) for cell in cells_of(layout.composite_digit)))


def _own_weights(field: Place) -> list[tuple[tuple[int, int], int]]:
    line, _, end = field
    weighed = [(cell, WEIGHTS[index % 3]) for index, cell in enumerate(cells_of(field))]
    return [*weighed, ((line, end), _TAKEN_OFF)]
