"""What a person may ask about what is held of them, and by when that is answered and done: dated data, two clocks for each right.

- The first answer is due after so many working days, the act itself after so many days; both end with the day, in Vietnam's time.
- The day it was asked on does not count. Saturdays, Sundays and the listed holidays are no working days.
- Asked under one set of rules, it stays under that set. What is open in law is said in the file's ``source``.

Example: ``clocks("deletion", asked_at=now, rules=load_rights())`` -> ``Clocks(answer_by=..., act_by=...)``
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Final, Literal, get_args

import msgspec

from residence.clock import VIETNAM
from residence.working_days import end_of, last_day, working_days_after

Right = Literal["copy", "correction", "objection", "restriction", "deletion"]
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)


class RightsRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated set. Days are calendar days; ``days`` and ``days_with_processor`` name every right."""

    id: str
    valid_from: date
    article: str
    source: str
    answer_working_days: int
    days: dict[Right, int]
    days_with_processor: dict[Right, int]
    holidays: tuple[date, ...] = ()
    valid_to: date | None = None


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """By when: instants, aware; the last moment that is still in time lies before them."""

    answer_by: datetime
    act_by: datetime

    @property
    def answer_on(self) -> str:
        """Return the last day on which an answer is in time, YYYY-MM-DD."""
        return last_day(self.answer_by)

    @property
    def act_on(self) -> str:
        """Return the last day on which the act is in time, YYYY-MM-DD."""
        return last_day(self.act_by)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rights: tuple[RightsRules, ...]


@cache
def load_rights() -> tuple[RightsRules, ...]:
    """Return the sets of the file beside this module, oldest first."""
    text = resources.files("residence").joinpath("access", "rights.toml").read_bytes()
    return tuple(sorted(msgspec.toml.decode(text, type=_File).rights, key=lambda each: each.valid_from))


def rules_on(day: date, rules: tuple[RightsRules, ...]) -> RightsRules:
    """Return the set valid on a day, or the oldest for a day before all of them."""
    return next((each for each in reversed(rules) if each.valid_from <= day <= (each.valid_to or day)), rules[0])


def clocks(right: Right, *, asked_at: datetime, rules: tuple[RightsRules, ...], with_processor: bool = False) -> Clocks:
    """Return by when a right asked for at an instant is answered and done.

    >>> friday = datetime(2026, 7, 10, 9, 0, tzinfo=VIETNAM)
    >>> clocks("copy", asked_at=friday, rules=load_rights()).answer_by.isoformat()
    '2026-07-15T00:00:00+07:00'
    """
    day = asked_at.astimezone(VIETNAM).date()
    found = rules_on(day, rules)
    within = found.days_with_processor[right] if with_processor else found.days[right]
    return Clocks(
        answer_by=end_of(working_days_after(day, found.answer_working_days, holidays=found.holidays)),
        act_by=end_of(day + timedelta(days=within)),
    )


def legal_basis(asked_at: datetime, rules: tuple[RightsRules, ...]) -> str:
    """Return the article the clocks of something asked for at an instant come from."""
    return rules_on(asked_at.astimezone(VIETNAM).date(), rules).article
