"""One thing a rule found: what it is about, which rows show it, and a keyed digest that says whether they changed.

- The item's id follows from rule, commune and key: what is found again is the same item. Where a number is shared the key is its blind index, so
  the item stays the same when somebody joins; else it is what the item is about.
- The digest is keyed and bound to the item, so equal data of two items cannot be told from it.

Example: ``Found(rule="household_no_head", commune_code="demo-01", about=("h-1",), evidence=(("household", "h-1"),)).item_id``
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import uuid5

import msgspec

from registry.vault import Vault
from residence.cleaning.rules import CleaningChoices, RuleName
from residence.stays.findings import NAMESPACE

MOST_SHOWN: Final = 50  # rows of evidence and links kept of one item; a telephone exchange may be a thousand persons'


class Sight(NamedTuple):
    """With what a page is judged."""

    vault: Vault
    choices: CleaningChoices
    now: datetime
    today: date


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. ``values``: what the digest is made of beside the evidence; never kept."""

    rule: RuleName
    commune_code: str
    about: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    key: str = ""
    values: tuple[str, ...] = ()

    @property
    def item_id(self) -> str:
        """Identity of the item."""
        return str(
            uuid5(NAMESPACE, "\n".join(("cleaning", self.rule, self.commune_code, *((self.key,) if self.key else self.about))))
        )

    def digest(self, vault: Vault) -> str:
        """Return whether the data behind it are the same as before, and nothing else."""
        return vault.state_digest(self.item_id, msgspec.json.encode((self.about, self.evidence, self.values)))
