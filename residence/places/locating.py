"""Where an address lies: which unit of a table it may name, which of today's that is, and whether two addresses are one house.

- A unit is looked for inside its parent only, by the era the text settles; when it settles none, both readings count.
- Exactly one unit with an equal name is a result; equal without accents is a candidate. Through a split ward there are several of today's:
  ``Located.unit`` is None, and a person chooses.
- The house is the way to it by numbers: hẻm 12/3 số 4 = 12/3/4, số 5 ngách 12 ngõ 45 = 45/12/5; with its street, or its hamlet when no
  street is named. Two writings of it are one house within one ward, whatever the ward was called; without a number nothing is said.

>>> house_of(parse_address("Số 4 hẻm 12/3 Lê Lợi, P.13, Q.3, TP.HCM")).way
'12/3/4'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from residence.people.letters import plain_key
from residence.places.address_parsing import AddressParts
from residence.places.addresses import match_unit, unit_key
from residence.places.units import LAST_DAY_OF_DISTRICTS, Level, Unit, UnitTable

_NUMBERS: Final = re.compile(r"[0-9][0-9a-z]*(?:/[0-9][0-9a-z]*)*")
_LANES: Final = {"ngo": 0, "kiet": 0, "k": 0, "ngach": 1, "hem": 2}  # from the street inwards
_STREET_WORDS: Final = ("duong ", "d.", "pho ", "dai lo ")


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """``named``: units the address may name, each of its own time; ``today``: those it may lie in now."""

    named: tuple[Unit, ...] = ()
    today: tuple[Unit, ...] = ()
    exact: bool = False  # one name, written with its accents, in one reading

    @property
    def unit(self) -> Unit | None:
        """Return today's unit when it is certain."""
        return self.today[0] if self.exact and len(self.today) == 1 else None


class House(NamedTuple):
    """A house by its numbers; ``street`` and ``hamlets`` are plain keys."""

    way: str
    street: str
    hamlets: frozenset[str]


def locate(parts: AddressParts, table: UnitTable, *, on: str) -> Located:
    """Find the units an address may name and those of day ``on`` it may lie in."""
    named: dict[tuple[str, str], Unit] = {}
    today: dict[tuple[str, str], Unit] = {}
    exact = True
    for day, commune, district in _readings(parts, on):
        units, sure = _named(parts, table, day=day, commune=commune, district=district)
        exact = exact and (sure or not units)
        for each in units:
            named[each.key] = each
            today |= {now.key: now for now in table.candidates(each.code, at=day, on=on)}
    return Located(
        named=tuple(named[key] for key in sorted(named)),
        today=tuple(today[key] for key in sorted(today)),
        exact=exact and len(named) == 1,
    )


def _readings(parts: AddressParts, on: str) -> Iterable[tuple[str, str, str | None]]:
    """Return (day, commune, district) for each way the units may be read."""
    bare = parts.unplaced
    if parts.era != "from-2025-07-01":
        commune = parts.commune or (bare[-2] if len(bare) > 1 else None)
        district = parts.district or (bare[-1] if len(bare) > 1 and parts.commune is None else None)
        if commune is not None:
            yield LAST_DAY_OF_DISTRICTS, commune, district
    if parts.era != "until-2025-06-30" and parts.district is None:
        newer = parts.commune or (bare[-1] if bare else None)
        if newer is not None:
            yield on, newer, None


def _named(
    parts: AddressParts, table: UnitTable, *, day: str, commune: str, district: str | None
) -> tuple[tuple[Unit, ...], bool]:
    wanted = (parts.province,) if parts.province else parts.reading.province_candidates
    above: tuple[Unit, ...] = ()
    sure = len(wanted) == 1 and parts.province is not None
    for name in wanted:
        above += _by_name(name, table.on(day, level="province"))[0]
    if district is not None:
        above, districts_sure = _by_name(district, _within(above, table, level="district", day=day))
        sure = sure and districts_sure
    found, communes_sure = _by_name(commune, _within(above, table, level="commune", day=day))
    return found, sure and communes_sure


def _within(above: Iterable[Unit], table: UnitTable, *, level: Level, day: str) -> tuple[Unit, ...]:
    return tuple(unit for each in above for unit in table.inside(each.code, level=level, day=day))


def _by_name(text: str, among: tuple[Unit, ...]) -> tuple[tuple[Unit, ...], bool]:
    """Return the units of a name, and whether there is exactly one, written like that."""
    match = match_unit(text, dict.fromkeys(each.name for each in among))
    names = {match.name} if match.name is not None else set(match.candidates)
    found = tuple(each for each in among if each.name in names)
    return found, match.name is not None and len(found) == 1


def house_of(parts: AddressParts) -> House | None:
    """Return the house an address names, None when it has no number."""
    lanes = sorted(parts.alleys, key=_depth)
    way = ""
    for text in (*lanes, parts.house or ""):
        numbers = _NUMBERS.search(plain_key(text).replace(" ", ""))
        if numbers:
            way = numbers[0] if numbers[0].startswith(f"{way}/") else f"{way}/{numbers[0]}".strip("/")
    if not way:
        return None
    return House(way, street_of(parts), frozenset(plain_key(unit_key(each)) for each in parts.hamlets))


def same_house(one: AddressParts, other: AddressParts) -> bool:
    """Tell whether two addresses of one ward name one house."""
    a, b = house_of(one), house_of(other)
    if a is None or b is None or a.way != b.way:
        return False
    return a.street == b.street if a.street or b.street else bool(a.hamlets & b.hamlets)


def street_of(parts: AddressParts) -> str:
    """Return the plain key of the street; empty when none is named."""
    key = plain_key(parts.street or "")
    return next((key.removeprefix(word).strip() for word in _STREET_WORDS if key.startswith(word)), key)


def place_of(parts: AddressParts) -> tuple[str, str]:
    """Return (key, text) of the street or hamlet an address lies in: what a split ward is decided by. Empty when it names neither."""
    if parts.street is not None:
        return f"street:{street_of(parts)}", parts.street
    if parts.hamlets:
        largest = parts.hamlets[-1]
        return f"hamlet:{plain_key(unit_key(largest))}", largest
    return "", ""


def _depth(alley: str) -> int:
    key = plain_key(alley)
    return next((depth for word, depth in _LANES.items() if key.startswith(word)), 0)
