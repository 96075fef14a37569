"""The interval of one arrival: when it starts and ends, where, and when two of them touch.

- Without a planned departure an interval is ``max_days`` of its rule set long; a citizen's is never longer, whatever was stated: from
  there on it is temporary residence, and a later arrival is another stay.
- Units are compared without case and spaces; a premises without units has the empty unit.
- Intervals are half open: who leaves at noon and comes back at noon has two stays.

Example: [10 July 14:00, 12 July 12:00) and [12 July 12:00, open) do not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from residence.clock import parse_instant
from residence.errors import Malformed, Refused
from residence.stays.chains import Chain
from residence.stays.deadlines import PersonKind, person_kind
from residence.stays.declaration import StayDeclaration
from residence.stays.known import KnownResidence
from residence.stays.rules import RuleBook
from residence.stays.turns import Turn

_DEFAULT_MAX_DAYS: Final = 30  # for dates no rule set covers; the length is the same in every known one


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One chain's interval. ``place`` is premises and unit as compared; ``ended`` is the departure, if one stands.

    ``last``: the turn of the last departure or extension; ``extended``: of the extension that set ``planned``; ``echoes``: of
    all that say what the last one says.
    """

    chain: Chain
    members: tuple[str, ...]
    start: datetime
    planned: datetime | None
    ended: datetime | None
    longest: timedelta
    last: Turn | None = None
    extended: Turn | None = None
    echoes: tuple[Turn, ...] = ()

    @property
    def key(self) -> str:
        """Return the id of the arrival."""
        return self.chain.root.declaration_id

    @property
    def place(self) -> tuple[str, str]:
        """Return premises and unit, the unit without case and spaces."""
        return self.chain.content.premises_id, normal_unit(self.chain.content.unit)

    @property
    def end(self) -> datetime:
        """Return where the interval ends for the question of overlap."""
        person = person_kind(self.chain.content.person)
        return latest_end(self.start, self.ended or self.planned, person=person, longest=self.longest)

    def overlaps(self, other: Span) -> bool:
        """Tell whether the two share time; intervals that begin together always do."""
        return self.start == other.start or (self.start < other.end and other.start < self.end)


def normal_unit(unit: str | None) -> str:
    """Return a unit as compared: ``' A 12 '`` and ``a12`` are one."""
    return "".join((unit or "").split()).casefold()


def instant(text: str | None) -> datetime | None:
    """Read an optional instant; what cannot be read is None, and a finding of the caller."""
    try:
        return parse_instant(text) if text else None
    except Malformed:
        return None


def max_stay(start: datetime, rules: RuleBook) -> timedelta:
    """Return the length from which a stay is temporary residence, by the rule set of its start."""
    try:
        return timedelta(days=rules.rule_set_for(start).max_days)
    except Refused:
        return timedelta(days=_DEFAULT_MAX_DAYS)


def latest_end(start: datetime, stated: datetime | None, *, person: PersonKind, longest: timedelta) -> datetime:
    """Return where an interval ends: as stated, but a citizen's never beyond the longest stay; so long also when nothing is stated."""
    limit = start + longest
    if stated is None:
        return limit
    return min(stated, limit) if person == "citizen" else stated


def leaving_time(departure: StayDeclaration) -> datetime | None:
    """Return when a departure says the person left: its planned departure, else when it was declared."""
    return instant(departure.planned_departure) or instant(departure.declared_at)


def is_home(residence: KnownResidence, place: tuple[str, str], day: str) -> bool:
    """Tell whether a registered residence is a place (as ``Span.place``) on a day; a residence without a unit covers the house."""
    here = residence.premises_id == place[0] and normal_unit(residence.unit) in {"", place[1]}
    return here and residence.valid_from <= day and (residence.valid_to is None or day <= residence.valid_to)
