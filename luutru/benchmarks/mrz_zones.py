"""Invented machine-readable zones: passports and cards of people who do not exist, with every check digit right.

- Names are put together from syllables so that every letter occurs; numbers, dates and countries are drawn. Nobody is meant.
- A third of the documents claim Vietnam and carry a 12-digit number the way Vietnamese ones do; UTO is Doc 9303's own invented country.
- The lines are a pure function of the generator passed in.

>>> [len(line) for line in make_lines(np.random.default_rng(1), "TD1")]
[30, 30, 30]
"""

# ruff: noqa: SIM905 -- lists of syllables read better as one line of words
from __future__ import annotations

from typing import Final

import numpy as np

from residence.credentials.mrz_layout import SHAPES, MrzFormat, check_digit

_START: Final = "BA DO GI HU JE KY LO MI NGU PHA QUI RY SO TRA UY VO WE XI YE ZA CHO FE ZHU QU O A I".split()
_END: Final = "NG N RICH SKI WICZ BORG TT XO M Y ZZ VIC FF KH LD QUE B JI DO GH A O UC".split()
_COUNTRIES: Final = "UTO KOR JPN FRA USA AUS GBR THA LAO KHM CHN IND RUS ZAF BRA MEX QAT CZE PHL SGP".split()
_SIGNS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def make_lines(rng: np.random.Generator, form: MrzFormat) -> tuple[str, ...]:
    """Return the two or three lines of one invented document."""
    width = next(length for (_, length), each in SHAPES.items() if each == form)
    vietnamese = bool(rng.random() < 1 / 3)
    country = "VNM" if vietnamese else _COUNTRIES[int(rng.integers(len(_COUNTRIES)))]
    birth, sex, expiry = _dates(rng)
    national = f"{int(rng.integers(1, 97)):03d}{'MF'.index(sex) if sex in 'MF' else 0}{birth[:2]}{int(rng.integers(10**6)):06d}"
    middle = birth + check_digit(birth) + sex + expiry + check_digit(expiry)
    if form == "TD1":
        return _card(rng, country, national if vietnamese else "", middle)
    number = _number(rng)
    room = width - 29 - (form == "TD3")
    optional = (national if vietnamese and form == "TD3" else _optional(rng, room)).ljust(room, "<")
    second = number + check_digit(number) + country + middle + optional
    if form == "TD3":
        second += check_digit(optional) if optional.strip("<") or rng.random() < 0.5 else "<"
    second += check_digit(second[:10] + second[13:20] + second[21:])
    first = ("P<" if form == "TD3" else "I<") + country + _name(rng, width - 5)
    return first, second


def _card(rng: np.random.Generator, country: str, national: str, middle: str) -> tuple[str, ...]:
    kind = "ID" if national else ["I<", "ID", "AC", "C<"][int(rng.integers(4))]
    number = national[3:] if national else _number(rng)
    optional = f"{national}<<{check_digit(national)}" if national else _optional(rng, 15).ljust(15, "<")
    first = kind + country + number + check_digit(number) + optional
    second = middle + country + _optional(rng, 11 if not national else 0).ljust(11, "<")
    second += check_digit(first[5:] + second[:7] + second[8:15] + second[18:29])
    return first, second, _name(rng, 30)


def _number(rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        return f"{_SIGNS[int(rng.integers(26))]}{int(rng.integers(10**8)):08d}"
    return "".join(_SIGNS[each] for each in rng.integers(0, 36, 9))


def _optional(rng: np.random.Generator, room: int) -> str:
    """Return nothing in most documents, else signs with or without fillers after them."""
    if not room or rng.random() < 0.6:
        return ""
    return "".join(_SIGNS[each] for each in rng.integers(0, 36, int(rng.integers(2, room))))


def _dates(rng: np.random.Generator) -> tuple[str, str, str]:
    birth = f"{int(rng.integers(40, 100)):02d}{int(rng.integers(1, 13)):02d}{int(rng.integers(1, 29)):02d}"
    expiry = f"{int(rng.integers(27, 36)):02d}{int(rng.integers(1, 13)):02d}{int(rng.integers(1, 29)):02d}"
    return birth, "MF<"[int(rng.choice(3, p=[0.49, 0.49, 0.02]))], expiry


def _word(rng: np.random.Generator) -> str:
    syllables = [_START[int(rng.integers(len(_START)))] for _ in range(int(rng.integers(1, 3)))]
    return "".join(syllables) + _END[int(rng.integers(len(_END)))]


def _name(rng: np.random.Generator, room: int) -> str:
    surname = "<".join(_word(rng) for _ in range(1 + int(rng.random() < 0.2)))
    given = "<".join(_word(rng) for _ in range(int(rng.integers(1, 4))))
    return f"{surname}<<{given}"[:room].ljust(room, "<")
