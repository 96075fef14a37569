"""Where each field of a machine-readable zone stands, and the check digit (ICAO Doc 9303 parts 3 to 6).

- A place is (line, first, last + 1), counted from 0.
- Weights 7-3-1, A = 10 to Z = 35, ``<`` = 0; the digit is the sum's last figure.

>>> check_digit("079095123456")
'7'
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

MrzFormat = Literal["TD1", "TD2", "TD3"]
Place = tuple[int, int, int]

# (number of lines, length of a line) -> format.
SHAPES: Final[dict[tuple[int, int], MrzFormat]] = {(3, 30): "TD1", (2, 36): "TD2", (2, 44): "TD3"}
WEIGHTS: Final = (7, 3, 1)
ISSUER: Final[Place] = (0, 2, 5)  # in every format


def check_digit(text: str) -> str:
    """Return the ICAO check digit of capitals, digits and fillers: weights 7-3-1, A = 10, ``<`` = 0."""
    return str(sum(WEIGHTS[place % 3] * (0 if each == "<" else int(each, 36)) for place, each in enumerate(text)) % 10)


class Layout(msgspec.Struct, frozen=True):
    """Where each field stands: (line, first, last + 1), counted from 0. ``composite`` lists what the composite digit covers."""

    number: Place
    optional: Place
    birth: Place
    sex: Place
    expiry: Place
    nationality: Place
    name: Place
    composite: tuple[Place, ...]
    composite_digit: Place


LAYOUTS: Final[dict[MrzFormat, Layout]] = {
    "TD1": Layout(
        number=(0, 5, 14),
        optional=(0, 15, 30),
        birth=(1, 0, 6),
        sex=(1, 7, 8),
        expiry=(1, 8, 14),
        nationality=(1, 15, 18),
        name=(2, 0, 30),
        composite=((0, 5, 30), (1, 0, 7), (1, 8, 15), (1, 18, 29)),
        composite_digit=(1, 29, 30),
    ),
    "TD2": Layout(
        number=(1, 0, 9),
        optional=(1, 28, 35),
        birth=(1, 13, 19),
        sex=(1, 20, 21),
        expiry=(1, 21, 27),
        nationality=(1, 10, 13),
        name=(0, 5, 36),
        composite=((1, 0, 10), (1, 13, 20), (1, 21, 35)),
        composite_digit=(1, 35, 36),
    ),
    "TD3": Layout(
        number=(1, 0, 9),
        optional=(1, 28, 42),
        birth=(1, 13, 19),
        sex=(1, 20, 21),
        expiry=(1, 21, 27),
        nationality=(1, 10, 13),
        name=(0, 5, 44),
        composite=((1, 0, 10), (1, 13, 20), (1, 21, 43)),
        composite_digit=(1, 43, 44),
    ),
}
