"""Reed-Solomon for QR codes with errors and erasures, many trials at once (ISO/IEC 18004 clause 7.5; Blahut's algorithm).

- GF(256) over 0x11D, first root alpha^0. The first codeword of a block is the highest power.
- ``correct`` takes one trial per row. Rows may have different erasures; all have the same length and check codewords (a
  shorter block is preceded by zeros, and a trial that would change those zeros is refused).
- ``most`` bounds ``2 * errors + erasures`` of each row: with ``spare`` codewords left over, a random word is accepted with
  probability below 1e-9; with none left over any word is. The caller decides, and this file never goes beyond.
- A row comes back with the number of changed codewords that were not erased, or -1 when it is no codeword within ``most``.

>>> word = np.array(
...     [[32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17, 196, 35, 39, 119, 235, 215, 231, 226, 93, 23]],
...     np.uint8,
... )
>>> bad = word ^ np.where(np.isin(np.arange(26), [3, 9]), 77, 0).astype(np.uint8)
>>> fixed, errors = correct(bad, check=10, erased=np.zeros(bad.shape, bool), most=np.array([10]))
>>> bool((fixed == word).all()), errors.tolist()
(True, [2])
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
_ORDER: Final = 255


def _tables() -> tuple[NDArray[np.intp], NDArray[np.intp], Bytes, Bytes]:
    power, logarithm, value = np.zeros(512, np.intp), np.zeros(256, np.intp), 1
    for exponent in range(_ORDER):
        power[exponent], logarithm[value] = value, exponent
        value <<= 1
        value ^= 0x11D if value > _ORDER else 0
    power[_ORDER:] = power[: 512 - _ORDER]
    product = power[logarithm[:, None] + logarithm[None, :]].astype(np.uint8)
    product[0, :] = product[:, 0] = 0
    inverse = power[_ORDER - logarithm].astype(np.uint8)
    return power, logarithm, product, inverse


_POWER, _LOG, _TIMES, _INVERSE = _tables()


@cache
def _powers(length: int, count: int, sign: int) -> Bytes:
    """Return alpha^(sign * k * (length - 1 - j)) for positions j and k below ``count``, shape (length, count)."""
    degree = np.arange(length - 1, -1, -1)[:, None]
    return np.asarray(_POWER[sign * degree * np.arange(count)[None, :] % _ORDER], np.uint8)


def _sum(terms: Bytes, axis: int) -> Bytes:
    return np.asarray(np.bitwise_xor.reduce(terms, axis=axis), np.uint8)


def syndromes(words: Bytes, check: int) -> Bytes:
    """Return the ``check`` syndromes of each row; all zero means a codeword. Shapes (rows, length) -> (rows, check)."""
    return _sum(_TIMES[words[:, :, None], _powers(words.shape[1], check, 1)[None]], axis=1)


def correct(
    words: Bytes, *, check: int, erased: NDArray[np.bool_], most: NDArray[np.intp], trials_each: int = 1
) -> tuple[Bytes, NDArray[np.intp]]:
    """Correct each row (rows, length), with ``erased`` of the same shape and ``most`` of shape (rows,).

    Every ``trials_each`` rows are trials of one word, which is corrected once: what stands after the first success comes back as -1.
    A row that is a codeword already comes back as it is, with no error, wherever it stands.
    """
    errors = np.full(len(words), -1, np.intp)
    fixed = words.copy()
    found = syndromes(words, check)
    clean = ~found.any(axis=1)
    errors[clean] = 0
    trials = np.flatnonzero(~clean)
    if not len(trials):
        return fixed, errors
    erasures = erased[trials].sum(axis=1)
    locator, degree = _locators(found[trials], _erasure_locators(erased[trials], check), erasures)
    fits = (2 * degree - erasures <= most[trials]) & (_degrees(locator) == degree)
    ended = -1
    for index in np.flatnonzero(fits):
        row = trials[index]
        if row // trials_each == ended:
            continue
        changes = _changes(found[row], locator[index, : degree[index] + 1], words.shape[1])
        if changes is not None:
            fixed[row] ^= changes
            errors[row] = int((changes.astype(bool) & ~erased[row]).sum())
            ended = row // trials_each
    return fixed, errors


def _degrees(locator: Bytes) -> NDArray[np.intp]:
    """Return the degree of each row's polynomial (lowest power first)."""
    return np.asarray(locator.shape[1] - 1 - np.argmax(locator[:, ::-1] != 0, axis=1), np.intp)


def _erasure_locators(erased: NDArray[np.bool_], check: int) -> Bytes:
    """Return the polynomial with a root at each erased place, (rows, check + 1)."""
    rows, length = erased.shape
    locator = np.zeros((rows, check + 1), np.uint8)
    locator[:, 0] = 1
    counts = erased.sum(axis=1)
    # the k-th erased place of each row; rows with fewer multiply by one
    places = np.argsort(~erased, axis=1, kind="stable")[:, : int(counts.max(initial=0))]
    for step in range(places.shape[1]):
        roots = np.where(step < counts, _POWER[length - 1 - places[:, step]], 0).astype(np.uint8)
        locator[:, 1:] ^= _TIMES[roots[:, None], locator[:, :-1]]
    return locator


def _locators(found: Bytes, start: Bytes, erasures: NDArray[np.intp]) -> tuple[Bytes, NDArray[np.intp]]:
    """Run Berlekamp-Massey on all rows at once, from each row's erasure locator on."""
    rows, check = found.shape
    locator, previous, degree = start.copy(), start.copy(), erasures.copy()
    backwards = np.zeros((rows, 2 * check + 1), np.uint8)
    backwards[:, :check] = found[:, ::-1]  # syndromes r, r-1, ... begin at check - r
    for r in range(int(erasures.min(initial=check)) + 1, check + 1):
        active = r > erasures
        gap = _sum(_TIMES[locator, backwards[:, check - r : 2 * check - r + 1]], axis=1)
        gap[~active] = 0
        longer = (gap != 0) & (2 * degree <= r + erasures - 1)
        shifted = np.zeros_like(previous)
        shifted[:, 1:] = previous[:, :-1]
        renewed = locator ^ _TIMES[gap[:, None], shifted]
        kept = np.where(active[:, None], shifted, previous)
        previous = np.where(longer[:, None], _TIMES[_INVERSE[gap][:, None], locator], kept)
        degree = np.where(longer, r + erasures - degree, degree)
        locator = renewed
    return locator, degree


def _changes(found: Bytes, locator: Bytes, length: int) -> Bytes | None:
    """Return what to add to the word (Chien search, Forney), or None when the locator has not all its roots in the word."""
    powers = _powers(length, len(locator), -1)
    roots = np.flatnonzero(_sum(_TIMES[powers, locator[None, :]], axis=1) == 0)
    if len(roots) != len(locator) - 1:
        return None
    check = len(found)
    evaluator = np.zeros(check, np.uint8)
    for power, factor in enumerate(locator):
        evaluator[power:] ^= _TIMES[factor, found[: check - power]]
    above = _sum(_TIMES[_powers(length, check, -1)[roots], evaluator[None, :]], axis=1)
    slope = locator[1::2]
    below = _sum(_TIMES[_powers(length, len(locator), -1)[roots][:, 0 : 2 * len(slope) : 2], slope[None, :]], axis=1)
    position = _POWER[length - 1 - roots].astype(np.uint8)
    changes = np.zeros(length, np.uint8)
    changes[roots] = _TIMES[_TIMES[above, _INVERSE[below]], position]
    return (
        None
        if _sum(_TIMES[changes[roots][:, None], _powers(length, check, 1)[roots]], axis=0).tobytes() != found.tobytes()
        else changes
    )
