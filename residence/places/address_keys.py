"""Keys two writings of one address may share, also when one is of before and one of after 2025-07-01.

- ``whole``: every part, type words written out, accents set aside (P.03 = Phường 3).
- ``house``: the first part (house and street, or hamlet; the words số and đường set aside) with the province of today. Districts were abolished and communes merged in 2025;
  a house number, a street and the province they are in now are what both eras write.
- ``commune``: the commune as written with the province of today, where the text settles which part is the commune.
- Keys bring people together and are weighed; an address is never decided by them, and no commune is looked up by its plain form.

>>> old, new = address_keys("12 Lê Lợi, Uyên Hưng, Tân Uyên, Bình Dương"), address_keys("12 Lê Lợi, Tân Uyên, TP.HCM")
>>> old.house == new.house, old.house
(True, '12 le loi|ho chi minh')
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from residence.people.letters import plain_key
from residence.places.addresses import bare_key, parts_of, read_address
from residence.places.provinces import match_province, successor_of

_NAMES_KEPT: Final = 1 << 15
_LEAST_PARTS_WITH_HOUSE: Final = 3
# Words people write or leave out before a house number and a street, and short forms of settlements, a number glued on or not.
_LEFT_OUT: Final = frozenset({"so", "sn", "duong", "d"})
_SETTLEMENTS: Final = {"kp": "khu pho", "kv": "khu vuc", "tdp": "to dan pho"}
_GLUED: Final = re.compile(r"(kp|kv|tdp)\.?([0-9].*)?")
_SOME_HOUSE: Final = "-"
_PLAIN_TYPES: Final = ("phuong ", "xa ", "thi tran ", "thi xa ", "quan ", "huyen ", "thanh pho ", "tinh ", "dac khu ")


class AddressKeys(NamedTuple):
    """Every key of one address; None where the text does not give it."""

    whole: str
    house: str | None = None
    commune: str | None = None
    province: str | None = None


def address_keys(text: str) -> AddressKeys | None:
    """Return the keys of an address; None for an empty one."""
    parts = parts_of(text)
    if not parts:
        return None
    units = [_plain_unit(each) for each in parts[1:-1]]
    first = _house(parts[0]) if len(parts) >= _LEAST_PARTS_WITH_HOUSE else _plain_unit(parts[0])
    province = _province_today(parts[-1])
    whole = ",".join([first, *units, _plain_province(parts[-1])])
    if province is None:
        return AddressKeys(whole)
    commune = _commune(", ".join((_SOME_HOUSE, *parts[1:])))
    return AddressKeys(
        whole,
        house=f"{first}|{province}" if len(parts) >= _LEAST_PARTS_WITH_HOUSE else None,
        commune=f"{commune}|{province}" if commune else None,
        province=province,
    )


def _house(part: str) -> str:
    return " ".join([key for key in map(_house_word, part.split()) if key])


@lru_cache(maxsize=_NAMES_KEPT)
def _house_word(word: str) -> str:
    key = (word.lower() if word.isascii() else plain_key(word)).strip(".,")
    if key in _LEFT_OUT:
        return ""
    glued = _GLUED.fullmatch(key)
    if glued:
        return f"{_SETTLEMENTS[glued[1]]} {glued[2] or ''}".strip()
    return key.lstrip("0") if key.isdigit() else key


@lru_cache(maxsize=_NAMES_KEPT)
def _plain_unit(part: str) -> str:
    return _without_type(plain_key(bare_key(part)))


def _without_type(key: str) -> str:
    """Drop a type word that was written without accents, unless only a number would be left."""
    for word in _PLAIN_TYPES:
        rest = key.removeprefix(word)
        if rest != key and not rest.isdigit():
            return rest
    return key


@lru_cache(maxsize=_NAMES_KEPT)
def _province(part: str) -> str | None:
    match = match_province(part)
    if match.name is None and not match.candidates:
        match = match_province(_without_type(plain_key(part)))
    return match.name or (match.candidates[0] if len(match.candidates) == 1 else None)


@lru_cache(maxsize=_NAMES_KEPT)
def _plain_province(part: str) -> str:
    return plain_key(_province(part) or bare_key(part))


@lru_cache(maxsize=_NAMES_KEPT)
def _province_today(part: str) -> str | None:
    name = _province(part)
    return plain_key(successor_of(name) or name) if name else None


@lru_cache(maxsize=_NAMES_KEPT)
def _commune(units: str) -> str | None:
    """Return the commune of an address whose house is set aside, so that many people share it."""
    commune = read_address(units).commune
    return plain_key(bare_key(commune)) if commune and commune != _SOME_HOUSE else None
