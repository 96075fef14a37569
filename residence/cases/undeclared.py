"""Who was seen at a premises and is covered by no declaration past the legal deadline, and what follows: a notice, or a case.

- A person is **covered** by a stay at the premises over the time seen, or by a registered residence there.
- Not covered and past the deadline of the stay that would have begun at the first sighting: a **notice** first, always.
- A **case** needs a notice that was given time to be answered (``Patience.answer_within``), and evidence that nights are spent here: a
  night check, entries late at night on two of three nights, or entries on three of four evenings; the last after the notice went out.
  Who comes for dinner, cleans in the mornings or visits every Sunday shows none. Silence is no evidence either, unless a commune
  sets ``Patience.unanswered_after``.
- An answered notice closes what came before it; only a later night check counts after that.
- Whose time to declare fell into an outage of a kiosk or of ours is left alone until after it (``residence/cases/outages.py``). While a
  kiosk has not delivered since before the deadline, nobody becomes a case.
- Missing papers are never a reason: how well somebody was identified plays no part here.
- Every result names the rule that made it and the innocent explanations that were tried and did not hold. Those that need names
  (another form of the name, an old number, a parent's stay, an older name of the ward) are tried by ``registry/explaining.py``, when seen and again before a step.

Example: seen at the door on 2026-07-10 at 21:00, no stay: due 23:00, a notice from then on, no case.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from residence.cases.covering import LapsedHere
from residence.cases.outages import Outage, excused_until
from residence.clock import VIETNAM
from residence.places.premises import Premises
from residence.stays.deadlines import Deadline, PersonKind, deadline
from residence.stays.rules import RuleBook

SightingKind = Literal["entry", "night_check", "desk"]
Step = Literal["notice", "case"]
CaseRule = Literal["seen_past_deadline", "night_check", "late_entries", "evening_entries", "notice_unanswered", "by_officer"]
Explanation = Literal[
    "stay_here",
    "resident_here",
    "stay_pending",
    "stay_elsewhere_same_premises",
    "name_form",
    "other_number",
    "child_of_declared",
    "ward_renamed",
    "not_yet_due",
    "outage",
    "visitor",
]
# Tried by name and number before there is anything to judge, and again before each step (registry/explaining.py).
TRIED_BY_NAME: Final[tuple[Explanation, ...]] = (
    "stay_here",
    "stay_elsewhere_same_premises",
    "resident_here",
    "name_form",
    "other_number",
    "child_of_declared",
    "ward_renamed",
)


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
    """How long to wait before the next step, and what shows that a night is spent; choices of the commune, none of them law."""

    unanswered_after: timedelta | None = None  # None: a notice nobody answers never becomes a case by itself
    pending_grace: timedelta = timedelta(hours=36)  # a kiosk that was offline may still deliver a declaration
    new_visit_after: timedelta = timedelta(hours=60)  # not seen for so long: the next sighting begins another visit
    answer_within: timedelta = timedelta(hours=24)  # from the notice on; no case before
    evening_from: int = 16  # local hour; entries from here to the night's end are of one evening
    late_from: int = 22  # local hour; who comes so late on two nights is not a dinner guest
    night_until: int = 5  # local hour
    late_nights: int = 2
    evenings: int = 3
    missed_nights: int = 1  # among these, on which nobody was seen: not everybody shows a card each time


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
    lapsed: LapsedHere | None = None  # what had covered them here before (registry/explaining.py)


class PremisesState(msgspec.Struct, frozen=True, kw_only=True):
    """What the sweep knows of a premises besides its people. ``silent_since``: a kiosk there has not delivered since then.

    ``outages``: those of the last weeks that concern it, ended ones.
    """

    premises: Premises
    silent_since: datetime | None = None
    outages: tuple[Outage, ...] = ()

    def is_silent_since(self, due: datetime) -> bool:
        """Tell whether a kiosk has not delivered since before a deadline: a declaration may still be on its way."""
        return self.silent_since is not None and self.silent_since <= due


def find_undeclared(
    sightings: tuple[Sighting, ...],
    *,
    notices: tuple[SentNotice, ...],
    premises: dict[str, PremisesState],
    rules: RuleBook,
    now: datetime,
    patience: Patience = Patience(),  # noqa: B008 - frozen value
) -> tuple[Undeclared, ...]:
    """Return everybody overdue, at most one result per person and premises, ordered by premises, due and who.

    ``sightings`` are those that nothing covers (``residence/cases/covering.py``): a covered one leaves no row.
    A sighting at premises that are not in ``premises`` is left out: no rule can be named for it.
    """
    uncovered: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        if sighting.premises_id in premises and sighting.seen_at <= now:
            uncovered[sighting.who, sighting.premises_id].append(sighting)
    sent: dict[tuple[str, str], list[SentNotice]] = defaultdict(list)
    for notice in notices:
        sent[notice.who, notice.premises_id].append(notice)
    found = (
        _judge(last_visit(seen, patience), sent.get(key, []), state=premises[key[1]], rules=rules, now=now, patience=patience)
        for key, seen in uncovered.items()
    )
    return tuple(sorted((each for each in found if each is not None), key=lambda each: (each.premises_id, each.due, each.who)))


def last_visit(seen: list[Sighting], patience: Patience) -> list[Sighting]:
    """Return the newest run of sightings without a long gap: who comes every Sunday is not somebody who stayed the week."""
    ordered = sorted(seen, key=lambda each: (each.seen_at, each.presence_id))
    start = 0
    for index in range(1, len(ordered)):
        if ordered[index].seen_at - ordered[index - 1].seen_at > patience.new_visit_after:
            start = index
    return ordered[start:]


def limit_of(first: Sighting, state: PremisesState, rules: RuleBook) -> Deadline:
    """Return by when somebody first seen so had to be declared."""
    return deadline(
        first.seen_at,
        premises_kind=state.premises.kind_at(first.seen_at),
        person=first.person,
        remote_area=state.premises.remote_area,
        rules=rules,
    )


def _judge(
    visit: list[Sighting], sent: list[SentNotice], *, state: PremisesState, rules: RuleBook, now: datetime, patience: Patience
) -> Undeclared | None:
    first, limit = visit[0], limit_of(visit[0], state, rules)
    if not limit.is_late(now):
        return None
    tried: tuple[Explanation, ...] = (*TRIED_BY_NAME, "not_yet_due", "stay_pending")
    silent = state.is_silent_since(limit.due)
    if silent and now < limit.due + patience.pending_grace:
        return None
    excused = excused_until(first.seen_at, limit.due, state.outages, grace=patience.pending_grace)
    if excused is not None:
        tried = (*tried, "outage")
        if now < excused[0]:
            return None
    since = first.seen_at - patience.new_visit_after  # the oldest sightings expire; the notice about them stands
    notice = max((each for each in sent if each.sent_at >= since), key=lambda each: each.sent_at, default=None)
    if notice is None:
        night = any(each.kind == "night_check" for each in visit)
        return _result(
            visit, limit, step="notice", rule="night_check" if night else "seen_past_deadline", tried=tried, notice=None
        )
    counted = [each for each in visit if excused is None or each.seen_at >= excused[0]]
    rule = None if silent else _case_rule(counted, notice, now=now, patience=patience)
    if rule is None:
        return None
    return _result(visit, limit, step="case", rule=rule, tried=(*tried, "visitor"), notice=notice)


def _case_rule(visit: list[Sighting], notice: SentNotice, *, now: datetime, patience: Patience) -> CaseRule | None:
    """Return what makes this a case, or None. What an answered notice explained is not held against anybody again."""
    if now < notice.sent_at + patience.answer_within:
        return None
    counted = [each for each in visit if notice.answered_at is None or each.seen_at > notice.answered_at]
    if any(each.kind == "night_check" for each in counted):
        return "night_check"
    if notice.answered_at is not None:
        return None
    if _goes_on(_nights(counted, patience.late_from, patience), patience.late_nights, notice, patience=patience):
        return "late_entries"
    if _goes_on(_nights(counted, patience.evening_from, patience), patience.evenings, notice, patience=patience):
        return "evening_entries"
    patient_until = None if patience.unanswered_after is None else notice.sent_at + patience.unanswered_after
    return "notice_unanswered" if patient_until is not None and now >= patient_until else None


def _nights(visit: list[Sighting], from_hour: int, patience: Patience) -> dict[date, datetime]:
    """Return the nights on which somebody came in after an hour, each with the last time: before ``night_until`` is the night before."""
    found: dict[date, datetime] = {}
    for each in visit:
        local = each.seen_at.astimezone(VIETNAM)
        if local.hour >= from_hour or local.hour < patience.night_until:
            night = (local - timedelta(hours=patience.night_until)).date()
            found[night] = max(each.seen_at, found.get(night, each.seen_at))
    return found


def _goes_on(nights: dict[date, datetime], enough: int, notice: SentNotice, *, patience: Patience) -> bool:
    """Tell whether somebody came in on ``enough`` nights that follow each other, but for a few, the last after the notice."""
    ordered = sorted(nights)
    return any(
        (last - first).days < enough + patience.missed_nights and nights[last] > notice.sent_at
        for first, last in zip(ordered, ordered[enough - 1 :], strict=False)
    )


def _result(
    visit: list[Sighting],
    limit: Deadline,
    *,
    step: Step,
    rule: CaseRule,
    tried: tuple[Explanation, ...],
    notice: SentNotice | None,
) -> Undeclared:
    return Undeclared(
        who=visit[0].who,
        premises_id=visit[0].premises_id,
        unit=next((each.unit for each in reversed(visit) if each.unit), None),
        step=step,
        rule=rule,
        first_seen=visit[0].seen_at,
        last_seen=visit[-1].seen_at,
        due=limit.due,
        rule_set=limit.rule_set,
        article=limit.article,
        presence_ids=tuple(each.presence_id for each in visit),
        explanations_tried=tried,
        notice_id=notice.notice_id if notice else None,
    )
