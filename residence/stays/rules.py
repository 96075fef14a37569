"""The dated rules of staying: which set of rules judges a stay, and the figures in it.

- The rules are data in ``residence/rules/*.toml``; a change of law is a new file and a row in the test table.
- A stay is judged by the set valid on the local date of its **start**, also when it crosses a change (open question L9).
- Every set names the article it comes from and a note on what is certain. What is open in law a commune decides (``with_choices``); the
  set's id then says so, and with it every receipt.
- A set without ``valid_to`` holds until the day before the next one begins; two sets on one day are refused.

Example: a stay that starts on 2026-06-30 at 23:30 is judged by ``stay-2021-07-01``, though its deadline falls under the next set.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Annotated, Literal, TypeVar

import msgspec

from residence.clock import VIETNAM
from residence.errors import Malformed, Refused

AfterMidnight = Literal["literal", "night_before"]
# An id with its choices must fit the registry's columns (64).
RuleSetId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{2,29}$")]
Hour = Annotated[int, msgspec.Meta(ge=0, le=23)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Named = Annotated[str, msgspec.Meta(min_length=1)]


class RuleSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated set of rules for stay notification. Hours are local hours of the day or lengths, as named."""

    id: RuleSetId
    valid_from: date
    article: Named
    source: Named  # where the text came from and how sure it is
    required_fields: tuple[str, ...]  # of: name, birth_date, id, reason, time, address
    accepted_ids: tuple[str, ...]  # document kinds the article names; others are a warning (open question L10)
    duty_holders: tuple[str, ...]
    duties: dict[str, str] = {}  # kind of premises -> which of the duty holders; our reading (residence/stays/duty.py)
    trigger: Literal["comes to stay", "stays overnight"]
    relatives_once: bool
    cutoff_hour: Hour  # arrivals from this hour on are due the next morning
    late_deadline_hour: Hour
    max_days: Positive  # a stay is shorter than this; from here on temporary residence registration is due
    foreigner_deadline_hours: Positive
    foreigner_remote_deadline_hours: Positive
    foreigner_article: str
    valid_to: date | None = None
    cutoff_inclusive: bool = True  # 23:00:00 exactly counts as after (open question L8)
    after_midnight_policy: AfterMidnight = "literal"  # open question L8
    after_midnight_until_hour: Hour = 6  # with night_before: arrivals before this hour belong to the night before


class FineBand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fine for so many unnotified people at a lodging facility. VND for an individual; organisations pay twice."""

    at_least: int
    vnd_from: int
    vnd_to: int


class FineRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated table of fines."""

    id: RuleSetId
    valid_from: date
    article: Named
    source: Named
    organisation_factor: int
    bands: tuple[FineBand, ...]
    valid_to: date | None = None

    def band_for(self, unnotified: int) -> FineBand | None:
        """Return the band for a count of unnotified guests, or None for nobody."""
        fitting = [band for band in self.bands if unnotified >= band.at_least]
        return max(fitting, key=lambda band: band.at_least) if fitting else None


class TemporaryRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated set of rules for temporary residence (``residence/stays/temporary.py``)."""

    id: RuleSetId
    valid_from: date
    article: Named
    source: Named
    from_days: Positive  # fewer days are a stay (``RuleSet.max_days``)
    max_months: Positive  # each time; renewed as often as one likes
    renewal_window_days: Positive  # renewed within so many days before the last one
    within_own_commune: bool  # may somebody register so in the commune they live in permanently?
    move_out_told_by: tuple[str, ...]  # whom the law obliges to say that somebody moved out
    move_out_article: str = ""
    valid_to: date | None = None


class RuleBook(msgspec.Struct, frozen=True, kw_only=True):
    """All dated rules. Those of one kind do not overlap within themselves."""

    sets: tuple[RuleSet, ...]
    fines: tuple[FineRules, ...] = ()
    temporary: tuple[TemporaryRules, ...] = ()
    departure_slack: timedelta = timedelta(hours=1)  # "has left" may be so far ahead: clocks differ; a choice, not law
    shortest_stay: timedelta = timedelta(0)  # what is planned is at least so long; a choice, not law

    def rule_set_for(self, start: datetime) -> RuleSet:
        """Return the set valid on the local date of ``start``, or raise ``Refused("rules.none_for_date")``."""
        day = start.astimezone(VIETNAM).date()
        each = _in_force(self.sets, day)
        if each is not None:
            return each
        raise Refused("rules.none_for_date", "/arrival", f"no rule set is valid on {day}")

    def fines_for(self, at: datetime) -> FineRules | None:
        """Return the fines in force on the local date of ``at``, if any are known."""
        return _in_force(self.fines, at.astimezone(VIETNAM).date())

    def temporary_for(self, day: date) -> TemporaryRules:
        """Return the rules of temporary residence valid on a day, or raise ``Refused("rules.none_for_date")``."""
        each = _in_force(self.temporary, day)
        if each is not None:
            return each
        raise Refused("rules.none_for_date", "/valid_from", f"no rules of temporary residence are valid on {day}")

    def with_choices(self, **overrides: object) -> RuleBook:
        """Return the book with parameters replaced in every set: how a commune decides an open question.

        A set that differs by it says so in its id: ``stay-2026-07-01+night-before``.
        """
        return msgspec.structs.replace(self, sets=tuple(_chosen(each, overrides) for each in self.sets))

    def with_files(self, files: Mapping[str, RuleFile]) -> RuleBook:
        """Return the book with the rules of further files, or raise ``Malformed("choices.rules_*")`` where two do not fit together."""
        read = files.values()
        return msgspec.structs.replace(
            self,
            sets=_in_order([*self.sets, *(each for file in read for each in file.rule_set)]),
            fines=_in_order([*self.fines, *(each for file in read for each in file.fines)]),
            temporary=_in_order([*self.temporary, *(each for file in read for each in file.temporary_residence)]),
        )


class RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one TOML file of rules may hold."""

    rule_set: tuple[RuleSet, ...] = ()
    fines: tuple[FineRules, ...] = ()
    temporary_residence: tuple[TemporaryRules, ...] = ()


Dated = TypeVar("Dated", RuleSet, FineRules, TemporaryRules)


def _in_force(dated: tuple[Dated, ...], day: date) -> Dated | None:
    """Return the newest that has begun, unless it has ended."""
    begun = [each for each in dated if each.valid_from <= day]
    return begun[-1] if begun and (begun[-1].valid_to is None or day <= begun[-1].valid_to) else None


def _in_order(dated: list[Dated]) -> tuple[Dated, ...]:
    """Return them by date, or raise ``Malformed`` naming the one that overlaps or carries another's id."""
    ordered = sorted(dated, key=lambda each: each.valid_from)
    for earlier, later in pairwise(ordered):
        if later.valid_from <= (earlier.valid_to or earlier.valid_from):
            raise Malformed("choices.rules_overlap", "/rules/extra", f"{later.id} begins while {earlier.id} is valid")
    for each in ordered:
        if each.valid_to is not None and each.valid_to < each.valid_from:
            raise Malformed("choices.rules_overlap", "/rules/extra", f"{each.id} ends before it begins")
    twice = [name for name, count in Counter(each.id for each in ordered).items() if count > 1]
    if twice:
        raise Malformed("choices.rules_id_twice", "/rules/extra", ", ".join(twice))
    return tuple(ordered)


def _chosen(rules: RuleSet, overrides: Mapping[str, object]) -> RuleSet:
    changed = {name: value for name, value in overrides.items() if getattr(rules, name, None) != value}
    own, *labels = rules.id.split("+")
    chosen = msgspec.convert({**msgspec.to_builtins(rules), **changed, "id": own}, RuleSet)
    kept = [each for each in labels if each not in {_label(name, getattr(rules, name)) for name in changed}]
    named = sorted([*kept, *(_label(name, value) for name, value in changed.items())])
    return msgspec.structs.replace(chosen, id="+".join([own, *named]))


def _label(name: str, value: object) -> str:
    """Return how a choice is written in an id: ``night-before``, ``not-cutoff-inclusive``, ``cutoff-hour-22``."""
    if isinstance(value, bool):
        label = name if value else f"not-{name}"
    else:
        label = value if isinstance(value, str) else f"{name}-{value}"
    return label.replace("_", "-")


@cache
def load_rule_book() -> RuleBook:
    """Read ``residence/rules/*.toml``; called once per process."""
    entries = [entry for entry in resources.files("residence").joinpath("rules").iterdir() if entry.name.endswith(".toml")]
    return RuleBook(sets=()).with_files(
        {entry.name: msgspec.convert(tomllib.loads(entry.read_text("utf-8")), RuleFile) for entry in entries}
    )
