"""Which evening a moment belongs to: a front desk's day ends when the last arrival of the night has to be declared, not at midnight.

- The evening of a date begins at the rule set's ``late_deadline_hour`` of that date and ends at the same hour of the next one: whoever
  arrives from 23:00 on is due then (Residence Law Art. 30), so until then the night is still being worked on.
- The hour is the dated rule's; deadlines themselves are judged in ``deadlines.py`` and never by the evening.

Example: 2026-07-11 at 02:30 in Vietnam belongs to the evening of 2026-07-10.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from residence.clock import VIETNAM
from residence.stays.rules import RuleBook


def evening_of(moment: datetime, rules: RuleBook) -> date:
    """Return the date whose evening a moment belongs to."""
    local = moment.astimezone(VIETNAM)
    before = local.date() - timedelta(days=1)
    return before if local < evening_ends(before, rules) else local.date()


def evening_ends(day: date, rules: RuleBook) -> datetime:
    """Return the first moment that is no longer the evening of ``day``."""
    rule_set = rules.rule_set_for(datetime.combine(day, time(12), VIETNAM))
    return datetime.combine(day + timedelta(days=1), time(rule_set.late_deadline_hour), VIETNAM)
