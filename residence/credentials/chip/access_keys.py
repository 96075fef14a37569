"""The secrets that open a chip, from what the card's QR or a machine-readable zone says (Doc 9303-11 section 9.7).

- The card access number is the last six of the twelve digits: three independent public readers do so. Where a site knows better, it types it.
- The key of the machine-readable zone needs the expiry, which the QR does not hold. Cards run to a milestone birthday; one issued
  within two years before a milestone runs to the next. That gives at most three candidates, likeliest first; each is tried once.
- A computed expiry opens a chip; it is never shown as read.
- A passport, and a card whose zone was read, is opened by the key of that zone: number, birth and expiry as they stand there. A passport has no
  access number, and its holder's personal number is none.
- Milestones and the two years are parameters: they are law, and law changes.

>>> can_of("079095123456")
'123456'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from residence.credentials.mrz_layout import check_digit
from residence.people.person import DocumentKind, PartialDate, Person

MILESTONES: Final = (14, 25, 40, 60)
_BEFORE_YEARS: Final = 2
_MOST_CANDIDATES: Final = 3
_SHORT: Final = 9
CAN: Final = re.compile(r"[0-9]{6}")
_NUMBER: Final = re.compile(r"[A-Z0-9]{1,22}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipKeys:
    """What may open one person's chip; each is tried once."""

    can: str = field(default="", repr=False)
    mrz_keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def opens(self) -> bool:
        """Tell whether there is anything to try."""
        return bool(self.can or self.mrz_keys)


def can_of(personal_number: str) -> str:
    """Return the card access number of a card with this number."""
    return personal_number[-6:]


def mrz_key(number: str, birth: date, expiry: date) -> str:
    """Return the key of a zone: number, birth and expiry, each with its check digit."""
    padded = number.ljust(_SHORT, "<")
    parts = (padded, birth.strftime("%y%m%d"), expiry.strftime("%y%m%d"))
    return "".join(part + check_digit(part) for part in parts)


def key_of_lines(lines: Sequence[str]) -> str:
    """Return the key of a card's three lines or a passport's two, as they stand."""
    if len(lines) == 3:
        return lines[0][5:15] + lines[1][0:7] + lines[1][8:15]
    return lines[1][0:10] + lines[1][13:20] + lines[1][21:28]


def _birthday(birth: date, age: int) -> date:
    try:
        return birth.replace(year=birth.year + age)
    except ValueError:  # 29 February
        return date(birth.year + age, 3, 1)


def expiry_candidates(birth: date, issued: date, *, milestones: Sequence[int] = MILESTONES) -> tuple[date, ...]:
    """Return the days a card may run to, likeliest first; none when it was issued past the last milestone."""
    days = [_birthday(birth, age) for age in milestones]
    ahead = [day for day in days if day > issued]
    early = [day for day in ahead if _birthday(issued, _BEFORE_YEARS) >= day]
    likely = [day for day in ahead if day not in early]
    return (*likely[:1], *early, *likely[1:])[:_MOST_CANDIDATES]


def mrz_keys_of(personal_number: str, birth: date, issued: date) -> tuple[str, ...]:
    """Return the keys to try with BAC, or with PACE where the card access number does not open it."""
    return tuple(mrz_key(personal_number[-_SHORT:], birth, day) for day in expiry_candidates(birth, issued))


def keys_of(person: Person) -> ChipKeys:
    """Return what opens the chip of the document a person showed or named; nothing where too little is known."""
    document, birth = person.document, _whole(person.birth)
    expiry = date.fromisoformat(document.expiry) if document and document.expiry else None
    number = person.personal_number
    if number is None or (document and document.kind is DocumentKind.PASSPORT):
        number = document.number if document else None
        if number is None or birth is None or expiry is None or not _NUMBER.fullmatch(number):
            return ChipKeys()
        return ChipKeys(mrz_keys=(mrz_key(number, birth, expiry),))
    if birth is None:
        return ChipKeys(can=can_of(number))
    if expiry is not None:
        return ChipKeys(can=can_of(number), mrz_keys=(mrz_key(number[-_SHORT:], birth, expiry),))
    issued = date.fromisoformat(document.issued) if document and document.issued else None
    return ChipKeys(can=can_of(number), mrz_keys=mrz_keys_of(number, birth, issued) if issued else ())


def has_details(person: Person) -> bool:
    """Tell whether the document is one whose DG13 holds a Vietnamese card's details; no other's is asked for."""
    document = person.document
    return person.personal_number is not None and not (document and document.kind is DocumentKind.PASSPORT)


def _whole(birth: PartialDate | None) -> date | None:
    return date.fromisoformat(birth.value) if birth is not None and birth.precision == "day" else None
