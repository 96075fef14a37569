"""The sweep: time passes, and who is overdue or undeclared becomes a notice first, a case later.

- The judgement is pure (``residence.cases.undeclared``); this reads what it needs, per premises, and writes what follows.
- Every notice and case names the rule, the rule set and the article that made it. The same moment swept twice changes nothing.
- Outages, ours and a kiosk's, are looked up with the premises. A premises whose kiosk is silent gets the benefit of the doubt: its declarations
  may still be on the way. So does one whose declaration waits among the dead letters, answered ``received``: it is we who are late.
- Before each step every explanation that needs names is tried once more, with what is known by now (``registry/explaining.py``).
- Nothing is deleted for its age here: that is the retention policy's (``registry/deletions.py``), with a report.
- One transaction per premises: one that fails does not keep the others waiting.

Example: ``sweep(registry, rules=rules, now=now, random_bytes=random_bytes).notices``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.intake import describe
from registry.cases import open_case, standing_case, take_turn
from registry.database import Registry
from registry.declared_after import settle_declared
from registry.explaining import explain_kept
from registry.kiosks import kiosks_of
from registry.letter_lists import owed_since
from registry.notices import Notice, send_notice, sent_notices, was_sent
from registry.outage_windows import outages_of, undelivered_since
from registry.premises import load_places
from registry.presences import KEPT_FOR, delete_presences, premises_with_presences, sightings
from residence.cases.covering import LapsedHere
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
    premises: int = 0
    notices: int = 0
    cases: int = 0
    explained: int = 0  # sightings that something explains by now
    failed: int = 0
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


def sweep(
    registry: Registry, *, rules: RuleBook, now: datetime, random_bytes: RandomBytes, patience: Patience = DEFAULT_PATIENCE
) -> Swept:
    """Judge every premises at which somebody undeclared was seen, as of ``now``."""
    turn = _Round(registry=registry, rules=rules, now=now, random_bytes=random_bytes, patience=patience)
    after: str | None = ""
    while after is not None:
        states, after = _next_page(turn, after)
        turn.premises += len(states)
        for state in states:
            _judge_safely(turn, state)
    swept = Swept(
        at=now,
        premises=turn.premises,
        notices=turn.of("notice"),
        cases=turn.of("case"),
        explained=turn.explained,
        failed=turn.failed,
        rules=dict(turn.made),
    )
    if turn.made or turn.explained:
        log.info("swept", notices=swept.notices, cases=swept.cases, explained=swept.explained, rules=swept.rules)
    return swept


def _next_page(turn: _Round, after: str) -> tuple[list[PremisesState], str | None]:
    """Return the next premises to judge, and where the page after them begins; None when there is none."""
    since = turn.now - KEPT_FOR - turn.patience.pending_grace
    with turn.registry.reading() as connection:
        wanted = premises_with_presences(connection, after=after, limit=PAGE)
        places = load_places(connection, [(each, None) for each in wanted])
        found = [premises for each in wanted if (premises := places.place(each, None)) is not None]
        silent = _silent_since(connection, found, turn.now)
        outages = outages_of(connection, [each.premises_id for each in found], since=since)
    states = [
        PremisesState(premises=each, silent_since=silent.get(each.premises_id), outages=outages[each.premises_id])
        for each in found
    ]
    return states, wanted[-1] if len(wanted) == PAGE else None


def _judge_safely(turn: _Round, state: PremisesState) -> None:
    try:
        with turn.registry.writing() as connection:
            _judge(connection, state, turn)
    except OperationalError:
        raise  # the database is in trouble, not this premises
    except Exception as error:  # noqa: BLE001 - one premises must not keep the others waiting; it is logged and counted
        turn.failed += 1
        log.warning("premises not swept", premises_id=state.premises.premises_id, **describe(error))


def _judge(connection: Connection, state: PremisesState, turn: _Round) -> None:
    own_id = state.premises.premises_id
    take_turn(connection, own_id)
    overdue = find_undeclared(
        sightings(connection, [own_id], since=turn.now - KEPT_FOR),
        notices=sent_notices(connection, [own_id], since=turn.now - KEPT_FOR),
        premises={own_id: state},
        rules=turn.rules,
        now=turn.now,
        patience=turn.patience,
    )
    for found in overdue:
        known = _is_known(connection, found, state.premises.commune_code)
        if not known:
            explained, lapsed = _explain(connection, found, turn)
            if explained:
                continue  # what else was seen of them is for the next sweep to judge
            found = msgspec.structs.replace(found, lapsed=lapsed)  # noqa: PLW2901 - the same, and what was learnt of it
        if found.step == "case":
            commune = state.premises.commune_code
            open_case(connection, found, commune_code=commune, now=turn.now, random_bytes=turn.random_bytes)
        elif not known:
            send_notice(connection, _notice(found, state.premises), now=turn.now, random_bytes=turn.random_bytes)
        if not known:
            turn.count(found)


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


def _silent_since(connection: Connection, places: Iterable[Premises], now: datetime) -> dict[str, datetime]:
    silent: dict[str, datetime] = {}
    for commune in sorted({each.commune_code for each in places}):
        owed = owed_since(connection, commune)
        for kiosk in kiosks_of(connection, commune):
            for since in (None if kiosk.retired_at else undelivered_since(kiosk, now), owed.get(kiosk.kiosk_id)):
                if since is not None:
                    silent[kiosk.premises_id] = min(since, silent.get(kiosk.premises_id, since))
    return silent
