"""Temporary residence by its dated rules: whether one may be registered, renewed, or ended because somebody moved out.

- The figures are data (``residence/rules/temporary-residence.toml``); the rules valid on the day something is registered judge it.
- From ``from_days`` on, at most ``max_months``, outside the commune of permanent residence. Fewer days are a stay: one boundary, two names.
- Renewed within the window before its last day, each time for at most ``max_months`` more. What has ended is registered anew.
- Another address is another registration. Nothing ends by itself because of it: that somebody moved out is said by somebody.
- A move-out has a day that has come, within the registration; the registration's last day becomes that day.
- Days are inclusive at both ends: two years from 2026-07-10 end on 2028-07-09.

>>> last_possible(date(2026, 7, 10), months=24)
datetime.date(2028, 7, 9)
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final, Literal

import msgspec

from residence.errors import Problem, problem
from residence.stays.known import ResidenceKind
from residence.stays.rules import TemporaryRules

ResidenceEvent = Literal["registered", "renewed", "moved_out", "taken_back"]
ToldBy = Literal["landlord", "person", "household", "authority"]
Standing = Literal["to_come", "holds", "to_renew", "ended"]
_DAY: Final = timedelta(days=1)
_YEAR: Final = 12


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A temporary residence to be registered. ``first`` and ``last`` are its days, both inclusive."""

    premises_id: str
    commune_code: str
    first: date
    last: date


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """A residence that is registered."""

    kind: ResidenceKind
    premises_id: str
    commune_code: str
    first: date
    last: date | None = None

    def shares_days(self, first: date, last: date) -> bool:
        """Tell whether any day lies in both; a registration that was taken back ends before it begins and has none."""
        if self.last is not None and self.last < self.first:
            return False
        return self.first <= last and (self.last is None or first <= self.last)


def last_possible(first: date, *, months: int) -> date:
    """Return the last day of so many months from a day on."""
    years, month = divmod(first.month - 1 + months, _YEAR)
    year = first.year + years
    day = min(first.day, monthrange(year, month + 1)[1] + 1)  # from 31 January, a month is over after the last day of February
    return date(year, month + 1, 1) + timedelta(days=day - 1) - _DAY


def check_registration(asked: Asked, homes: Iterable[Home], *, rules: TemporaryRules) -> tuple[Problem, ...]:
    """Return all that speaks against registering a temporary residence."""
    return (*_check_days(asked.first, asked.last, rules), *_check_homes(asked, homes, rules))


def _check_days(first: date, last: date, rules: TemporaryRules) -> Iterator[Problem]:
    if last < first:
        yield problem("residence.days", "/valid_to")
    elif (last - first + _DAY).days < rules.from_days:
        yield problem("residence.too_short", "/valid_to", days=rules.from_days)
    elif last > last_possible(first, months=rules.max_months):
        yield problem("residence.too_long", "/valid_to", months=rules.max_months)


def _check_homes(asked: Asked, homes: Iterable[Home], rules: TemporaryRules) -> Iterator[Problem]:
    standing = [each for each in homes if each.shares_days(asked.first, max(asked.first, asked.last))]
    permanent = [each for each in standing if each.kind == "permanent"]
    temporary = [each for each in standing if each.kind == "temporary"]
    if not rules.within_own_commune and any(each.commune_code == asked.commune_code for each in permanent):
        yield problem("residence.own_commune", "/premises_id")
    if any(each.premises_id == asked.premises_id for each in temporary):
        yield problem("residence.already_here", "/valid_from")
    elif temporary:
        yield problem("residence.elsewhere", "/premises_id")


def check_renewal(home: Home, last: date, *, today: date, rules: TemporaryRules) -> tuple[Problem, ...]:
    """Return all that speaks against renewing a temporary residence to another last day."""
    if home.kind != "temporary" or home.last is None:
        return (problem("residence.not_temporary", "/residence_id"),)
    match standing(home, today=today, rules=rules):
        case "ended":
            return (problem("residence.ended", "/residence_id"),)
        case "to_renew":
            return tuple(_check_renewed(home.last, last, rules))
        case "to_come" | "holds":
            return (problem("residence.renew_early", "/residence_id", days=rules.renewal_window_days),)


def _check_renewed(before: date, last: date, rules: TemporaryRules) -> Iterator[Problem]:
    if last <= before:
        yield problem("residence.days", "/valid_to")
    elif last > last_possible(before + _DAY, months=rules.max_months):
        yield problem("residence.too_long", "/valid_to", months=rules.max_months)


def check_move_out(home: Home, day: date, *, today: date) -> tuple[Problem, ...]:
    """Return all that speaks against ending a temporary residence on a day because somebody moved out."""
    if home.kind != "temporary":
        return (problem("residence.not_temporary", "/residence_id"),)
    if day > today:
        return (problem("residence.move_out_ahead", "/on"),)
    if day < home.first or (home.last is not None and day > home.last):
        return (problem("residence.move_out_outside", "/on"),)
    return ()


def standing(home: Home, *, today: date, rules: TemporaryRules) -> Standing:
    """Tell how a temporary residence stands on a day."""
    if home.last is not None and home.last < today:
        return "ended"
    if home.first > today:
        return "to_come"
    if home.last is not None and home.last - timedelta(days=rules.renewal_window_days) <= today:
        return "to_renew"
    return "holds"
