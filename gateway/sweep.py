"""The sweep: time passes, and who is overdue or undeclared becomes a notice first, a case later.

- The judgement is pure (``residence.cases.undeclared``); this reads what it needs, per premises, and writes what follows.
- Every notice and case names the rule, the rule set and the article that made it. The same moment swept twice changes nothing.
- A premises whose kiosk is silent gets the benefit of the doubt: its declarations may still be on the way. So does one whose
  declaration waits among the dead letters, answered ``received``: it is we who are late.
- Presences past their time are deleted with their keys.
- One transaction per premises: one that fails does not keep the others waiting.

Example: ``sweep(registry, rules=rules, now=now, random_bytes=random_bytes).notices``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.intake import describe
from registry.cases import open_case, standing_case, take_turn
from registry.database import Registry
from registry.kiosks import KioskOnList, kiosks_of
from registry.letter_lists import owed_since
from registry.notices import Notice, send_notice, sent_notices
from registry.premises import load_places
from registry.presences import KEPT_FOR, premises_with_presences, purge_expired, sightings
from residence.cases.notices import NoticeKind, addressee
from residence.cases.undeclared import Patience, PremisesState, Undeclared, find_undeclared
from residence.places.premises import Premises
from residence.stays.rules import RuleBook

RandomBytes = Callable[[int], bytes]
DEFAULT_PATIENCE: Final = Patience()
PAGE: Final = 500
DELIVERS_WITHIN: Final = timedelta(minutes=5)  # an outbox whose oldest row is older than this is not delivering
log = structlog.get_logger("luutru.gateway")


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What one sweep did. ``rules`` counts notices and cases by the rule that made them."""

    at: datetime
    premises: int = 0
    notices: int = 0
    cases: int = 0
    expired: int = 0
    failed: int = 0
    rules: dict[str, int] = {}


class _Tally:
    """What has been counted so far."""

    def __init__(self) -> None:
        self.premises = 0
        self.notices = 0
        self.cases = 0
        self.failed = 0
        self.rules: dict[str, int] = {}

    def made(self, found: Undeclared) -> None:
        key = f"{found.step}:{found.rule}"
        self.rules[key] = self.rules.get(key, 0) + 1


def sweep(
    registry: Registry, *, rules: RuleBook, now: datetime, random_bytes: RandomBytes, patience: Patience = DEFAULT_PATIENCE
) -> Swept:
    """Judge every premises at which somebody undeclared was seen, as of ``now``."""
    with registry.writing() as connection:
        expired = purge_expired(connection, now=now)
    tally = _Tally()
    after: str | None = ""
    while after is not None:
        states, after = _next_page(registry, after, now)
        tally.premises += len(states)
        for state in states:
            _judge_safely(registry, state, tally, rules=rules, now=now, random_bytes=random_bytes, patience=patience)
    if tally.notices or tally.cases or expired:
        log.info("swept", notices=tally.notices, cases=tally.cases, expired=expired, rules=tally.rules)
    return Swept(
        at=now,
        premises=tally.premises,
        notices=tally.notices,
        cases=tally.cases,
        expired=expired,
        failed=tally.failed,
        rules=tally.rules,
    )


def _next_page(registry: Registry, after: str, now: datetime) -> tuple[list[PremisesState], str | None]:
    """Return the next premises to judge, and where the page after them begins; None when there is none."""
    with registry.reading() as connection:
        wanted = premises_with_presences(connection, after=after, limit=PAGE)
        places = load_places(connection, [(each, None) for each in wanted])
        found = [premises for each in wanted if (premises := places.place(each, None)) is not None]
        silent = _silent_since(connection, found, now)
    states = [PremisesState(premises=each, silent_since=silent.get(each.premises_id)) for each in found]
    return states, wanted[-1] if len(wanted) == PAGE else None


def _judge_safely(
    registry: Registry,
    state: PremisesState,
    tally: _Tally,
    *,
    rules: RuleBook,
    now: datetime,
    random_bytes: RandomBytes,
    patience: Patience,
) -> None:
    try:
        with registry.writing() as connection:
            _judge(connection, state, tally, rules=rules, now=now, random_bytes=random_bytes, patience=patience)
    except OperationalError:
        raise  # the database is in trouble, not this premises
    except Exception as error:  # noqa: BLE001 - one premises must not keep the others waiting; it is logged and counted
        tally.failed += 1
        log.warning("premises not swept", premises_id=state.premises.premises_id, **describe(error))


def _judge(
    connection: Connection,
    state: PremisesState,
    tally: _Tally,
    *,
    rules: RuleBook,
    now: datetime,
    random_bytes: RandomBytes,
    patience: Patience,
) -> None:
    own_id = state.premises.premises_id
    take_turn(connection, own_id)
    overdue = find_undeclared(
        sightings(connection, [own_id], since=now - KEPT_FOR),
        notices=sent_notices(connection, [own_id], since=now - KEPT_FOR),
        premises={own_id: state},
        rules=rules,
        now=now,
        patience=patience,
    )
    for found in overdue:
        if found.step == "notice":
            if send_notice(connection, _notice(found, state.premises), now=now, random_bytes=random_bytes) is not None:
                tally.notices += 1
                tally.made(found)
            continue
        known = standing_case(connection, own_id, found.who) is not None
        open_case(connection, found, commune_code=state.premises.commune_code, now=now, random_bytes=random_bytes)
        if not known:
            tally.cases += 1
            tally.made(found)


def _notice(found: Undeclared, premises: Premises) -> Notice:
    return Notice(
        kind=NoticeKind.PLEASE_DECLARE,
        about=found.presence_ids[0],
        who=found.who,
        premises_id=found.premises_id,
        commune_code=premises.commune_code,
        addressee=addressee(NoticeKind.PLEASE_DECLARE, premises.kind),
        unit=found.unit,
        due=found.due,
        rule=found.rule,
        rule_set=found.rule_set,
        article=found.article,
    )


def _silent_since(connection: Connection, places: Iterable[Premises], now: datetime) -> dict[str, datetime]:
    silent: dict[str, datetime] = {}
    for commune in sorted({each.commune_code for each in places}):
        owed = owed_since(connection, commune)
        for kiosk in kiosks_of(connection, commune):
            for since in (None if kiosk.retired_at else _undelivered_since(kiosk, now), owed.get(kiosk.kiosk_id)):
                if since is not None:
                    silent[kiosk.premises_id] = min(since, silent.get(kiosk.premises_id, since))
    return silent


def _undelivered_since(kiosk: KioskOnList, now: datetime) -> datetime | None:
    if kiosk.oldest_unsent_at is not None and now - kiosk.oldest_unsent_at > DELIVERS_WITHIN:
        return kiosk.oldest_unsent_at
    return kiosk.seen_at if kiosk.online is False else None
