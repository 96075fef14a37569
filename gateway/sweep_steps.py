"""The steps of a sweep: a notice first, a case later, for whoever is still overdue when the premises are judged in the writing transaction.

- Some premises are judged together, by the same set queries as a page of them; two sweeps never judge one premises at once (``take_turn``).
- Which steps were taken before is asked for all together. Before a new one every explanation that needs names is tried, with what is known by now, for all
  of these people in one look-up (``registry/explaining.py``). What is explained goes, as if it had been when seen.
- When a premises is to be looked at again is noted in the same transaction, unless the step itself has marked it.

Example: ``take_steps(connection, [(state, mark)], means).made``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

import msgspec
from sqlalchemy import Connection

from registry.cases import open_case, standing_cases, take_turn
from registry.declared_after import settle_declared
from registry.explaining import Explained, explain_kept
from registry.notices import Notice, send_notice, sent_about, sent_notices
from registry.presences import KEPT_FOR, delete_presences, sightings
from registry.sweep_marks import Look, Mark, look_again
from registry.vault import Vault
from residence.cases.looking_again import next_looks
from residence.cases.notices import NoticeKind, addressee
from residence.cases.undeclared import Patience, PremisesState, Step, Undeclared, find_undeclared
from residence.places.premises import Premises
from residence.stays.rules import RuleBook

RandomBytes = Callable[[int], bytes]
ToDo = tuple[PremisesState, Mark]


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What a sweep judges with."""

    vault: Vault
    rules: RuleBook
    now: datetime
    random_bytes: RandomBytes
    patience: Patience


@dataclass(kw_only=True, slots=True)
class Taken:
    """The steps that were taken, by step and rule, and how many sightings something explained."""

    made: Counter[str] = field(default_factory=Counter)
    explained: int = 0

    def of(self, step: Step) -> int:
        """Return how many of one kind."""
        return sum(count for name, count in self.made.items() if name.startswith(f"{step}:"))

    def add(self, other: Taken) -> None:
        """Count what another transaction did."""
        self.made.update(other.made)
        self.explained += other.explained


def judged(
    connection: Connection, states: Mapping[str, PremisesState], means: Means
) -> tuple[tuple[Undeclared, ...], dict[str, datetime | None]]:
    """Return who is overdue at these premises, and when each of them is to be looked at again."""
    since = means.now - KEPT_FOR
    seen, sent = sightings(connection, states, since=since), sent_notices(connection, states, since=since)
    known = dict(states)
    found = find_undeclared(seen, notices=sent, premises=known, rules=means.rules, now=means.now, patience=means.patience)
    looks = next_looks(seen, notices=sent, premises=known, rules=means.rules, now=means.now, patience=means.patience)
    return found, looks


def take_steps(connection: Connection, todo: Sequence[ToDo], means: Means) -> Taken:
    """Judge some premises of one commune, ordered by id, and take the steps that follow."""
    states = {state.premises.premises_id: state for state, _ in todo}
    for premises_id in states:
        take_turn(connection, premises_id)
    overdue, looks = judged(connection, states, means)
    commune_code, taken = todo[0][0].premises.commune_code, Taken()
    known = _taken_before(connection, overdue, commune_code)
    new = [each for each in overdue if each not in known]
    tried = explain_kept(
        connection, {own_id for each in new for own_id in each.presence_ids}, vault=means.vault, rules=means.rules
    )
    for premises_id, theirs in groupby(overdue, key=lambda each: each.premises_id):
        steps = list(theirs)
        explained = _explain(connection, [each for each in steps if each not in known], tried, means)
        taken.explained += len(explained)
        for found in steps:
            if explained.isdisjoint(found.presence_ids):  # else what else was seen of them is for the next sweep to judge
                _take(connection, found, states[premises_id].premises, tried, known=found in known, means=means)
                taken.made.update(() if found in known else (f"{found.step}:{found.rule}",))
    marked = [Look(mark, looks[mark.premises_id]) for _, mark in todo]
    look_again(connection, commune_code, marked, now=means.now)  # in vain where a step has marked it
    return taken


def _taken_before(connection: Connection, overdue: Iterable[Undeclared], commune_code: str) -> set[Undeclared]:
    """Return the steps that were taken before."""
    asked = [each for each in overdue if each.step == "notice"]
    about = sent_about(connection, commune_code, NoticeKind.PLEASE_DECLARE, [each.presence_ids[0] for each in asked])
    others = [each for each in overdue if each.step == "case"]
    standing = standing_cases(connection, commune_code, {each.premises_id for each in others})
    said = {each for each in asked if each.presence_ids[0] in about}
    return said | {each for each in others if (each.premises_id, each.who) in standing}


def _explain(connection: Connection, new: Sequence[Undeclared], tried: Explained, means: Means) -> set[str]:
    """Delete what something explains by now, and settle what was said about it; returns the presences that went."""
    gone = {own_id: each for each in new for own_id in each.presence_ids if own_id in tried.presence_ids}
    if gone:
        delete_presences(connection, sorted(gone))
        declared = {(each.premises_id, bytes.fromhex(each.who)) for each in gone.values()}
        settle_declared(connection, declared, now=means.now, random_bytes=means.random_bytes)
    return set(gone)


def _take(connection: Connection, found: Undeclared, premises: Premises, tried: Explained, *, known: bool, means: Means) -> None:
    found = msgspec.structs.replace(found, lapsed=tried.lapsed.get((found.premises_id, found.who)))
    if found.step == "case":
        open_case(connection, found, commune_code=premises.commune_code, now=means.now, random_bytes=means.random_bytes)
    elif not known:
        send_notice(connection, _notice(found, premises), now=means.now, random_bytes=means.random_bytes)


def _notice(found: Undeclared, premises: Premises) -> Notice:
    return Notice(
        kind=NoticeKind.PLEASE_DECLARE,
        about=found.presence_ids[0],
        who=found.who,
        premises_id=found.premises_id,
        commune_code=premises.commune_code,
        addressee=addressee(NoticeKind.PLEASE_DECLARE, premises.kind_at(found.first_seen)),
        unit=found.unit,
        due=found.due,
        rule=found.lapsed or found.rule,  # who overstays is told that, not that they were seen
        rule_set=found.rule_set,
        article=found.article,
    )
