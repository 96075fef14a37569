"""Permanent residence after it was taken over: recorded, corrected, ended, or moved within the register, as an officer with the paper says.

- These are the register's own consistency rules and no law: a day has come, a home begins before it ends, and no second permanent home is recorded
  beside one that stands. Homes of a register taken over may overlap all the same; that is a finding, and ending one mends it.
- A home that was recorded by mistake is taken back: it ends the day before it begins, holds on no day and keeps its row.
- Temporary residence has rules of its own (``temporary.py``) and is refused here.

>>> check_home(Home(kind="permanent", premises_id="b", commune_code="c", first=date(2026, 7, 2)), [], today=date(2026, 7, 1))[
...     0
... ].code
'permanent.day'
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from residence.errors import Problem, problem
from residence.stays.temporary import Home

_DAY = timedelta(days=1)


def check_home(home: Home, others: Iterable[Home], *, today: date) -> tuple[Problem, ...]:
    """Return all that speaks against a permanent home with these days beside the person's other homes."""
    problems: list[Problem] = []
    if home.first > today or (home.last is not None and home.last > today):
        problems.append(problem("permanent.day", "/on"))
    if home.last is not None and home.last < home.first:
        problems.append(problem("permanent.days", "/on"))
    elif any(each.kind == "permanent" and each.shares_days(home.first, home.last or date.max) for each in others):
        problems.append(problem("permanent.stands", "/premises_id"))
    return tuple(problems)


def check_end(home: Home, last: date, *, today: date) -> tuple[Problem, ...]:
    """Return all that speaks against a permanent home's ending on a day."""
    if home.last is not None and home.last <= last:
        return (problem("permanent.ended", "/on"),)
    if last > today:
        return (problem("permanent.day", "/on"),)
    if last < home.first:
        return (problem("permanent.days", "/on"),)
    return ()


def on_no_day(first: date) -> date:
    """Return the last day of a home that holds on no day."""
    return first - _DAY
