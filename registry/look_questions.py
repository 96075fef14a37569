"""Looks an officer is asked about: raised by rule at night, explained by the officer, settled by an inspector. Nobody is scored.

- The rules are ``residence/access/fishing.py``, their numbers the commune's set in force, or the built-in one.
- Raised once: a look a rule has asked about is left out the next night. The officer answers once; an inspector settles it after the answer, or
  when the time to answer is over. A rule that asks is not a finding: what an inspector writes is.
- An inspector who is the officer, or of their household, does not settle it.

Example: ``raise_questions(registry, now=now, random_bytes=random_bytes)`` is how many were raised
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from registry.communes import communes
from registry.database import Registry
from registry.interests import interests_known
from registry.locking import locked_row
from registry.look_facts import looks_of, ties_of
from registry.second_eyes import people_of
from residence.access.fishing import Question, questions
from residence.access.look_rules import LookRules
from residence.clock import VIETNAM, uuid7
from residence.errors import Conflict, Refused

LONGEST: Final = 1000
OUTCOMES: Final = ("explained", "handed-on")
_COLUMNS = tables.look_questions.c
RandomBytes = Callable[[int], bytes]


def rules_in_force(connection: Connection, commune_code: str) -> LookRules:
    """Return the numbers the rules go by in a commune."""
    columns = tables.look_rule_sets.c
    query = (
        select(columns.rules)
        .where(columns.commune_code == commune_code)
        .order_by(columns.in_force_at.desc(), columns.set_id.desc())
    )
    found = connection.scalar(query.limit(1))
    return LookRules() if found is None else msgspec.convert(found, LookRules)


def put_in_force(
    connection: Connection, commune_code: str, rules: LookRules, *, by: tuple[str, str], now: datetime, random_bytes: RandomBytes
) -> None:
    """Keep other numbers. ``by``: who asked for them, who granted it."""
    row = {
        "commune_code": commune_code,
        "set_id": str(uuid7(now, random_bytes(10))),
        "rules": msgspec.to_builtins(rules),
        "in_force_at": now,
        "asked_by": by[0],
        "granted_by": by[1],
    }
    connection.execute(insert(tables.look_rule_sets), [row])


def raise_questions(registry: Registry, *, now: datetime, random_bytes: RandomBytes) -> int:
    """Go through the looks of every commune and raise what the rules ask about."""
    raised = 0
    for commune_code in communes(registry):
        with registry.writing() as connection:
            raised += _of_commune(connection, commune_code, now=now, random_bytes=random_bytes)
    return raised


def _of_commune(connection: Connection, commune_code: str, *, now: datetime, random_bytes: RandomBytes) -> int:
    rules = rules_in_force(connection, commune_code)
    since = now - timedelta(days=2 * rules.window_days, hours=rules.step_within_hours)
    looks = looks_of(connection, commune_code, since=since)
    if not looks:
        return 0
    ties = ties_of(connection, {each.account_id for each in looks}, on=now.astimezone(VIETNAM).date())
    found = questions(looks, ties, rules=rules, now=now, asked=_asked(connection, commune_code, since))
    rows = [_row(commune_code, each, rules, now=now, random_bytes=random_bytes) for each in found]
    if rows:
        connection.execute(insert(tables.look_questions), rows)
    return len(rows)


def _asked(connection: Connection, commune_code: str, since: datetime) -> dict[str, frozenset[str]]:
    """Return the looks each rule asked about already, of the time looked at."""
    lately = (_COLUMNS.commune_code == commune_code, _COLUMNS.last_at >= since)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for rule, access_ids in connection.execute(select(_COLUMNS.rule, _COLUMNS.access_ids).where(*lately)):
        found[rule].update(access_ids)
    return {rule: frozenset(ids) for rule, ids in found.items()}


def _row(commune_code: str, found: Question, rules: LookRules, *, now: datetime, random_bytes: RandomBytes) -> dict[str, Any]:
    return {
        "commune_code": commune_code,
        "question_id": str(uuid7(now, random_bytes(10))),
        "account_id": found.account_id,
        "rule": found.rule,
        "access_ids": list(found.access_ids),
        "people": found.people,
        "premises_id": found.premises_id,
        "first_at": found.first_at,
        "last_at": found.last_at,
        "rules": msgspec.to_builtins(rules),
        "raised_at": now,
    }


def question(connection: Connection, question_id: str) -> Row[Any] | None:
    """Return one, or None."""
    return connection.execute(select(tables.look_questions).where(_COLUMNS.question_id == question_id)).one_or_none()


def questions_to(connection: Connection, account_id: str, *, limit: int = 100) -> list[Row[Any]]:
    """Return what an officer was asked, the youngest first."""
    query = select(tables.look_questions).where(_COLUMNS.account_id == account_id)
    return list(connection.execute(query.order_by(_COLUMNS.raised_at.desc(), _COLUMNS.question_id.desc()).limit(limit)).all())


def questions_of(connection: Connection, commune_code: str, *, limit: int = 200) -> list[Row[Any]]:
    """Return a commune's questions: those not settled first, the oldest of them first."""
    mine = _COLUMNS.commune_code == commune_code
    waiting = select(tables.look_questions).where(mine, _COLUMNS.settled_at.is_(None)).order_by(_COLUMNS.raised_at).limit(limit)
    done = select(tables.look_questions).where(mine, _COLUMNS.settled_at.is_not(None)).order_by(_COLUMNS.raised_at.desc())
    return [*connection.execute(waiting), *connection.execute(done.limit(limit))]


def looks_asked_about(connection: Connection, row: Row[Any]) -> list[Row[Any]]:
    """Return when, for what and about what the looks of a question were; not at whom."""
    columns = tables.access_records.c
    query = select(columns.at, columns.purpose, columns.about, columns.way).where(columns.access_id.in_(row.access_ids))
    return [*connection.execute(query.order_by(columns.at, columns.access_id))]


def answer(connection: Connection, question_id: str, *, by: str, said: str, now: datetime) -> None:
    """Let the officer explain, once."""
    row = locked_row(connection, tables.look_questions, question_id)
    if row is None or row.account_id != by:
        raise Refused("server.not_allowed")
    if row.answered_at is not None or row.settled_at is not None:
        raise Conflict("looks.answered")
    _change(connection, row, {"answer": _words(said), "answered_at": now})


def settle_question(connection: Connection, question_id: str, *, by: str, outcome: str, reason: str, now: datetime) -> None:
    """Let an inspector settle it, after the answer or when the time to answer is over."""
    row = locked_row(connection, tables.look_questions, question_id)
    if row is None or outcome not in OUTCOMES:
        raise Refused("server.not_allowed")
    if row.settled_at is not None:
        raise Conflict("looks.settled")
    if may_not_settle(connection, by, row.account_id, now=now):
        raise Refused("server.not_allowed")
    if row.answered_at is None and now < answer_until(row):
        raise Conflict("looks.not_answered")
    _change(connection, row, {"settled_by": by, "settled_at": now, "outcome": outcome, "settled_reason": _words(reason)})


def answer_until(row: Row[Any]) -> datetime:
    """Return until when the officer may explain before it can be settled without."""
    until: datetime = row.raised_at + timedelta(days=msgspec.convert(row.rules, LookRules).answer_days)
    return until


def may_not_settle(connection: Connection, inspector: str, officer: str, *, now: datetime) -> bool:
    """Tell whether an inspector is the officer, or of their household or family as the register knows it."""
    mine, theirs = people_of(connection, inspector), people_of(connection, officer)
    day = now.astimezone(VIETNAM).date().isoformat()
    kin = set[str]().union(*(interests_known(connection, each, day).people for each in theirs))
    return inspector == officer or bool(mine & (theirs | kin))


def _change(connection: Connection, row: Row[Any], values: Mapping[str, Any]) -> None:
    same = (_COLUMNS.commune_code == row.commune_code, _COLUMNS.question_id == row.question_id)
    connection.execute(update(tables.look_questions).where(*same).values(**values))


def _words(said: str) -> str:
    text = said.strip()
    if not text or len(text) > LONGEST:
        raise Refused("looks.words", "/reason")
    return text
