"""The sweep: time passes, and who is overdue or undeclared becomes a notice first, a case later.

- The judgement is pure (``residence.cases.undeclared``); this asks for what it needs, a page of a commune's premises at a time, and writes what follows.
- Only premises at which something changed and those whose clock has come are asked for (``registry/sweep_marks.py``); of the others it is known that
  nothing follows yet. ``everything=True`` first marks all, and says when that finds somebody the marks had missed.
- Every notice and case names the rule, the rule set and the article that made it. The same moment swept twice changes nothing.
- Outages, ours and a kiosk's, are looked up with the premises. A premises whose kiosk is silent gets the benefit of the doubt: its declarations
  may still be on the way. So does one whose declaration waits among the dead letters, answered ``received``: it is we who are late.
- Before each step every explanation that needs names is tried once more, with what is known by now (``registry/explaining.py``).
- Nothing is deleted for its age here: that is the retention policy's (``registry/deletions.py``), with a report.
- A page without a step is one reading and one writing. Steps are taken some premises at a time, judged once more in their transaction
  (``gateway/sweep_steps.py``).

Example: ``sweep(registry, rules=rules, now=now, random_bytes=random_bytes).notices``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.intake import describe
from gateway.sweep_steps import Means, Taken, ToDo, judged, take_steps
from registry.communes import communes
from registry.database import Registry
from registry.kiosks import kiosks_at
from registry.letter_lists import owed_since
from registry.outage_windows import outages_of, undelivered_since
from registry.premises import load_places
from registry.presences import KEPT_FOR
from registry.sweep_marks import Look, Mark, due_communes, due_marks, look_again, mark_commune
from residence.cases.undeclared import Patience, PremisesState
from residence.stays.rules import RuleBook

RandomBytes = Callable[[int], bytes]
DEFAULT_PATIENCE: Final = Patience()
PAGE: Final = 500
TOGETHER: Final = 25  # premises with steps in one transaction: a tenth of a second of SQLite's write lock
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
    """What one sweep works with, and what has come of it so far."""

    registry: Registry
    means: Means
    premises: int = 0
    failed: int = 0
    taken: Taken = field(default_factory=Taken)


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
    means = Means(vault=registry.vault, rules=rules, now=now, random_bytes=random_bytes, patience=patience)
    turn = _Round(registry=registry, means=means)
    _go_round(turn)
    missed = 0
    if everything:
        if turn.taken.explained:
            _go_round(turn)  # what else was seen of them; nobody missed that
        before, turn.premises = turn.taken.made.total(), 0
        for commune_code in communes(registry):
            with registry.writing() as connection:
                mark_commune(connection, commune_code)
        _go_round(turn)
        missed = turn.taken.made.total() - before
        if missed:
            log.warning("the sweep's marks had missed somebody", steps=missed)
    swept = Swept(
        at=now,
        premises=turn.premises,
        notices=turn.taken.of("notice"),
        cases=turn.taken.of("case"),
        explained=turn.taken.explained,
        failed=turn.failed,
        missed=missed,
        rules=dict(turn.taken.made),
    )
    if turn.taken.made or turn.taken.explained:
        log.info("swept", notices=swept.notices, cases=swept.cases, explained=swept.explained, rules=swept.rules)
    return swept


def _go_round(turn: _Round) -> None:
    with turn.registry.reading() as connection:
        due = due_communes(connection, turn.means.now)
    for commune_code in due:
        after: str | None = ""
        while after is not None:
            after = _judge_page(turn, commune_code, after)


def _judge_page(turn: _Round, commune_code: str, after: str) -> str | None:
    """Judge the next page of a commune; returns where the one after it begins. Premises without a step are done with at once."""
    with turn.registry.reading() as connection:
        page = _load_page(connection, turn, commune_code, after)
        found, looks = judged(connection, page.states, turn.means)
    turn.premises += len(page.states)
    steps = {each.premises_id for each in found}
    marks = {each.premises_id: each for each in page.marks}
    todo = [(page.states[each], marks[each]) for each in sorted(steps)]
    with turn.registry.writing() as connection:
        quiet = [Look(marks[each], again_at) for each, again_at in looks.items() if each not in steps]
        look_again(connection, commune_code, quiet, now=turn.means.now)
    for at in range(0, len(todo), TOGETHER):
        _step_safely(turn, todo[at : at + TOGETHER])
    return page.after


def _step_safely(turn: _Round, todo: Sequence[ToDo]) -> None:
    """Take the steps at some premises together; where that fails, at each for itself."""
    try:
        with turn.registry.writing() as connection:
            taken = take_steps(connection, todo, turn.means)
    except OperationalError:
        raise  # the database is in trouble, not these premises
    except Exception as error:  # noqa: BLE001 - one premises must not keep the others waiting; it is logged and counted
        if len(todo) == 1:
            turn.failed += 1
            log.warning("premises not swept", premises_id=todo[0][0].premises.premises_id, **describe(error))
        for each in todo if len(todo) > 1 else ():
            _step_safely(turn, [each])
    else:
        turn.taken.add(taken)


def _load_page(connection: Connection, turn: _Round, commune_code: str, after: str) -> _Page:
    marks = due_marks(connection, commune_code, now=turn.means.now, after=after, limit=PAGE)
    places = load_places(connection, [(each.premises_id, None) for each in marks])
    found = [premises for each in marks if (premises := places.place(each.premises_id, None)) is not None]
    silent = _silent_since(connection, commune_code, [each.premises_id for each in found], turn.means.now)
    outages = outages_of(
        connection, [each.premises_id for each in found], since=turn.means.now - KEPT_FOR - turn.means.patience.pending_grace
    )
    states = {
        each.premises_id: PremisesState(
            premises=each, silent_since=silent.get(each.premises_id), outages=outages[each.premises_id]
        )
        for each in found
    }
    return _Page(marks=marks, states=states)


def _silent_since(connection: Connection, commune_code: str, premises_ids: Sequence[str], now: datetime) -> dict[str, datetime]:
    silent: dict[str, datetime] = {}
    owed = owed_since(connection, commune_code)
    for kiosk in kiosks_at(connection, commune_code, premises_ids):
        for since in (None if kiosk.retired_at else undelivered_since(kiosk, now), owed.get(kiosk.kiosk_id)):
            if since is not None:
                silent[kiosk.premises_id] = min(since, silent.get(kiosk.premises_id, since))
    return silent
