"""By when a stay must be declared, and by which rule of which dated set.

- Citizens: arrival before 23:00 -> due 23:00 the same local day; from 23:00 on -> due 08:00 the next day (Residence Law Art. 30).
- The text says *before*, so the due instant itself is already late.
- 23:00:00 exactly counts as after (``cutoff_inclusive``); an arrival after midnight is taken literally unless the commune chose
  ``after_midnight_policy = "night_before"``. Both are open questions, so both are parameters of the rule set.
- Foreigners: 12 h after arrival, 24 h in remote areas, whatever the hour (Law 47/2014 Art. 33).
- Vietnam is UTC+7 without daylight saving; results carry that offset.

Example: a citizen who arrives on 2026-07-10 at 23:30 must be declared before 2026-07-11T08:00:00+07:00.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final, Literal

import msgspec

from residence.clock import VIETNAM
from residence.people.person import Person
from residence.places.premises import PremisesKind
from residence.stays.rules import RuleBook, RuleSet

PersonKind = Literal["citizen", "foreigner"]
VIETNAMESE: Final = "VNM"
DeadlineRule = Literal["same_day", "next_morning", "night_before", "foreigner", "foreigner_remote"]


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: ``due`` is aware, in UTC+7, and exclusive; ``rule`` says which branch made it."""

    due: datetime
    rule: DeadlineRule
    rule_set: str
    article: str

    def is_late(self, at: datetime) -> bool:
        """Tell whether a declaration received at ``at`` is late; the due instant itself is."""
        return at >= self.due


def person_kind(person: Person) -> PersonKind:
    """Tell by which law a person is declared."""
    return "citizen" if person.nationality == VIETNAMESE else "foreigner"


def deadline(
    arrival: datetime,
    *,
    premises_kind: PremisesKind | str,
    person: PersonKind,
    rules: RuleBook,
    remote_area: bool = False,
) -> Deadline:
    """Return by when a stay that starts at ``arrival`` must be declared.

    No known rule differs by ``premises_kind``; it is asked for because the circular's stay article is not available and may.
    """
    PremisesKind(premises_kind)
    return deadline_by(rules.rule_set_for(arrival), arrival, person=person, remote_area=remote_area)


def deadline_by(rule_set: RuleSet, arrival: datetime, *, person: PersonKind, remote_area: bool) -> Deadline:
    """Return the same by a rule set that is at hand."""
    local = arrival.astimezone(VIETNAM)
    if person == "foreigner":
        return _for_foreigner(local, rule_set, remote_area=remote_area)
    due, rule = _for_citizen(local, rule_set)
    return Deadline(due=due, rule=rule, rule_set=rule_set.id, article=rule_set.article)


def _for_foreigner(local: datetime, rule_set: RuleSet, *, remote_area: bool) -> Deadline:
    hours = rule_set.foreigner_remote_deadline_hours if remote_area else rule_set.foreigner_deadline_hours
    return Deadline(
        due=local + timedelta(hours=hours),
        rule="foreigner_remote" if remote_area else "foreigner",
        rule_set=rule_set.id,
        article=rule_set.foreigner_article,
    )


def _for_citizen(local: datetime, rule_set: RuleSet) -> tuple[datetime, DeadlineRule]:
    cutoff = datetime.combine(local.date(), time(rule_set.cutoff_hour), VIETNAM)
    if local > cutoff or (local == cutoff and rule_set.cutoff_inclusive):
        next_day = local.date() + timedelta(days=1)
        return datetime.combine(next_day, time(rule_set.late_deadline_hour), VIETNAM), "next_morning"
    if rule_set.after_midnight_policy == "night_before" and local.hour < rule_set.after_midnight_until_hour:
        return datetime.combine(local.date(), time(rule_set.late_deadline_hour), VIETNAM), "night_before"
    return cutoff, "same_day"
