"""What every module of a QR symbol is for: known beforehand, format, or one bit of a codeword (ISO/IEC 18004, clause 7).

- ``known``: modules whose colour the version alone fixes: finders with separators, timing, alignment patterns, the dark
  module, and from version 7 the two version blocks. Locating, refining and equalising all learn from them.
- ``order``: row and column of every data bit, first to last, eight to a codeword, remainder bits left out.
- ``formats``: where the fifteen format bits stand, twice. Masks are the eight of clause 7.8.2.
- Row 0 and column 0 are at the outer corner of the top left finder; dark is True (or +1), light False (or -1).

>>> layout_of(8).side, int(layout_of(8).known_mask.sum()), len(layout_of(8).order) // 8
(49, 435, 242)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.blocks import alignment_places, data_bits

Bools = NDArray[np.bool_]
_VERSION_POLYNOMIAL: Final = 0x1F25
_FORMAT_POLYNOMIAL: Final = 0x537
_FORMAT_MASK: Final = 0x5412
_FIRST_WITH_VERSION: Final = 7
# the two bits of the level as the format writes them
LEVEL_BITS: Final = {1: "L", 0: "M", 3: "Q", 2: "H"}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layout:
    """The plan of one version. Arrays are read-only."""

    version: int
    side: int
    colours: Bools  # (side, side): dark where known to be dark
    known_mask: Bools  # (side, side): colour known from the version alone
    order: NDArray[np.intp]  # (bits, 2): row, column of each data bit
    formats: NDArray[np.intp]  # (2, 15, 2): row, column of each format bit, most significant first
    masks: Bools  # (8, bits): True where the mask flips the bit


@cache
def layout_of(version: int) -> Layout:
    """Return the plan of ``version`` (1 to 40)."""
    side = 17 + 4 * version
    colours, known = np.zeros((side, side), bool), np.zeros((side, side), bool)
    for rows, columns, pattern in _patterns(version, side):
        colours[rows, columns] = pattern
        known[rows, columns] = True
    formats = _format_places(side)
    taken = known.copy()
    taken[formats[..., 0], formats[..., 1]] = True
    order = _zigzag(side, taken)[: data_bits(version) // 8 * 8]
    layout = Layout(
        version=version, side=side, colours=colours, known_mask=known, order=order, formats=formats, masks=_masks(order)
    )  # fmt: skip
    for each in (colours, known, order, formats, layout.masks):
        each.setflags(write=False)
    return layout


def _patterns(version: int, side: int) -> Iterator[tuple[slice, slice, Bools]]:
    """Yield the function patterns, later ones over earlier ones."""
    timing = np.arange(side) % 2 == 0
    yield slice(6, 7), slice(0, side), timing[None, :]
    yield slice(0, side), slice(6, 7), timing[:, None]
    places = alignment_places(version)
    for row in places:
        for column in places:
            if (row, column) not in {(6, 6), (6, places[-1]), (places[-1], 6)}:
                yield slice(row - 2, row + 3), slice(column - 2, column + 3), _rings(5)
    finder = np.zeros((9, 9), bool)
    finder[1:8, 1:8] = _rings(7)
    yield slice(0, 8), slice(0, 8), finder[1:, 1:]
    yield slice(0, 8), slice(side - 8, side), finder[1:, :-1]
    yield slice(side - 8, side), slice(0, 8), finder[:-1, 1:]
    yield slice(side - 8, side - 7), slice(8, 9), np.ones((1, 1), bool)
    if version >= _FIRST_WITH_VERSION:
        block = _version_block(version)
        yield slice(0, 6), slice(side - 11, side - 8), block
        yield slice(side - 11, side - 8), slice(0, 6), block.T


def _rings(size: int) -> Bools:
    away = np.abs(np.arange(size) - size // 2)
    ring = np.maximum(away[:, None], away[None, :])
    return np.asarray(ring != size // 2 - 1)


def _remainder(value: int, polynomial: int, bits: int) -> int:
    value <<= bits
    for position in range(value.bit_length() - 1, bits - 1, -1):
        if value >> position & 1:
            value ^= polynomial << (position - bits)
    return value


def _version_block(version: int) -> Bools:
    word = version << 12 | _remainder(version, _VERSION_POLYNOMIAL, 12)
    return np.array([bool(word >> bit & 1) for bit in range(18)]).reshape(6, 3)


def format_word(level_bits: int, mask: int) -> int:
    """Return the fifteen bits that say level and mask, as they are drawn."""
    value = level_bits << 3 | mask
    return (value << 10 | _remainder(value, _FORMAT_POLYNOMIAL, 10)) ^ _FORMAT_MASK


def _format_places(side: int) -> NDArray[np.intp]:
    beside = [(8, column) for column in (0, 1, 2, 3, 4, 5, 7, 8)] + [(row, 8) for row in (7, 5, 4, 3, 2, 1, 0)]
    apart = [(row, 8) for row in range(side - 1, side - 8, -1)] + [(8, column) for column in range(side - 8, side)]
    return np.array([beside, apart], np.intp)


def _zigzag(side: int, taken: Bools) -> NDArray[np.intp]:
    """Return the free places in the order of clause 7.7.3: column pairs from the right, up and down in turn, past column 6."""
    places: list[tuple[int, int]] = []
    rights = [*range(side - 1, 6, -2), *range(5, 0, -2)]
    for number, right in enumerate(rights):
        rows = range(side) if number % 2 else range(side - 1, -1, -1)
        places += [(row, column) for row in rows for column in (right, right - 1) if not taken[row, column]]
    return np.array(places, np.intp)


def _masks(order: NDArray[np.intp]) -> Bools:
    row, column = order[:, 0], order[:, 1]
    product = row * column
    return np.array(
        [
            (row + column) % 2 == 0,
            row % 2 == 0,
            column % 3 == 0,
            (row + column) % 3 == 0,
            (row // 2 + column // 3) % 2 == 0,
            product % 2 + product % 3 == 0,
            (product % 2 + product % 3) % 2 == 0,
            ((row + column) % 2 + product % 3) % 2 == 0,
        ]
    )
