"""Who must declare at a premises: the law's word for them, and who in the register answers for it.

- Which word of the law a kind of premises falls under is data of the rule set (``duties``), our reading and no text of the law.
- A kind the set names nobody for, such as a vehicle before 2026-07-01, leaves it to the guest.
- A premises may say otherwise (``declared_by``): a landlord who lives elsewhere leaves it to the tenants.
- Where the kind was corrected, whoever came before is declared by whom the kind of then names.

Example: a hotel: ``tourist-lodging``; its manager answers, else its owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from residence.places.premises import Premises
from residence.places.relations import Answering
from residence.stays.rules import RuleSet

FALLBACK: Final = "guest-as-fallback"
_HOUSEHOLD: Final = "household"
_LEADING: Final[Mapping[Answering, tuple[Answering, ...]]] = {
    "household": ("household", "owner"),
    "owner": ("owner", "manager"),
    "manager": ("manager", "owner"),
    "occupant": ("occupant",),
}


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """Who must declare. ``answering``: whom to ask for it, the first first."""

    holder: str  # a word of RuleSet.duty_holders
    answering: tuple[Answering, ...]


def duty_at(premises: Premises, rule_set: RuleSet, *, arrival: datetime) -> Duty:
    """Return who must declare, at a premises and under a rule set, whoever came at ``arrival``."""
    holder = rule_set.duties.get(premises.kind_at(arrival).value, FALLBACK)
    if holder not in rule_set.duty_holders:
        holder = FALLBACK
    by_kind: Answering = "occupant" if holder == FALLBACK else "household" if holder == _HOUSEHOLD else "manager"
    return Duty(holder=holder, answering=_LEADING[premises.declared_by or by_kind])
