"""The secrets that open a Vietnamese card's chip, from what the card's QR says (chip notes section 9, identity-documents sections 2 and 4).

- The card access number is the last six of the twelve digits: three independent public readers do so. Where a site knows better, it types it.
- The key of the machine-readable zone needs the expiry, which the QR does not hold. Cards run to a milestone birthday; one issued
  within two years before a milestone runs to the next. That gives at most three candidates, likeliest first; each is tried once.
- A computed expiry opens a chip; it is never shown as read.
- Milestones and the two years are parameters: they are law, and law changes.

>>> can_of("079095123456")
'123456'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from residence.credentials.mrz_layout import check_digit

MILESTONES: Final = (14, 25, 40, 60)
_BEFORE_YEARS: Final = 2
_MOST_CANDIDATES: Final = 3
_SHORT: Final = 9


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
