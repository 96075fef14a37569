"""An address as a card gives it, and what may be read out of it without guessing.

- The text is kept verbatim beside any reading of it, doubled commas included; a reading is never a gate for declaring.
- Split on commas from the right: province last, then district and commune (until 2025-06-30) or commune alone (since), the rest is detail.
- Which of the two it is follows from type words, from a province that is no more, or from the card's issue date; else the era stays open
  and nothing but the province is named. Nothing is looked up outside this machine; no geocoder.
- Units are matched inside their parent only. Equal without accents is a candidate (Sa Pa, Sa Pả); one of several is never picked.
- A commune split in 2025 has several successors: a person chooses.

>>> read_address("Tổ 6, Uyên Hưng, Tân Uyên, Bình Dương").commune
'Uyên Hưng'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from residence.people.letters import match_key, plain_key
from residence.places.provinces import Era, match_province, names_of

TWO_LEVELS_SINCE: Final = "2025-07-01"
_SHORT: Final = {
    "p": "phường",
    "f": "phường",
    "q": "quận",
    "h": "huyện",
    "x": "xã",
    "tt": "thị trấn",
    "tx": "thị xã",
    "tp": "thành phố",
    "t.p": "thành phố",
    "t": "tỉnh",
    "kp": "khu phố",
    "kv": "khu vực",
    "tdp": "tổ dân phố",
    "sn": "số nhà",
    "đ": "đường",
}
# A short form counts before a dot, before digits, or - with two letters or more - before a space.
_SHORT_FORM: Final = re.compile(r"(t\.p|tdp|tt|tx|tp|kp|kv|sn|[pfqhxtđ])(?:\.\s*|\s*(?=[0-9])|(?<=[a-z]{2})\s+)(?=\S)")
_LEADING_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])")
_COMMUNE_WORDS: Final = ("phường ", "xã ", "đặc khu ")
_OLD_COMMUNE_WORDS: Final = (*_COMMUNE_WORDS, "thị trấn ")
_DISTRICT_WORDS: Final = ("quận ", "huyện ", "thị xã ", "thành phố ")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A reading of one address. ``text`` is verbatim; names are parts of it as written; None = not settled by the text."""

    text: str
    era: Era | None
    province: str | None  # official name
    province_candidates: tuple[str, ...] = ()
    district: str | None = None
    commune: str | None = None
    detail: str | None = None

    @property
    def needs_human(self) -> bool:
        """Tell whether a person must look before anything rests on this reading."""
        return self.era is None or self.province is None or self.commune is None


class UnitMatch(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` when exactly one unit is written like that, accents included; else the candidates a person chooses from."""

    name: str | None
    candidates: tuple[str, ...] = ()


def parts_of(text: str) -> tuple[str, ...]:
    """Return the parts between commas as written, empty ones dropped."""
    return tuple(part for part in (each.strip() for each in text.split(",")) if part)


def unit_key(part: str) -> str:
    """Return the key of one part: short forms written out, leading zeros dropped (``P.03`` = ``Phường 3``)."""
    key = match_key(part)
    short = _SHORT_FORM.match(key)
    if short:
        key = f"{_SHORT[short[1]]} {key[short.end() :]}"
    return _LEADING_ZEROS.sub("", key)


def bare_key(part: str) -> str:
    """Return the key without its type word, unless only a number would be left (``Phường 13``)."""
    key = unit_key(part)
    for word in (*_OLD_COMMUNE_WORDS, *_DISTRICT_WORDS, "tỉnh "):
        rest = key.removeprefix(word)
        if rest != key and not rest.isdigit():
            return rest
    return key


def is_commune(part: str) -> bool:
    """Tell whether a part says by its type word that it is a ward, commune or town."""
    return unit_key(part).startswith(_OLD_COMMUNE_WORDS)


def is_district(part: str) -> bool:
    """Tell whether a part says by its type word that it is of the level above (a city may also be a province)."""
    return unit_key(part).startswith(_DISTRICT_WORDS)


def address_key(text: str) -> str:
    """Return the key of a whole address, for comparing two writings of it."""
    return ", ".join(map(unit_key, parts_of(text)))


def _era(keys: list[str], province: str | None, issued: str | None) -> Era | None:
    """Tell the number of levels from what is written, else from the card's issue date; an issue date since the change proves nothing."""
    above = keys[-2] if len(keys) > 1 else ""
    if above.startswith((*_DISTRICT_WORDS, "thị trấn ")):
        return "until-2025-06-30"
    if len(keys) > 2 and keys[-3].startswith(_OLD_COMMUNE_WORDS) and not above.startswith(_COMMUNE_WORDS):  # noqa: PLR2004 - a commune below
        return "until-2025-06-30"
    if province is not None and province not in names_of("from-2025-07-01"):
        return "until-2025-06-30"
    if above.startswith(_COMMUNE_WORDS):
        return "from-2025-07-01"
    return "until-2025-06-30" if issued is not None and issued < TWO_LEVELS_SINCE else None


def read_address(text: str, *, issued: str | None = None) -> Address:
    """Read an address as far as it is certain. ``issued`` is the card's issue date (YYYY-MM-DD)."""
    parts = parts_of(text)
    if not parts:
        return Address(text=text, era=None, province=None)
    match = match_province(parts[-1])
    keys = [unit_key(part) for part in parts]
    era = _era(keys, match.name, issued)
    address = Address(text=text, era=era, province=match.name, province_candidates=match.candidates)
    levels = {None: 0, "from-2025-07-01": 1, "until-2025-06-30": 2}[era]
    district_missing = levels == 2 and keys[-2:-1] and keys[-2].startswith(_OLD_COMMUNE_WORDS)  # noqa: PLR2004 - district and commune
    if not levels or len(parts) < levels + 1 or district_missing:
        return address
    return msgspec.structs.replace(
        address,
        district=parts[-2] if levels == 2 else None,  # noqa: PLR2004 - district and commune
        commune=parts[-1 - levels],
        detail=", ".join(parts[: -1 - levels]) or None,
    )


def match_unit(part: str, among: Iterable[str]) -> UnitMatch:
    """Find a commune or district among the names of one parent. A name that is several units without accents is never picked."""
    names = tuple(among)
    wanted = {unit_key(part), bare_key(part)}
    exact = tuple(name for name in names if wanted & {unit_key(name), bare_key(name)})
    plain = {plain_key(each) for each in wanted}
    alike = tuple(name for name in names if plain & {plain_key(unit_key(name)), plain_key(bare_key(name))})
    typed_plain = all(plain_key(each) == each for each in wanted)
    if len(exact) == 1 and not (typed_plain and len(alike) > 1):
        return UnitMatch(name=exact[0], candidates=exact)
    return UnitMatch(name=None, candidates=alike)


def match_successor(successors: tuple[str, ...]) -> UnitMatch:
    """Return the only successor of a commune, or all of them for a person to choose from."""
    return UnitMatch(name=successors[0] if len(successors) == 1 else None, candidates=successors)
