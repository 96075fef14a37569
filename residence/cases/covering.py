"""Whether a stay or a registered residence explains that somebody was seen: the one place that decides it.

- A stay covers from the first minute of its arrival's day, or from twelve hours before the arrival, whichever is earlier: who is
  seen in the morning and declares in the evening is declared.
- It covers to its end, and a citizen's never beyond the longest stay (``max_days`` of the rule set of its start): what lasts longer is
  temporary residence, whatever end was stated. A stay without a stated end covers as long as the longest one.
- A foreigner's stated end stands: foreigners register by another law, which knows no thirty days.
- A stay in whatever unit of the premises counts; a stay that was taken back does not.

Example: a citizen's stay from 2026-07-10, planned to 2036, explains nothing after 2026-08-09.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final, Literal

from residence.clock import VIETNAM, parse_instant
from residence.stays.deadlines import PersonKind
from residence.stays.known import KnownResidence, KnownStay
from residence.stays.rules import RuleBook
from residence.stays.spans import latest_end, max_stay

# A person often passes the door before the hour the declarant writes down.
ARRIVAL_SLACK: Final = timedelta(hours=12)
_STANDING: Final = frozenset({"open", "ended", "disputed"})
_GOING_ON: Final = frozenset({"open", "disputed"})
LapsedHere = Literal["overstay", "temporary_expired"]


def is_covered(
    seen_at: datetime,
    premises_id: str,
    *,
    person: PersonKind,
    stays: Iterable[KnownStay],
    residences: Iterable[KnownResidence],
    rules: RuleBook,
) -> bool:
    """Tell whether a standing stay or a registered residence at these premises explains a sighting."""
    day = seen_at.astimezone(VIETNAM).date()
    return any(
        each.premises_id == premises_id and stays_then(each, seen_at, person=person, rules=rules) for each in stays
    ) or any(each.premises_id == premises_id and _lives_then(each, day) for each in residences)


def stays_then(stay: KnownStay, seen_at: datetime, *, person: PersonKind, rules: RuleBook) -> bool:
    """Tell whether a stay covers a moment."""
    first, last = covered(stay, person=person, rules=rules)
    return stay.status in _STANDING and first <= seen_at <= last


def covered(stay: KnownStay, *, person: PersonKind, rules: RuleBook) -> tuple[datetime, datetime]:
    """Return from when to when a stay explains sightings."""
    start = parse_instant(stay.start)
    stated = stay.ended_at or stay.planned_end
    morning = start.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    last = latest_end(start, parse_instant(stated) if stated else None, person=person, longest=max_stay(start, rules))
    return min(start - ARRIVAL_SLACK, morning), last


def _lives_then(residence: KnownResidence, day: date) -> bool:
    begun = date.fromisoformat(residence.valid_from) <= day
    return begun and (residence.valid_to is None or day <= date.fromisoformat(residence.valid_to))


def lapsed_here(
    seen_at: datetime,
    premises_id: str,
    *,
    person: PersonKind,
    stays: Iterable[KnownStay],
    residences: Iterable[KnownResidence],
    rules: RuleBook,
) -> LapsedHere | None:
    """Return what somebody who was seen had here, and has no longer: a stay nobody ended, else a temporary residence."""
    if any(
        each.premises_id == premises_id and each.status in _GOING_ON and covered(each, person=person, rules=rules)[1] < seen_at
        for each in stays
    ):
        return "overstay"
    day = seen_at.astimezone(VIETNAM).date().isoformat()
    over = (each.valid_to is not None and each.valid_to < day for each in residences if _is_lodging(each, premises_id))
    return "temporary_expired" if any(over) else None


def _is_lodging(residence: KnownResidence, premises_id: str) -> bool:
    return residence.kind == "temporary" and residence.premises_id == premises_id
