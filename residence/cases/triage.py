"""Which case comes first, and why, in one sentence: clocks that mean something, and an urgency read off them.

- A clock is law (the deadline to declare), retention (when what was seen is deleted) or the commune's own choice (``CaseTimes``).
- Time in which the host or person was asked and may answer does not count against the commune's time to decide.
- After ``evidence`` nobody can check a case any more: it comes first while it still can be checked.
- The order is the same for everybody: urgency, then the clock that runs out first, then age. It never depends on who the person is.

>>> seen, day = datetime(2026, 7, 10, 14, tzinfo=UTC), timedelta(days=1)
>>> facts = CaseFacts(rule="night_check", state=CaseStatus.OPEN, due=seen, last_seen=seen, counted_from=seen)
>>> triage(facts, now=seen + timedelta(hours=10), times=CaseTimes()).why
'night_check_last_night'
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, Literal

import msgspec

from residence.cases.transitions import CLOSED, CaseStatus
from residence.cases.undeclared import CaseRule

ClockName = Literal["declare", "answer", "decide", "evidence"]
Meaning = Literal["law", "retention", "commune"]
Why = Literal[
    "evidence_ends",
    "decide_overdue",
    "night_check_last_night",
    "answer_overdue",
    "decide_soon",
    "answer_awaited",
    "in_turn",
    "closed",
]

EVIDENCE_KEPT: Final = timedelta(days=14)  # how long a sighting is kept


class Urgency(IntEnum):
    """How soon a case wants somebody, the highest first."""

    DONE = 0
    WAITING = 1
    IN_TURN = 2
    SOON = 3
    NOW = 4


class CaseTimes(msgspec.Struct, frozen=True, kw_only=True):
    """The commune's own times; none of them is law."""

    decide_within: timedelta = timedelta(days=5)
    answer_within: timedelta = timedelta(days=2)
    warn_before: timedelta = timedelta(hours=24)
    evidence_warns: timedelta = timedelta(hours=72)
    fresh_night: timedelta = timedelta(hours=24)
    evidence_kept: timedelta = EVIDENCE_KEPT
    hold_at_most: timedelta = timedelta(days=7)
    glass_open_for: timedelta = timedelta(hours=3)  # a case of another commune
    seal_at_most: timedelta = timedelta(days=183)  # how long a look may be kept from the person it was at
    second_person_within: timedelta = timedelta(hours=72)  # how long what one asked for waits for another


class CaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What triage reads of a case. ``counted_from``: since when the commune's time runs; ``asked_at``: the question that waits."""

    rule: CaseRule
    state: CaseStatus
    due: datetime | None
    last_seen: datetime
    counted_from: datetime
    asked_at: datetime | None = None


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """One clock: when it runs out, and what that means. A held clock does not run."""

    name: ClockName
    meaning: Meaning
    at: datetime
    held: bool = False


class Triaged(msgspec.Struct, frozen=True, kw_only=True):
    """Where a case stands in the queue. ``why`` names the sentence, ``at`` the moment it speaks of."""

    urgency: Urgency
    why: Why
    at: datetime | None
    clocks: tuple[Clock, ...]

    @property
    def order(self) -> tuple[int, float]:
        """Return what cases are sorted by, ascending."""
        return -self.urgency, self.at.timestamp() if self.at else float("inf")


def clocks_of(facts: CaseFacts, *, now: datetime, times: CaseTimes) -> tuple[Clock, ...]:
    """Return the clocks of a case, in the order they are shown."""
    clocks: list[Clock] = []
    if facts.due is not None:
        clocks.append(Clock(name="declare", meaning="law", at=facts.due))
    asked = facts.asked_at if facts.state is CaseStatus.ASKED else None
    if asked is not None:
        clocks.append(Clock(name="answer", meaning="commune", at=asked + times.answer_within))
    held = timedelta() if asked is None else now - asked
    clocks.append(
        Clock(name="decide", meaning="commune", at=facts.counted_from + times.decide_within + held, held=asked is not None)
    )
    clocks.append(Clock(name="evidence", meaning="retention", at=facts.last_seen + times.evidence_kept))
    return tuple(clocks)


def triage(facts: CaseFacts, *, now: datetime, times: CaseTimes) -> Triaged:
    """Return how urgent a case is, why, and its clocks. Instants are aware."""
    if facts.state in CLOSED:
        return Triaged(urgency=Urgency.DONE, why="closed", at=None, clocks=())
    clocks = clocks_of(facts, now=now, times=times)
    ends = {each.name: each.at for each in clocks}
    for urgency, why, clock, holds in _reasons(facts, ends, now=now, times=times):
        if holds:
            return Triaged(urgency=urgency, why=why, at=ends.get(clock), clocks=clocks)
    return Triaged(urgency=Urgency.IN_TURN, why="in_turn", at=ends["decide"], clocks=clocks)


def _reasons(
    facts: CaseFacts, ends: dict[ClockName, datetime], *, now: datetime, times: CaseTimes
) -> tuple[tuple[Urgency, Why, ClockName, bool], ...]:
    """Return every reason in order of weight, and whether it holds: the first that does is the one told."""
    asked = "answer" in ends
    fresh = facts.rule == "night_check" and now < facts.last_seen + times.fresh_night
    return (
        (Urgency.NOW, "evidence_ends", "evidence", ends["evidence"] - times.evidence_warns <= now < ends["evidence"]),
        (Urgency.NOW, "answer_overdue", "answer", asked and ends.get("answer", now) < now),
        (Urgency.WAITING, "answer_awaited", "answer", asked),
        (Urgency.NOW, "decide_overdue", "decide", ends["decide"] <= now),
        (Urgency.NOW, "night_check_last_night", "decide", fresh),
        (Urgency.SOON, "decide_soon", "decide", ends["decide"] - times.warn_before <= now),
    )
