"""The rules of cleaning as data: what each looks for, how bad it is, who sees to it, within how many days, and how it may end.

- A rule says that data disagree or have grown old; never that a person did wrong. Its sentence is ``cleaning.<rule>`` in
  ``residence/errors/codes/cleaning.toml``; its severity is the sentence's.
- ``subject`` is what is gone through to find it. ``shared``: found from any of the records it is about, not only from the first.
- Days, ages and kinds are the commune's own choice (``CleaningChoices``, docs/settings.md); none of them is law.
- *Corrected* says that the data were or are being changed; *accepted*, that they are right as they are; *confirmed*, that somebody asked the
  person again; *passed on*, that another office has it.

>>> due_on(RULES["phone_shared"], date(2026, 7, 10), CleaningChoices())
datetime.date(2026, 10, 8)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Final, Literal, get_args

import msgspec

from residence.places.premises import PremisesKind

RuleName = Literal[
    "household_no_head",
    "household_several_heads",
    "premises_no_owner",
    "premises_over_capacity",
    "ward_abolished",
    "ward_decision_withdrawn",
    "person_two_numbers",
    "number_shared",
    "number_against_sex",
    "number_against_birth",
    "old_number_unlinked",
    "phone_shared",
    "residences_overlap",
    "age_implausible",
    "family_implausible",
    "dead_but_active",
    "stale",
]
RULE_NAMES: Final[tuple[RuleName, ...]] = get_args(RuleName)
Subject = Literal["household", "premises", "person"]
SUBJECTS: Final[tuple[Subject, ...]] = get_args(Subject)
Outcome = Literal["corrected", "accepted", "confirmed", "passed_on"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
Owner = Literal["officer", "operator"]
Freshness = Literal["full_name", "birth", "sex", "personal_number", "residence", "contact"]
FIELDS: Final[tuple[Freshness, ...]] = get_args(Freshness)
Days = Annotated[int, msgspec.Meta(ge=1, le=36500)]
Years = Annotated[int, msgspec.Meta(ge=1, le=150)]
AT_ONCE: Final = 200  # items one decision may settle


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. ``days``: until an item of it is due, unless the commune says otherwise."""

    name: RuleName
    subject: Subject
    days: int
    shared: bool = False
    owner: Owner = "officer"
    outcomes: tuple[Outcome, ...] = ("corrected", "accepted", "passed_on")

    @property
    def code(self) -> str:
        """Return the code of its sentence."""
        return f"cleaning.{self.name}"


_RULES: Final = (
    Rule(name="household_no_head", subject="household", days=30),
    Rule(name="household_several_heads", subject="household", days=30),
    Rule(name="premises_no_owner", subject="premises", days=90),
    Rule(name="premises_over_capacity", subject="premises", days=14),
    Rule(name="ward_abolished", subject="premises", days=90),
    Rule(name="ward_decision_withdrawn", subject="premises", days=30),
    Rule(name="person_two_numbers", subject="person", days=14),
    Rule(name="number_shared", subject="person", days=14, shared=True),
    Rule(name="number_against_sex", subject="person", days=30),
    Rule(name="number_against_birth", subject="person", days=30),
    Rule(name="old_number_unlinked", subject="person", days=90),
    Rule(name="phone_shared", subject="person", days=90, shared=True),
    Rule(name="residences_overlap", subject="person", days=30),
    Rule(name="age_implausible", subject="person", days=30),
    Rule(name="family_implausible", subject="person", days=30),
    Rule(name="dead_but_active", subject="person", days=14),
    Rule(name="stale", subject="person", days=90, outcomes=("confirmed", "corrected", "passed_on")),
)
RULES: Final[Mapping[RuleName, Rule]] = {each.name: each for each in _RULES}
_FRESH: Final[Mapping[Freshness, int]] = {
    "full_name": 3650,
    "birth": 3650,
    "sex": 3650,
    "personal_number": 3650,
    "residence": 730,
    "contact": 730,
}


class CleaningChoices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a commune chooses. ``due_days`` and ``fresh_days`` replace the built-in days of the rules and fields they name."""

    due_days: dict[RuleName, Days] = {}
    fresh_days: dict[Freshness, Days] = {}
    oldest_age: Years = 115
    parent_gap_years: Years = 12  # a parent is at least so much older than a child
    phone_homes: Annotated[int, msgspec.Meta(ge=2, le=50)] = 2  # at so many homes one number is looked at
    owned_kinds: tuple[PremisesKind, ...] = (PremisesKind.HOUSEHOLD, PremisesKind.RENTAL_HOUSE)

    def fresh_for(self, field: Freshness) -> timedelta:
        """Return how long a field counts as fresh after it was last confirmed."""
        return timedelta(days=self.fresh_days.get(field, _FRESH[field]))


def due_on(rule: Rule, found: date, choices: CleaningChoices) -> date:
    """Return the day an item found on a day is due."""
    return found + timedelta(days=choices.due_days.get(rule.name, rule.days))
