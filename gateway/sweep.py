"""The sweep: time passes, and who is overdue or undeclared becomes a notice first, a case later.

- The judgement is pure (``residence.cases.undeclared``); this asks for what it needs, a page of a commune's premises at a time, and writes what follows.
- Only premises at which something changed and those whose clock has come are asked for (``registry/sweep_marks.py``); of the others it is known that
  nothing follows yet. ``everything=True`` first marks all, and says when that finds somebody the marks had missed.
- Every notice and case names the rule, the rule set and the article that made it. The same moment swept twice changes nothing.
- Outages, ours and a kiosk's, are looked up with the premises. A premises whose kiosk is silent gets the benefit of the doubt: its declarations
  may still be on the way. So does one whose declaration waits among the dead letters, answered ``received``: it is we who are late.
- Before each step every explanation that needs names is tried once more, with what is known by now (``registry/explaining.py``).
- Nothing is deleted for its age here: that is the retention policy's (``registry/deletions.py``), with a report.
- A page without a step is one reading and one writing. A step is taken in a transaction of its premises, judged once more in it: one that fails does not
  keep the others waiting, and stays marked.

Example: ``sweep(registry, rules=rules, now=now, random_bytes=random_bytes).notices``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.intake import describe
from registry.cases import open_case, standing_case, take_turn
from registry.communes import communes
from registry.database import Registry
from registry.declared_after import settle_declared
from registry.explaining import explain_kept
from registry.kiosks import kiosks_at
from registry.letter_lists import owed_since
from registry.notices import Notice, send_notice, sent_notices, was_sent
from registry.outage_windows import outages_of, undelivered_since
from registry.premises import load_places
from registry.presences import KEPT_FOR, delete_presences, sightings
from registry.sweep_marks import Look, Mark, due_communes, due_marks, look_again, mark_commune
from residence.cases.covering import LapsedHere
from residence.cases.looking_again import next_looks
from residence.cases.notices import NoticeKind, addressee
from residence.cases.undeclared import Patience, PremisesState, Step, Undeclared, find_undeclared
from residence.places.premises import Premises
from residence.stays.rules import RuleBook

RandomBytes = Callable[[int], bytes]
DEFAULT_PATIENCE: Final = Patience()
PAGE: Final = 500
log = structlog.get_logger("luutru.gateway")


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What one sweep did. ``rules`` counts notices and cases by the rule that made them."""

    at: datetime
    premises: int = 0  # that were judged
    notices: int = 0
    cases: int = 0
    explained: int = 0  # sightings that something explains by now
    failed: int = 0
    missed: int = 0  # steps that no mark had led to; only a sweep of everything can tell
    rules: dict[str, int] = {}


@dataclass(kw_only=True, slots=True)
class _Round:
    """What one sweep judges with, and what has been counted so far."""

    registry: Registry
    rules: RuleBook
    now: datetime
    random_bytes: RandomBytes
    patience: Patience
    premises: int = 0
    failed: int = 0
    made: Counter[str] = field(default_factory=Counter)  # by step and rule
    explained: int = 0

    def count(self, found: Undeclared) -> None:
        self.made[f"{found.step}:{found.rule}"] += 1

    def of(self, step: Step) -> int:
        return sum(count for name, count in self.made.items() if name.startswith(f"{step}:"))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Page:
    """Premises to judge, with what is known of each."""

    marks: list[Mark]
    states: dict[str, PremisesState]

    @property
    def after(self) -> str | None:
        return self.marks[-1].premises_id if len(self.marks) == PAGE else None


def sweep(
    registry: Registry,
    *,
    rules: RuleBook,
    now: datetime,
    random_bytes: RandomBytes,
    patience: Patience = DEFAULT_PATIENCE,
    everything: bool = False,
) -> Swept:
    """Judge the premises at which somebody undeclared was seen and something may follow, as of ``now``; or ``everything``."""
    turn = _Round(registry=registry, rules=rules, now=now, random_bytes=random_bytes, patience=patience)
    _go_round(turn)
    missed = 0
    if everything:
        if turn.explained:
            _go_round(turn)  # what else was seen of them; nobody missed that
        before, turn.premises = turn.made.total(), 0
        for commune_code in communes(registry):
            with registry.writing() as connection:
                mark_commune(connection, commune_code)
        _go_round(turn)
        missed = turn.made.total() - before
        if missed:
            log.warning("the sweep's marks had missed somebody", steps=missed)
    swept = Swept(
        at=now,
        premises=turn.premises,
        notices=turn.of("notice"),
        cases=turn.of("case"),
        explained=turn.explained,
        failed=turn.failed,
        missed=missed,
        rules=dict(turn.made),
    )
    if turn.made or turn.explained:
        log.info("swept", notices=swept.notices, cases=swept.cases, explained=swept.explained, rules=swept.rules)
    return swept


def _go_round(turn: _Round) -> None:
    with turn.registry.reading() as connection:
        due = due_communes(connection, turn.now)
    for commune_code in due:
        after: str | None = ""
        while after is not None:
            after = _judge_page(turn, commune_code, after)


def _judge_page(turn: _Round, commune_code: str, after: str) -> str | None:
    """Judge the next page of a commune; returns where the one after it begins. Premises without a step are done with at once."""
    with turn.registry.reading() as connection:
        page = _load_page(connection, turn, commune_code, after)
        found, looks = _judged(connection, page.states, turn)
    turn.premises += len(page.states)
    steps = {each.premises_id for each in found}
    marks = {each.premises_id: each for each in page.marks}
    with turn.registry.writing() as connection:
        quiet = [Look(marks[each], again_at) for each, again_at in looks.items() if each not in steps]
        look_again(connection, commune_code, quiet, now=turn.now)
    for premises_id in sorted(steps):
        _step_safely(turn, page.states[premises_id], marks[premises_id])
    return page.after


def _load_page(connection: Connection, turn: _Round, commune_code: str, after: str) -> _Page:
    marks = due_marks(connection, commune_code, now=turn.now, after=after, limit=PAGE)
    places = load_places(connection, [(each.premises_id, None) for each in marks])
    found = [premises for each in marks if (premises := places.place(each.premises_id, None)) is not None]
    silent = _silent_since(connection, commune_code, [each.premises_id for each in found], turn.now)
    outages = outages_of(
        connection, [each.premises_id for each in found], since=turn.now - KEPT_FOR - turn.patience.pending_grace
    )
    states = {
        each.premises_id: PremisesState(
            premises=each, silent_since=silent.get(each.premises_id), outages=outages[each.premises_id]
        )
        for each in found
    }
    return _Page(marks=marks, states=states)


def _judged(
    connection: Connection, states: dict[str, PremisesState], turn: _Round
) -> tuple[tuple[Undeclared, ...], dict[str, datetime | None]]:
    """Return who is overdue at these premises, and when each of them is to be looked at again."""
    since = turn.now - KEPT_FOR
    seen, sent = sightings(connection, states, since=since), sent_notices(connection, states, since=since)
    found = find_undeclared(seen, notices=sent, premises=states, rules=turn.rules, now=turn.now, patience=turn.patience)
    looks = next_looks(seen, notices=sent, premises=states, rules=turn.rules, now=turn.now, patience=turn.patience)
    return found, looks


def _step_safely(turn: _Round, state: PremisesState, mark: Mark) -> None:
    try:
        with turn.registry.writing() as connection:
            _take_steps(connection, state, mark, turn)
    except OperationalError:
        raise  # the database is in trouble, not this premises
    except Exception as error:  # noqa: BLE001 - one premises must not keep the others waiting; it is logged and counted
        turn.failed += 1
        log.warning("premises not swept", premises_id=state.premises.premises_id, **describe(error))


def _take_steps(connection: Connection, state: PremisesState, mark: Mark, turn: _Round) -> None:
    own_id, commune_code = state.premises.premises_id, state.premises.commune_code
    take_turn(connection, own_id)
    overdue, looks = _judged(connection, {own_id: state}, turn)
    for found in overdue:
        known = _is_known(connection, found, commune_code)
        if not known:
            explained, lapsed = _explain(connection, found, turn)
            if explained:
                continue  # what else was seen of them is for the next sweep to judge
            found = msgspec.structs.replace(found, lapsed=lapsed)  # noqa: PLW2901 - the same, and what was learnt of it
        if found.step == "case":
            open_case(connection, found, commune_code=commune_code, now=turn.now, random_bytes=turn.random_bytes)
        elif not known:
            send_notice(connection, _notice(found, state.premises), now=turn.now, random_bytes=turn.random_bytes)
        if not known:
            turn.count(found)
    look_again(connection, commune_code, [Look(mark, looks[own_id])], now=turn.now)  # in vain after a step that marks it itself


def _is_known(connection: Connection, found: Undeclared, commune_code: str) -> bool:
    """Tell whether this step was taken before."""
    if found.step == "case":
        return standing_case(connection, found.premises_id, found.who) is not None
    return was_sent(connection, commune_code, NoticeKind.PLEASE_DECLARE, about=found.presence_ids[0])


def _explain(connection: Connection, found: Undeclared, turn: _Round) -> tuple[bool, LapsedHere | None]:
    """Try once more what needs names, with what is known by now; what is explained goes, as if it had been when seen."""
    explained, lapsed = explain_kept(connection, found.presence_ids, vault=turn.registry.vault, rules=turn.rules)
    if not explained:
        return False, lapsed
    turn.explained += len(explained)
    delete_presences(connection, explained)
    declared = {(found.premises_id, bytes.fromhex(found.who))}
    settle_declared(connection, declared, now=turn.now, random_bytes=turn.random_bytes)
    return True, None


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


def _silent_since(connection: Connection, commune_code: str, premises_ids: Sequence[str], now: datetime) -> dict[str, datetime]:
    silent: dict[str, datetime] = {}
    owed = owed_since(connection, commune_code)
    for kiosk in kiosks_at(connection, commune_code, premises_ids):
        for since in (None if kiosk.retired_at else undelivered_since(kiosk, now), owed.get(kiosk.kiosk_id)):
            if since is not None:
                silent[kiosk.premises_id] = min(since, silent.get(kiosk.premises_id, since))
    return silent
