"""Provinces in two eras: 63 until 2025-06-30, 34 from 2025-07-01, with the code of each era kept apart.

- A bare two-digit code means nothing: seven provinces keep their name but carry another unit's old code (Bắc Ninh 27, then 24).
  A code always travels with its era.
- The table maps whole provinces; a commune split between successors is never decided from it.
- The first three digits of a personal number are the place of birth registration, never an address.

>>> province_of_code("24", "from-2025-07-01"), province_of_code("27", "until-2025-06-30")
('Bắc Ninh', 'Bắc Ninh')
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from residence.people.letters import match_key, plain_key

Era = Literal["until-2025-06-30", "from-2025-07-01"]
_TYPES = ("Tỉnh ", "Thành phố ")
# Short names people and forms use beside the official ones.
_ALIASES = {
    "hcm": "Hồ Chí Minh",
    "tphcm": "Hồ Chí Minh",
    "tp hcm": "Hồ Chí Minh",
    "sg": "Hồ Chí Minh",
    "sài gòn": "Hồ Chí Minh",
    "hn": "Hà Nội",
    "brvt": "Bà Rịa - Vũng Tàu",
    "tt huế": "Thừa Thiên Huế",
}


class Province(msgspec.Struct, frozen=True, kw_only=True):
    """One province of the older era and what followed it. Codes are of the statistics office, two digits."""

    name: str
    code: str
    full_name: str
    successor: str
    successor_code: str
    successor_full_name: str


class ProvinceMatch(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` when the text names one province for certain; else every province it may mean."""

    name: str | None
    candidates: tuple[str, ...] = ()


@cache
def provinces() -> tuple[Province, ...]:
    """Return all 63 with their successors."""
    text = resources.files("residence.places").joinpath("data", "province-successors-2025.csv").read_text("utf-8")
    return tuple(
        Province(
            name=row["name"],
            code=row["pin_code"][1:],
            full_name=row["full_name_2024"],
            successor=_short(row["name_2025"]),
            successor_code=row["gso_code_2025"],
            successor_full_name=row["name_2025"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def _short(name: str) -> str:
    for word in _TYPES:
        name = name.removeprefix(word)
    return name


@cache
def names_of(era: Era) -> frozenset[str]:
    """Return the names in use in an era: 63 or 34."""
    return frozenset(each.name if era == "until-2025-06-30" else each.successor for each in provinces())


def province_of_code(code: str, era: Era) -> str | None:
    """Return the name behind a statistics office code of that era."""
    pairs = (
        (each.code, each.name) if era == "until-2025-06-30" else (each.successor_code, each.successor) for each in provinces()
    )
    return dict(pairs).get(code)


def successor_of(name: str) -> str | None:
    """Return the province that holds a province of the older era since 2025-07-01."""
    return next((each.successor for each in provinces() if each.name == name), None)


def province_key(text: str) -> str:
    """Return the key provinces are matched by: hyphens as spaces, leading type word dropped."""
    words = match_key(text).replace("-", " ").replace(".", " ").split()
    joined = " ".join(words)
    for word in ("tỉnh ", "thành phố ", "tp ", "t p ", "t "):
        if joined.startswith(word) and joined not in _ALIASES:
            return joined.removeprefix(word)
    return joined


def match_province(text: str) -> ProvinceMatch:
    """Find the province a text names. Equal without accents is a candidate, not a result."""
    key = province_key(text)
    if key in _ALIASES:
        return ProvinceMatch(name=_ALIASES[key])
    known = names_of("until-2025-06-30") | names_of("from-2025-07-01")
    exact = [name for name in known if province_key(name) == key]
    if exact:
        return ProvinceMatch(name=exact[0])
    plain = plain_key(key)
    return ProvinceMatch(
        name=None, candidates=tuple(sorted(name for name in known if plain and plain_key(province_key(name)) == plain))
    )
