"""Who was seen at a premises and is covered by no declaration past the legal deadline, and what follows: a notice, or a case.

- A person is **covered** by a stay at the premises over the time seen, or by a registered residence there.
- Not covered and past the deadline of the stay that would have begun at the first sighting: a **notice** first, always.
- A **case** needs more than an entry: a night check, or a second sighting past the deadline; and a notice that was sent before. Silence is
  no evidence: a dinner guest who was seen once stays a notice, unless a commune sets ``Patience.unanswered_after``.
- An answered notice closes what came before it; only a later night check counts after that.
- While a kiosk of the premises has not delivered since before the deadline, nobody becomes a case: the outage is ours.
- Missing papers are never a reason: how well somebody was identified plays no part here.
- Every result names the rule that made it and the innocent explanations that were tried and did not hold.

Example: seen at the door on 2026-07-10 at 21:00, no stay: due 23:00, a notice from then on, no case.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from residence.places.premises import Premises
from residence.stays.deadlines import Deadline, PersonKind, deadline
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

    unanswered_after: timedelta | None = None  # None: a notice nobody answers never becomes a case by itself
    pending_grace: timedelta = timedelta(hours=36)  # a kiosk that was offline may still deliver a declaration
    new_visit_after: timedelta = timedelta(hours=36)  # not seen for so long: the next sighting begins another visit


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
        _judge(_last_visit(seen, patience), sent.get(key, []), state=premises[key[1]], rules=rules, now=now, patience=patience)
        for key, seen in uncovered.items()
    )
    return tuple(sorted((each for each in found if each is not None), key=lambda each: (each.premises_id, each.due, each.who)))


def _last_visit(seen: list[Sighting], patience: Patience) -> list[Sighting]:
    """Return the newest run of sightings without a long gap: who comes every Sunday is not somebody who stayed the week."""
    ordered = sorted(seen, key=lambda each: (each.seen_at, each.presence_id))
    start = 0
    for index in range(1, len(ordered)):
        if ordered[index].seen_at - ordered[index - 1].seen_at > patience.new_visit_after:
            start = index
    return ordered[start:]


def _judge(
    visit: list[Sighting], sent: list[SentNotice], *, state: PremisesState, rules: RuleBook, now: datetime, patience: Patience
) -> Undeclared | None:
    first = visit[0]
    limit = deadline(
        first.seen_at, premises_kind=state.premises.kind, person=first.person, remote_area=state.premises.remote_area, rules=rules
    )
    if not limit.is_late(now):
        return None
    tried: tuple[Explanation, ...] = ("stay_here", "stay_elsewhere_same_premises", "resident_here", "not_yet_due", "stay_pending")
    silent = state.silent_since is not None and state.silent_since <= limit.due
    if silent and now < limit.due + patience.pending_grace:
        return None
    notice = max((each for each in sent if each.sent_at >= first.seen_at), key=lambda each: each.sent_at, default=None)
    if notice is None:
        night = any(each.kind == "night_check" for each in visit)
        return _result(
            visit, limit, step="notice", rule="night_check" if night else "seen_past_deadline", tried=tried, notice=None
        )
    rule = None if silent else _case_rule(visit, limit, notice, now=now, patience=patience)
    if rule is None:
        return None
    if rule != "notice_unanswered":
        tried = (*tried, "left_before_night")
    return _result(visit, limit, step="case", rule=rule, tried=tried, notice=notice)


def _case_rule(
    visit: list[Sighting], limit: Deadline, notice: SentNotice, *, now: datetime, patience: Patience
) -> CaseRule | None:
    """Return what makes this a case, or None. What an answered notice explained is not held against anybody again."""
    counted = [each for each in visit if notice.answered_at is None or each.seen_at > notice.answered_at]
    if any(each.kind == "night_check" for each in counted):
        return "night_check"
    if notice.answered_at is not None:
        return None
    if any(limit.is_late(each.seen_at) for each in visit[1:]):
        return "second_sighting"
    patient_until = None if patience.unanswered_after is None else notice.sent_at + patience.unanswered_after
    return "notice_unanswered" if patient_until is not None and now >= patient_until else None


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
