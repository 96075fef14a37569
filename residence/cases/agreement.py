"""How far two views of the same closures agree: the share that is the same, Cohen's kappa, and how sure either is.

- Raw agreement with Wilson's interval; kappa with the large-sample interval of Fleiss, Cohen and Everitt (1969), at 95 in 100.
- Kappa of one code is that code against all others. Kappa says nothing where all is one code, and is None there.
- Everything is worked out from all pairs; what is too little to be said is left out later (``small_cells.py``).

>>> agreement([("visitor", "visitor"), ("declared", "declared"), ("visitor", "declared")]).kappa.value
0.4
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Final

import msgspec

Z: Final = 1.959964  # 95 in 100
DIGITS: Final = 3
Pair = tuple[str, str]  # what the closer said, what the second view said


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and the interval it lies in."""

    value: float
    least: float
    most: float


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Of how many, and how far."""

    pairs: int
    same: int
    raw: Measured | None
    kappa: Measured | None


def agreement(pairs: Iterable[Pair]) -> Agreement:
    """Return how far pairs agree."""
    known = list(pairs)
    same = sum(first == second for first, second in known)
    return Agreement(pairs=len(known), same=same, raw=wilson(same, len(known)), kappa=kappa(known))


def agreement_about(code: str, pairs: Iterable[Pair]) -> Agreement:
    """Return how far what was closed with a code is seen so again, and kappa of that code against the rest."""
    known = list(pairs)
    closed = [pair for pair in known if pair[0] == code]
    same = sum(second == code for _, second in closed)
    against = kappa([(str(first == code), str(second == code)) for first, second in known])
    return Agreement(pairs=len(closed), same=same, raw=wilson(same, len(closed)), kappa=against)


def wilson(same: int, of: int) -> Measured | None:
    """Return a share with Wilson's interval.

    >>> wilson(9, 10)
    Measured(value=0.9, least=0.596, most=0.982)
    """
    if not of:
        return None
    share, square = same / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    around = Z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return _measured(share, middle - around, middle + around, bounds=(0.0, 1.0))


def kappa(pairs: Sequence[Pair]) -> Measured | None:
    """Return Cohen's kappa of pairs, None where it says nothing."""
    many = len(pairs)
    if not many:
        return None
    cells = Counter(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    words = sorted(first.keys() | second.keys())
    observed = sum(cells[each, each] for each in words) / many
    expected = sum(first[each] * second[each] for each in words) / many**2
    if expected >= 1:
        return None
    value = (observed - expected) / (1 - expected)
    spread = _spread(cells, first, second, words=words, observed=observed, expected=expected)
    return _measured(value, value - Z * spread, value + Z * spread, bounds=(-1.0, 1.0))


def _spread(
    cells: Counter[Pair], first: Counter[str], second: Counter[str], *, words: Sequence[str], observed: float, expected: float
) -> float:
    """Return kappa's standard error (Fleiss, Cohen and Everitt 1969, formula 13)."""
    many, left, value = first.total(), 1 - expected, (observed - expected) / (1 - expected)
    on = sum(cells[each, each] / many * (1 - (first[each] + second[each]) / many * (1 - value)) ** 2 for each in words)
    off = sum(
        cells[one, other] / many * ((first[other] + second[one]) / many) ** 2 for one in words for other in words if one != other
    )
    variance = (on + (1 - value) ** 2 * off - (value - expected * (1 - value)) ** 2) / (many * left**2)
    return sqrt(max(variance, 0.0))


def _measured(value: float, least: float, most: float, *, bounds: tuple[float, float]) -> Measured:
    low, high = bounds
    return Measured(value=round(value, DIGITS), least=round(max(least, low), DIGITS), most=round(min(most, high), DIGITS))
