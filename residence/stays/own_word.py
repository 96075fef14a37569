"""Whether a stay rests on the word of the person whose stay it is, or on that of others who should be heard about it.

- Said from an account bound to the person, or with their chip present, it is their own word.
- Said in their name at a machine ("self") it is their own, too, unless they locked others out: then a copy of a card is not enough.
- Whatever others say waits for the person's yes or no. It stands meanwhile: no guest is turned away and no duty is put off by it.

>>> own_word([SaidBy(role="self", evidence_level=1)], mine=frozenset(), locked=True)
False
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from residence.credentials.evidence import EvidenceLevel

WordStanding = Literal["own", "confirmed", "asked", "asked_locked"]


class SaidBy(msgspec.Struct, frozen=True, kw_only=True):
    """Who made one statement of a stay, and on what evidence. ``account``: who was signed in."""

    role: str
    evidence_level: int
    account: str | None = None


def own_word(said: Iterable[SaidBy], *, mine: frozenset[str], locked: bool) -> bool:
    """Tell whether one of these statements is the person's own. ``mine``: their accounts; ``locked``: others may not declare them."""
    return any(
        each.account in mine or each.evidence_level == EvidenceLevel.CHIP_PRESENT or (each.role == "self" and not locked)
        for each in said
    )


def word_standing(said: Iterable[SaidBy], *, mine: frozenset[str], locked: bool, confirmed: bool) -> WordStanding:
    """Say how a stay stands with the person whose it is."""
    if confirmed:
        return "confirmed"
    if own_word(said, mine=mine, locked=locked):
        return "own"
    return "asked_locked" if locked else "asked"
