"""By when a path is settled: dated data, counted from the day the declaration reached the authority.

- In the population database: so many working days. Not in it: so many days, with a reason more days, once.
- Nobody has looked yet: the shorter of the two counts, so that no clock is missed because nobody looked.
- The clock never stands still: neither while the person is asked to come nor while another office has the matter. No rule that lets it is known.
- Taken up again after an end, it is a new declaration with a new clock.

Example: ``due(datetime(2026, 7, 10, 9, tzinfo=VIETNAM), in_database=None, extended=False, law=load_law())``
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources

import msgspec

from residence.clock import VIETNAM
from residence.working_days import end_of, last_day, working_days_after


class PathLaw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated set."""

    id: str
    valid_from: date
    article: str
    source: str
    known_working_days: int
    days: int
    longest_days: int
    holidays: tuple[date, ...] = ()
    valid_to: date | None = None


class PathClock(msgspec.Struct, frozen=True, kw_only=True):
    """By when: the first moment that is too late, aware; and which set says so."""

    before: datetime
    law: str
    article: str

    @property
    def on(self) -> str:
        """Return the last day in time, YYYY-MM-DD."""
        return last_day(self.before)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    law: tuple[PathLaw, ...]


@cache
def load_law() -> tuple[PathLaw, ...]:
    """Return the sets of the file beside this module, oldest first."""
    text = resources.files("residence").joinpath("paths", "law.toml").read_bytes()
    return tuple(sorted(msgspec.toml.decode(text, type=_File).law, key=lambda each: each.valid_from))


def law_on(day: date, law: tuple[PathLaw, ...]) -> PathLaw:
    """Return the set valid on a day, or the oldest for a day before all of them."""
    return next((each for each in reversed(law) if each.valid_from <= day <= (each.valid_to or day)), law[0])


def due(declared_at: datetime, *, in_database: bool | None, extended: bool, law: tuple[PathLaw, ...]) -> PathClock:
    """Return by when what was declared at an instant is settled.

    >>> friday = datetime(2026, 7, 10, 9, 0, tzinfo=VIETNAM)
    >>> [due(friday, in_database=each, extended=False, law=load_law()).on for each in (None, True, False)]
    ['2026-07-17', '2026-07-17', '2026-08-09']
    """
    day = declared_at.astimezone(VIETNAM).date()
    found = law_on(day, law)
    short = end_of(working_days_after(day, found.known_working_days, holidays=found.holidays))
    long = end_of(day + timedelta(days=found.longest_days if extended else found.days))
    before = short if in_database else long if in_database is False else min(short, long)
    return PathClock(before=before, law=found.id, article=found.article)
