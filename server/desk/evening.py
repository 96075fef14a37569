"""The evening in figures, and what a clerk signs when everybody is declared.

- An evening is the dated rules' (``residence/stays/evening.py``): until the last arrival of the night is due.
- *Arrivals* came or are expected this evening. *Declared* are those who came and of whom something was said, accepted or not. Somebody
  seen and not declared is in neither: nobody knows of them whether they stay.
- A day is closed only while nobody is still to be declared; what is in conflict, or to be put right and leaves nobody undeclared, is counted
  in the close and does not hold it up: much of it waits for somebody else.
- The close names no person: it holds counts and a digest of the statements it counts.

Example: ``evening(listed, rules=server.rules, now=now).can_close``
"""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256
from typing import Final, Literal, get_args

import msgspec

from registry.day_closes import KeptClose
from residence.clock import rfc3339
from residence.stays.evening import evening_of
from residence.stays.rules import RuleBook
from residence.wire.day_close import DayClose, digest_of
from server.desk.tonight import GuestRow, Tonight
from server.policy import Account

Shown = Literal["arrivals", "expected", "in-house", "declared", "accepted", "in-conflict"]
SHOWN: Final[tuple[Shown, ...]] = get_args(Shown)


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """One evening at one premises. ``version`` changes when somebody comes or is no longer declared."""

    day: date
    arrivals: tuple[GuestRow, ...]  # came, or expected
    came: tuple[GuestRow, ...]
    expected: tuple[GuestRow, ...]  # declared ahead, this evening or later
    in_house: tuple[GuestRow, ...]
    accepted: tuple[GuestRow, ...]
    refused: int  # arrivals refused or in conflict that nobody has said anew
    to_mend: int
    undeclared: int
    visitors: int
    version: str

    @property
    def declared(self) -> int:
        """Return how many people who came something was said of."""
        return len(self.came) + self.refused

    @property
    def in_conflict(self) -> tuple[GuestRow, ...]:
        """Return who came and is recorded, and whose declaration is in dispute."""
        return tuple(each for each in self.came if each.state == "disputed")

    @property
    def can_close(self) -> bool:
        """Tell whether nobody is still to be declared."""
        return self.undeclared == 0

    def rows(self, shown: str, everybody: tuple[GuestRow, ...]) -> tuple[GuestRow, ...]:
        """Return the guests a figure counts; all of them for what is no figure."""
        figures = {
            "arrivals": self.arrivals,
            "expected": self.expected,
            "in-house": self.in_house,
            "declared": self.came,
            "accepted": self.accepted,
            "in-conflict": self.in_conflict,
        }
        return figures.get(shown, everybody)


def evening(listed: Tonight, *, rules: RuleBook, now: datetime) -> Evening:
    """Return the figures of the evening ``now`` belongs to."""
    day = evening_of(now, rules)
    arrivals = tuple(each for each in listed.guests if evening_of(each.stay.start_at, rules) == day)
    came = tuple(each for each in arrivals if not each.expected)
    refused = [each for each in listed.unsettled if each.is_about_somebody_undeclared]
    visitors = sum(each.visitor for each in listed.seen)
    parts = [each.stay.stay_id for each in came] + [each.declaration_id for each in refused]
    parts += [each.sighting.presence_id for each in listed.seen if not each.visitor]
    return Evening(
        day=day,
        arrivals=arrivals,
        came=came,
        expected=tuple(each for each in listed.guests if each.expected),
        in_house=tuple(each for each in listed.guests if each.stay.status != "ended" and not each.expected),
        accepted=tuple(each for each in came if each.state != "disputed"),
        refused=len(refused),
        to_mend=len(listed.unsettled),
        undeclared=listed.needs_action,
        visitors=visitors,
        version=sha256("\n".join(sorted(parts)).encode()).hexdigest()[:16],
    )


def close_of(figures: Evening, account: Account, *, close_id: str, premises_id: str, now: datetime) -> DayClose:
    """Return what is signed when the evening is closed."""
    came = figures.came
    return DayClose(
        close_id=close_id,
        premises_id=premises_id,
        day=figures.day.isoformat(),
        closed_at=rfc3339(now),
        closed_by=account.name,
        arrivals=len(came),
        in_house=len(figures.in_house),
        accepted=len(figures.accepted),
        late=sum(each.stay.on_time is False for each in came),
        rule_sets=tuple(sorted({each.stay.rule_set for each in came if each.stay.rule_set})),
        statements=digest_of(declaration for each in came for declaration in each.stay.declaration_ids),
        conflicting=len(came) - len(figures.accepted),
        to_mend=figures.to_mend,
        visitors=figures.visitors,
    )


def version_signed(figures: Evening, *, points: str, listed: int) -> str:
    """Return what a close of an evening is told by: the evening, and where points stand open also their digest and the length of the list."""
    if not points:
        return figures.version
    return sha256("\n".join((figures.version, points, str(listed))).encode()).hexdigest()[:16]


def is_reopened(kept: KeptClose | None, figures: Evening) -> bool:
    """Tell whether somebody came, or is no longer declared, since the evening was closed or signed off."""
    if kept is None:
        return False
    return kept.version != version_signed(figures, points=kept.close.points or "", listed=kept.close.listed or 0)
