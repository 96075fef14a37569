"""An address taken to pieces: house, alleys, street, hamlets, ward, district, province, and what could not be placed.

- The text stays verbatim; every piece is a part of it as written, type words included, and every word of it is in exactly one piece. What
  fits nowhere is ``unplaced``: nothing is dropped and nothing is guessed.
- Which part is the ward, the district, the province is decided by ``addresses.read_address``; before that, units named by their type word are
  put in order (``TP.HCM, Q.3, P.13, 12 Lê Lợi``) and units written without commas are parted (``12 Lê Lợi P.13 Q.3 TP.HCM``).
- A type word inside a name is part of it: Bà Huyện Thanh Quan, Đường Làng Tăng Phú, Tỉnh lộ 10, 12 Đội Cấn. ``P`` before three digits is a
  room (``P.1203``), not a ward.
- A name without a type word, after a house number or alley, is its street; elsewhere it is unplaced.

>>> parse_address("12/3/4 Lê Lợi, P.13, Q.3, TP.HCM").street
'Lê Lợi'
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from residence.people.letters import is_invisible, stored_form
from residence.places.address_words import segments
from residence.places.addresses import Address, is_commune, is_district, read_address
from residence.places.provinces import Era, match_province

_SEPARATORS: Final = re.compile(r"[,;\n\r]+")
# Where a unit begins that no comma parts from what stands before it.
_UNIT_INSIDE: Final = re.compile(
    r"(?<=[^\s,])\s+(?=(?:"
    r"(?:phuong|quan)\s[0-9]{1,2}(?![0-9/])|(?:phường|quận|thị trấn|thị xã|thành phố|tp\.|t\.p\.|tphcm\b|tp\s?hcm\b)\s*\S"
    r"|(?<!bà )huyện(?! lộ)\s+\S|tỉnh(?! lộ)\s+\S"
    r"|(?:[pfq]\.?\s?[0-9]{1,2}(?![0-9/])|[pfqhx]\.\s?\w|t[tx]\.\s?\w)))",
    re.IGNORECASE,
)
_ROOM: Final = re.compile(r"p\.?\s?[0-9]{3,}", re.IGNORECASE)
# Type words without accents, where no name can be meant: Quan Hoa and Phuong Mai are wards, Xa Dan a street.
_PLAIN_WORDS: Final = (
    (re.compile(r"phuong(?=\s?[0-9])", re.IGNORECASE), "phường"),
    (re.compile(r"quan(?=\s?[0-9])", re.IGNORECASE), "quận"),
    (re.compile(r"thi tran(?=\s)", re.IGNORECASE), "thị trấn"),
    (re.compile(r"thi xa(?=\s)", re.IGNORECASE), "thị xã"),
    (re.compile(r"thanh pho(?=\s)", re.IGNORECASE), "thành phố"),
)


class AddressParts(msgspec.Struct, frozen=True, kw_only=True):
    """One address in pieces, as written. ``province`` is the official name; ``reading`` what the text settles about its units."""

    text: str
    reading: Address
    house: str | None = None
    alleys: tuple[str, ...] = ()
    street: str | None = None
    buildings: tuple[str, ...] = ()
    hamlets: tuple[str, ...] = ()
    commune: str | None = None
    district: str | None = None
    province_text: str | None = None
    unplaced: tuple[str, ...] = ()

    @property
    def era(self) -> Era | None:
        """Return the era the text settles."""
        return self.reading.era

    @property
    def province(self) -> str | None:
        """Return the province's official name."""
        return self.reading.province

    def pieces(self) -> tuple[str, ...]:
        """Return every piece, once."""
        single = (self.house, self.street, self.commune, self.district, self.province_text)
        return (
            *(each for each in single if each is not None),
            *self.alleys,
            *self.buildings,
            *self.hamlets,
            *self.unplaced,
        )


def parse_address(text: str, *, issued: str | None = None) -> AddressParts:
    """Take an address to pieces. ``issued`` is the card's issue date, as for ``read_address``."""
    parts = _in_order(_split(text))
    reading = read_address(", ".join(map(_accented, parts)), issued=issued)
    found: dict[str, str] = {}
    if parts and (reading.province or reading.province_candidates):
        found["province_text"] = parts.pop()
    if reading.commune is not None:
        if reading.district is not None:
            found["district"] = parts.pop()
        found["commune"] = parts.pop()
    reading = msgspec.structs.replace(reading, text=text, commune=found.get("commune"), district=found.get("district"))
    settled = "commune" in found
    detail = []
    for part in parts:
        name = _unit_kind(part)
        if name is not None and name not in found:
            found[name] = part
        else:
            detail.append(part)
    return AddressParts(text=text, reading=reading, **_placed(detail, settled=settled), **found)  # type: ignore[arg-type]  # by name


def _split(text: str) -> list[str]:
    """Return the parts, parted at commas and before units named by their type word; spaces collapsed."""
    visible = stored_form("".join(each for each in text if not is_invisible(each)))
    parts = (" ".join(each.split()) for each in _SEPARATORS.split(visible))
    return [piece for part in parts for piece in _UNIT_INSIDE.split(part) if piece]


def _unit_kind(part: str) -> str | None:
    if _ROOM.fullmatch(part):
        return None
    word = _accented(part)
    return "commune" if is_commune(word) else "district" if is_district(word) else None


def _accented(part: str) -> str:
    """Return a part with its type word written with accents, for reading it."""
    for pattern, word in _PLAIN_WORDS:
        match = pattern.match(part)
        if match:
            return word + part[match.end() :]
    return part


def _in_order(parts: list[str]) -> list[str]:
    """Put the province last and units with type words before it, the smallest first, where the text had another order."""
    if len(parts) > 1 and not match_province(parts[-1]).name and match_province(parts[0]).name:
        parts = parts[::-1] if _unit_kind(parts[-1]) is None else [*parts[1:], parts[0]]
    if not parts or not match_province(parts[-1]).name:
        return parts
    *others, province = parts
    communes = [each for each in others if _unit_kind(each) == "commune"]
    districts = [each for each in others if _unit_kind(each) == "district"]
    if len(communes) != 1 or len(districts) > 1:
        return parts
    rest = [each for each in others if _unit_kind(each) is None]
    if not districts and others[-2:-1] == communes and segments(others[-1])[0][0] == "name":
        return parts  # Phường 5, Tân Uyên, Bình Dương: a district without its type word
    return [*rest, *communes, *districts, province]


def _placed(detail: list[str], *, settled: bool) -> dict[str, object]:
    """Sort what is smaller than the units. ``settled``: the ward is known, so a bare name after a house is its street."""
    one: dict[str, str] = {}
    many: dict[str, list[str]] = {"alley": [], "building": [], "hamlet": []}
    unplaced: list[str] = []
    for part in detail:
        after_house = bool(one.get("house") or many["alley"])
        for kind, words in segments(part):
            if kind in many:
                many[kind].append(words)
            elif kind in {"house", "street"} and kind not in one:
                one[kind] = words
            elif kind == "name" and settled and after_house and "street" not in one:
                one["street"] = words
            else:
                unplaced.append(words)
    return {
        **one,
        "alleys": tuple(many["alley"]),
        "buildings": tuple(many["building"]),
        "hamlets": tuple(many["hamlet"]),
        "unplaced": tuple(unplaced),
    }
