"""What has run out and is still on the books: a temporary residence, a stay, a permitted stay; and more sleepers than places.

- A lapse is read from what is registered and declared, not from anybody having been seen. It leads to a notice, never to a case: a case needs
  nights spent (``residence/cases/undeclared.py``).
- Innocent explanations first: every rule has a list of them, all are tried, and one that holds is enough. Deaths, departures nobody wrote down,
  another address since, a declared absence, a newer paper.
- Nothing is said before a grace has passed, which is the commune's choice and no law.
- A lapse names its rule, the row and day it rests on, and the dated rules with their article.
- The end of a permitted stay concerns foreigners; a citizen's stay beyond its longest length is temporary residence, a foreigner's is not.

Example: registered until 2026-07-08, not renewed, nobody said they moved out: ``temporary_expired`` from 2026-07-10 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from residence.cases.notices import NoticeKind
from residence.clock import VIETNAM
from residence.stays.rules import RuleBook

LapseRule = Literal["temporary_expired", "stay_overrun", "stay_too_long", "permit_ended", "over_capacity"]
Excuse = Literal[
    "deceased",
    "moved_out",
    "registered_here",
    "registered_elsewhere",
    "declared_here",
    "stays_elsewhere",
    "absent",
    "foreigner",
    "newer_permit",
    "room_left",
]
_OF_STAYS: Final[tuple[Excuse, ...]] = ("deceased", "registered_here", "declared_here", "stays_elsewhere", "absent")
TRIED: Final[Mapping[LapseRule, tuple[Excuse, ...]]] = {
    "temporary_expired": (
        "deceased",
        "moved_out",
        "registered_here",
        "registered_elsewhere",
        "declared_here",
        "stays_elsewhere",
        "absent",
    ),
    "stay_overrun": _OF_STAYS,
    "stay_too_long": (*_OF_STAYS, "foreigner"),
    "permit_ended": ("deceased", "newer_permit", "absent"),
    "over_capacity": ("absent", "room_left"),
}
NOTICES: Final[Mapping[LapseRule, NoticeKind]] = {
    "temporary_expired": NoticeKind.RESIDENCE_ENDED,
    "stay_overrun": NoticeKind.STAY_OVERRUN,
    "permit_ended": NoticeKind.PERMIT_ENDED,
}  # of a stay that is too long its host hears three days ahead (``thirty-days``); a full house is for the officer alone


class LapseChoices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The commune's own times."""

    grace_hours: float = 24
    look_back_days: int = 60  # what ended longer ago was never on the list and does not come onto it

    @property
    def grace(self) -> timedelta:
        """Return how long nothing is said."""
        return timedelta(hours=self.grace_hours)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Something that ran out at ``ended``, with whatever excuses it. ``began``: the start of a stay, whose rules judge it."""

    rule: LapseRule
    row_id: str
    premises_id: str
    commune_code: str
    unit: str | None
    person_id: str | None
    ended: datetime
    excuses: frozenset[Excuse] = frozenset()
    began: datetime | None = None
    data: Mapping[str, str | int] = {}
    at_once: bool = False  # what is so now and not since a day; no grace is asked for


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """One lapse, explained."""

    rule: LapseRule
    row_id: str
    premises_id: str
    commune_code: str
    unit: str | None
    person_id: str | None
    since: date
    data: Mapping[str, str | int]
    rule_set: str
    article: str
    tried: tuple[Excuse, ...]


def end_of(day: str) -> datetime:
    """Return the instant a day (YYYY-MM-DD) is over in Vietnam."""
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), VIETNAM)


def judge(candidate: Candidate, *, rules: RuleBook, now: datetime, choices: LapseChoices) -> Lapse | None:
    """Return the lapse, or None while the grace lasts and when any explanation of its rule holds."""
    tried = TRIED[candidate.rule]
    if now < candidate.ended + (timedelta() if candidate.at_once else choices.grace) or candidate.excuses & set(tried):
        return None
    rule_set, article = _law(candidate, rules, now)
    return Lapse(
        rule=candidate.rule,
        row_id=candidate.row_id,
        premises_id=candidate.premises_id,
        commune_code=candidate.commune_code,
        unit=candidate.unit,
        person_id=candidate.person_id,
        since=candidate.ended.astimezone(VIETNAM).date(),
        data=candidate.data,
        rule_set=rule_set,
        article=article,
        tried=tried,
    )


def _law(candidate: Candidate, rules: RuleBook, now: datetime) -> tuple[str, str]:
    if candidate.rule in {"temporary_expired", "stay_too_long"}:
        temporary = rules.temporary_for(now.astimezone(VIETNAM).date())
        return temporary.id, temporary.article
    rule_set = rules.rule_set_for(candidate.began or now)
    return rule_set.id, rule_set.foreigner_article if candidate.rule == "permit_ended" else rule_set.article
