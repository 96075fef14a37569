"""When a premises is to be judged again although nothing happens there: the next instant at which the clock alone can change the judgement.

- What ``undeclared`` decides by the clock is an instant known beforehand: a deadline, the end of an excuse, the time a notice has to be answered, and
  what becomes too old to count. The earliest of them that is still to come is the next look; before it the same rows say the same.
- A kiosk that is silent may come back at any moment, and nobody says when: while somebody is overdue there, the next look is at once.
- Whatever changes the rows is a look of its own (``registry/sweep_marks.py``); so is a change of rules or patience.
- A look too many costs a page's share and changes nothing; one too few would let somebody wait. In doubt an instant is in the list.

Example: seen at 21:00 and due at 23:00, no notice: ``next_looks(...)["htl-sao-mai"]`` is 23:00
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from residence.cases.outages import excused_until
from residence.cases.triage import EVIDENCE_KEPT
from residence.cases.undeclared import Patience, PremisesState, SentNotice, Sighting, last_visit, limit_of
from residence.stays.rules import RuleBook

_JUST_AFTER: Final = timedelta(microseconds=1)  # what is exactly as old as evidence may be still counts


def next_looks(
    sightings: Iterable[Sighting],
    *,
    notices: Iterable[SentNotice],
    premises: Mapping[str, PremisesState],
    rules: RuleBook,
    now: datetime,
    patience: Patience = Patience(),  # noqa: B008 - frozen value
) -> dict[str, datetime | None]:
    """Return for each of ``premises`` when to look again: ``now`` for at once, None when nobody is left there to wait for.

    ``sightings`` and ``notices`` are what ``find_undeclared`` is given for the same moment.
    """
    seen: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for each in sightings:
        if each.premises_id in premises:
            seen[each.who, each.premises_id].append(each)
    sent: dict[tuple[str, str], list[SentNotice]] = defaultdict(list)
    for notice in notices:
        sent[notice.who, notice.premises_id].append(notice)
    looks: dict[str, datetime | None] = dict.fromkeys(premises)
    for (who, premises_id), theirs in seen.items():
        said = sent.get((who, premises_id), [])
        of_visit = _of_visit(theirs, premises[premises_id], rules, now=now, patience=patience)
        instants = [*_of_rows(theirs, said, patience), *of_visit]
        coming = min((each for each in instants if each >= now), default=None)
        known = looks[premises_id]
        looks[premises_id] = coming if known is None else min(known, coming or known)
    return looks


def _of_rows(seen: Iterable[Sighting], sent: Iterable[SentNotice], patience: Patience) -> Iterator[datetime]:
    """Return what each row brings by itself: it begins to count, it has had its time, it is too old."""
    for each in seen:
        yield each.seen_at
        yield each.seen_at + EVIDENCE_KEPT + _JUST_AFTER
    for notice in sent:
        yield notice.sent_at + patience.answer_within
        yield notice.sent_at + EVIDENCE_KEPT + _JUST_AFTER
        if patience.unanswered_after is not None:
            yield notice.sent_at + patience.unanswered_after


def _of_visit(
    seen: Iterable[Sighting], state: PremisesState, rules: RuleBook, *, now: datetime, patience: Patience
) -> Iterator[datetime]:
    """Return what the visit that is judged now brings: its deadline, the end of its excuse, the end of a silence."""
    visit = last_visit([each for each in seen if each.seen_at <= now], patience)
    if not visit:
        return
    limit = limit_of(visit[0], state, rules)
    yield limit.due
    excused = excused_until(visit[0].seen_at, limit.due, state.outages, grace=patience.pending_grace)
    if excused is not None:
        yield excused[0]
    if state.is_silent_since(limit.due) and limit.is_late(now):
        yield now
