"""Who was seen at a premises and is covered by no declaration past the legal deadline, and what follows: a notice, or a case.

- A person is **covered** by a stay at the premises over the time seen, or by a registered residence there.
- Not covered and past the deadline of the stay that would have begun at the first sighting: a **notice** first, always.
- A **case** needs more than an entry: a night check, a second sighting past the deadline, or a notice unanswered for longer than
  ``Patience.unanswered_after``. It also needs a notice that was sent before.
- Missing papers are never a reason: how well somebody was identified plays no part here.
- Every result names the rule that made it and the innocent explanations that were tried and did not hold.

Example: seen at the door on 2026-07-10 at 21:00, no stay: due 23:00, a notice from then on, no case.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from residence.places.premises import Premises
from residence.stays.deadlines import PersonKind
from residence.stays.known import KnownResidence, KnownStay
from residence.stays.rules import RuleBook

SightingKind = Literal["entry", "night_check"]
Step = Literal["notice", "case"]
CaseRule = Literal["seen_past_deadline", "night_check", "second_sighting", "notice_unanswered"]
Explanation = Literal[
    "stay_here", "resident_here", "stay_pending", "stay_elsewhere_same_premises", "not_yet_due", "left_before_night"
]


class Sighting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A presence, reduced to what this needs. ``who`` is the person id, or the keyed pseudonym when nobody is known by it."""

    presence_id: str
    who: str
    premises_id: str
    kind: SightingKind
    seen_at: datetime
    unit: str | None = None
    person: PersonKind = "citizen"


class SentNotice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notice already sent about somebody at a premises."""

    notice_id: str
    who: str
    premises_id: str
    sent_at: datetime
    answered_at: datetime | None = None


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait before the next step; choices of the commune, none of them law."""

    unanswered_after: timedelta = timedelta(hours=24)
    pending_grace: timedelta = timedelta(hours=36)  # a kiosk that was offline may still deliver a declaration


class Undeclared(msgspec.Struct, frozen=True, kw_only=True):
    """One person at one premises who is overdue. ``explanations_tried`` did not hold; they are shown with the result."""

    who: str
    premises_id: str
    unit: str | None
    step: Step
    rule: CaseRule
    first_seen: datetime
    last_seen: datetime
    due: datetime
    rule_set: str
    article: str
    presence_ids: tuple[str, ...]
    explanations_tried: tuple[Explanation, ...]
    notice_id: str | None = None


class PremisesState(msgspec.Struct, frozen=True, kw_only=True):
    """What the sweep knows of a premises besides its people. ``silent_since``: a kiosk there has not delivered since then."""

    premises: Premises
    silent_since: datetime | None = None


def find_undeclared(
    sightings: tuple[Sighting, ...],
    *,
    stays: tuple[KnownStay, ...],
    residences: tuple[KnownResidence, ...],
    notices: tuple[SentNotice, ...],
    premises: dict[str, PremisesState],
    rules: RuleBook,
    now: datetime,
    patience: Patience = Patience(),  # noqa: B008 - frozen value
) -> tuple[Undeclared, ...]:
    """Return everybody overdue, at most one result per person and premises, ordered by premises, due and who."""
    raise NotImplementedError
