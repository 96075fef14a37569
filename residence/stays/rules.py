"""The dated rules of staying: which set of rules judges a stay, and the figures in it.

- The rules are data in ``residence/rules/*.toml``; a change of law is a new file and a row in the test table.
- A stay is judged by the set valid on the local date of its **start**, also when it crosses a change (open question L9).
- Every set names the article it comes from and a note on what is certain; whoever needs another choice passes ``overrides``.

Example: a stay that starts on 2026-06-30 at 23:30 is judged by ``stay-2021-07-01``, though its deadline falls under the next set.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from residence.clock import VIETNAM
from residence.errors import Refused

AfterMidnight = Literal["literal", "night_before"]


class RuleSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated set of rules for stay notification. Hours are local hours of the day or lengths, as named."""

    id: str
    valid_from: date
    article: str
    source: str  # where the text came from and how sure it is
    required_fields: tuple[str, ...]  # of: name, birth_date, id, reason, time, address
    accepted_ids: tuple[str, ...]  # document kinds the article names; others are a warning (open question L10)
    duty_holders: tuple[str, ...]
    trigger: Literal["comes to stay", "stays overnight"]
    relatives_once: bool
    cutoff_hour: int  # arrivals from this hour on are due the next morning
    late_deadline_hour: int
    max_days: int  # a stay is shorter than this; from here on temporary residence registration is due
    renewal_window_days: int  # temporary residence is renewed within so many days before it ends
    temporary_residence_max_months: int
    foreigner_deadline_hours: int
    foreigner_remote_deadline_hours: int
    foreigner_article: str
    valid_to: date | None = None
    cutoff_inclusive: bool = True  # 23:00:00 exactly counts as after (open question L8)
    after_midnight_policy: AfterMidnight = "literal"  # open question L8
    after_midnight_until_hour: int = 6  # with night_before: arrivals before this hour belong to the night before


class FineBand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fine for so many unnotified people at a lodging facility. VND for an individual; organisations pay twice."""

    at_least: int
    vnd_from: int
    vnd_to: int


class FineRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated table of fines."""

    id: str
    valid_from: date
    article: str
    source: str
    organisation_factor: int
    bands: tuple[FineBand, ...]
    valid_to: date | None = None

    def band_for(self, unnotified: int) -> FineBand | None:
        """Return the band for a count of unnotified guests, or None for nobody."""
        fitting = [band for band in self.bands if unnotified >= band.at_least]
        return max(fitting, key=lambda band: band.at_least) if fitting else None


class RuleBook(msgspec.Struct, frozen=True, kw_only=True):
    """All dated rules. ``sets`` and ``fines`` do not overlap within themselves."""

    sets: tuple[RuleSet, ...]
    fines: tuple[FineRules, ...] = ()

    def rule_set_for(self, start: datetime) -> RuleSet:
        """Return the set valid on the local date of ``start``, or raise ``Refused("rules.none_for_date")``."""
        day = start.astimezone(VIETNAM).date()
        for each in self.sets:
            if each.valid_from <= day and (each.valid_to is None or day <= each.valid_to):
                return each
        raise Refused("rules.none_for_date", "/arrival", f"no rule set is valid on {day}")

    def fines_for(self, at: datetime) -> FineRules | None:
        """Return the fines in force on the local date of ``at``, if any are known."""
        day = at.astimezone(VIETNAM).date()
        fitting = (each for each in self.fines if each.valid_from <= day and (each.valid_to is None or day <= each.valid_to))
        return next(fitting, None)

    def with_choices(self, **overrides: object) -> RuleBook:
        """Return the book with parameters replaced in every set: how a commune decides an open question."""
        sets = tuple(msgspec.convert({**msgspec.to_builtins(each), **overrides}, RuleSet) for each in self.sets)
        return RuleBook(sets=sets, fines=self.fines)


@cache
def load_rule_book() -> RuleBook:
    """Read ``residence/rules/*.toml``; called once per process."""
    sets: list[RuleSet] = []
    fines: list[FineRules] = []
    for entry in sorted(resources.files("residence").joinpath("rules").iterdir(), key=lambda path: path.name):
        if entry.name.endswith(".toml"):
            content = tomllib.loads(entry.read_text("utf-8"))
            sets += msgspec.convert(content.get("rule_set", []), list[RuleSet])
            fines += msgspec.convert(content.get("fines", []), list[FineRules])
    return RuleBook(
        sets=tuple(sorted(sets, key=lambda each: each.valid_from)), fines=tuple(sorted(fines, key=lambda each: each.valid_from))
    )
