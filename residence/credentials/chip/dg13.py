"""DG13 as Vietnamese cards fill it: the person's details in Vietnamese letters, the residence among them (identity-documents section 5.2).

- ``6D L 30 L { 30 L { 02 01 id, text } ... }``, with or without a SET around the entries, any string tag, lengths of any form.
- Every id is optional; unknown ids are kept raw; an id seen twice keeps its first value. The parents' entry holds two texts.
- It is nobody else's layout: parse it only after DG1 said VNM. Newer cards may fill it otherwise; then it is simply unreadable.

>>> raw = bytes.fromhex("6D0D300B3009020101") + bytes.fromhex("0C04") + b"0010"
>>> parse_dg13(raw).texts
{'personal_number': '0010'}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from residence.credentials.chip import tlv
from residence.credentials.chip.lds import clean_text
from residence.errors import Malformed

NAMES: Final = {
    1: "personal_number",
    2: "full_name",
    3: "birth",
    4: "sex",
    5: "nationality",
    6: "ethnicity",
    7: "religion",
    8: "origin",
    9: "residence",
    10: "marks",
    11: "issued",
    12: "expiry",
    16: "old_number",
}
_PARENTS: Final = 13
_MOST_ENTRIES: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Dg13:
    """What the group says. ``others``: raw values of ids nobody described."""

    texts: dict[str, str] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    others: dict[int, bytes] = field(default_factory=dict)


def parse_dg13(raw: bytes) -> Dg13:
    """Read the group; ``Malformed`` when it has another layout."""
    entries = tlv.read_node(raw, trailing=True).expect(0x6D).only(tlv.SEQUENCE).children(most=_MOST_ENTRIES)
    if len(entries) == 1 and entries[0].tag == tlv.SET:
        entries = entries[0].children(most=_MOST_ENTRIES)
    texts: dict[str, str] = {}
    parents: tuple[str, ...] = ()
    others: dict[int, bytes] = {}
    for entry in entries:
        number, value = _entry(entry)
        if number == _PARENTS and value.is_constructed:
            parents = tuple(clean_text(each.value) for each in value.children(most=8))
        elif number in NAMES and not value.is_constructed:
            texts.setdefault(NAMES[number], clean_text(value.value))
        else:
            others.setdefault(number, value.raw)
    return Dg13(texts=texts, parents=parents, others=others)


def _entry(entry: tlv.Node) -> tuple[int, tlv.Node]:
    parts = entry.expect(tlv.SEQUENCE).children(most=4)
    if len(parts) < 2:
        raise Malformed("chip.group", "/DG13", "an entry without a value")
    return tlv.integer(parts[0], most_bytes=2), parts[1]


def day_of(text: str) -> date | None:
    """Return the day a text ``dd/mm/yyyy`` names, None for anything else."""
    day, _, rest = text.partition("/")
    month, _, year = rest.partition("/")
    if not (day.isdecimal() and month.isdecimal() and year.isdecimal() and len(year) == 4):
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
