"""How many codewords a QR code has and how they are shared out into Reed-Solomon blocks (ISO/IEC 18004, table 9).

- A symbol of version ``v`` has ``17 + 4v`` modules a side. What the function patterns leave is the codewords, in whole bytes.
- All blocks of a symbol have the same number of check codewords; the last ones have one data codeword more than the first.
- Data codewords are interleaved first, then the check codewords; ``interleaving`` says which codeword stands where.

>>> blocks_of(8, "L")
Blocks(number=2, check=24, lengths=(121, 121))
"""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Level = Literal["L", "M", "Q", "H"]
LEVELS: Final[tuple[Level, ...]] = ("L", "M", "Q", "H")
LAST_VERSION: Final = 40

# Per level, versions 1 to 40: check codewords of one block, and blocks.
_CHECK: Final[dict[Level, str]] = {
    "L": "7 10 15 20 26 18 20 24 30 18 20 24 26 30 22 24 28 30 28 28 28 28 30 30 26 28 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
    "M": "10 16 26 18 24 16 18 22 22 26 30 22 22 24 24 28 28 26 26 26 26 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28",
    "Q": "13 22 18 26 18 24 18 22 20 24 28 26 24 20 30 24 28 28 26 30 28 30 30 30 30 28 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
    "H": "17 28 22 16 22 28 26 26 24 28 24 28 22 24 24 30 28 28 26 28 30 24 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
}
_COUNT: Final[dict[Level, str]] = {
    "L": "1 1 1 1 1 2 2 2 2 4 4 4 4 4 6 6 6 6 7 8 8 9 9 10 12 12 12 13 14 15 16 17 18 19 19 20 21 22 24 25",
    "M": "1 1 1 2 2 4 4 4 5 5 5 8 9 9 10 10 11 13 14 16 17 17 18 20 21 23 25 26 28 29 31 33 35 37 38 40 43 45 47 49",
    "Q": "1 1 2 2 4 4 6 6 8 8 8 10 12 16 12 17 16 18 21 20 23 23 25 27 29 34 34 35 38 40 43 45 48 51 53 56 59 62 65 68",
    "H": "1 1 2 4 4 4 5 6 8 8 11 11 16 16 18 16 19 21 25 25 25 34 30 32 35 37 40 42 45 48 51 54 57 60 63 66 70 74 77 81",
}
# Check codewords that the standard keeps for detecting, not correcting, errors in the smallest symbols (table 9, note b).
_KEPT: Final[dict[tuple[int, Level], int]] = {(1, "L"): 3, (1, "M"): 2, (1, "Q"): 1, (1, "H"): 1, (2, "L"): 2, (3, "L"): 1}


class Blocks(NamedTuple):
    """The blocks of one symbol: how many, check codewords in each, and the whole length of each."""

    number: int
    check: int
    lengths: tuple[int, ...]


def alignment_places(version: int) -> tuple[int, ...]:
    """Return the rows (and columns) on which alignment patterns are centred; none in version 1."""
    if version == 1:
        return ()
    number = version // 7 + 2
    # Even steps, the remainder going to the first gap (ISO/IEC 18004, table E.1); version 32 is the table's exception.
    step = 26 if version == 32 else (version * 4 + number * 2 + 1) // (number * 2 - 2) * 2  # noqa: PLR2004
    last = 4 * version + 10
    return (6, *reversed([last - step * each for each in range(number - 1)]))


def data_bits(version: int) -> int:
    """Return how many modules carry codewords and remainder bits."""
    bits = (16 * version + 128) * version + 64
    if version > 1:
        number = version // 7 + 2
        bits -= (25 * number - 10) * number - 55
        if version > 6:  # noqa: PLR2004 -- from version 7 on the version itself is written twice
            bits -= 36
    return bits


@cache
def blocks_of(version: int, level: Level) -> Blocks:
    """Return the blocks of a symbol of ``version`` (1 to 40) and ``level``."""
    check = int(_CHECK[level].split()[version - 1])
    count = int(_COUNT[level].split()[version - 1])
    short, longer = divmod(data_bits(version) // 8, count)
    return Blocks(number=count, check=check, lengths=(short,) * (count - longer) + (short + 1,) * longer)


def correcting(version: int, level: Level) -> int:
    """Return how many check codewords of a block may be used to correct errors."""
    return blocks_of(version, level).check - _KEPT.get((version, level), 0)


@cache
def interleaving(version: int, level: Level) -> tuple[NDArray[np.intp], ...]:
    """Return, for each block, where its codewords stand in the order in which the symbol carries them."""
    blocks = blocks_of(version, level)
    data = [length - blocks.check for length in blocks.lengths]
    places: list[list[int]] = [[] for _ in range(blocks.number)]
    position = 0
    for rounds, wanted in ((max(data), data), (blocks.check, [blocks.check] * blocks.number)):
        for index in range(rounds):
            for block in range(blocks.number):
                if index < wanted[block]:
                    places[block].append(position)
                    position += 1
    return tuple(np.array(each, np.intp) for each in places)
