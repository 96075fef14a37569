"""Temporary residences through time: registered, renewed, ended because somebody moved out, and that taken back.

- What may be done is pure (``residence/stays/temporary.py``); this reads what it judges by and writes what follows, in the caller's transaction.
- Each step is a row of ``residence_events`` with who said it and the rules it was judged by; the residence's own row is changed through
  ``registry/changing.py``, so what it said before can be told.
- A move-out ends the registration on its day and answers the reminder of its end; the person is told, for it was somebody else who said so.
- It is taken back as long as nothing changed since: the registration's last day is what it was.

Example: ``move_out(connection, residence_id, date(2026, 7, 10), teller=teller, means=means).problems`` is empty when it was done
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from registry import tables
from registry.changing import LONGEST_REASON, Cause, change_row
from registry.households import Registration, add_residences
from registry.locking import locked_row
from registry.notices import Notice, send_notice, settle_notice
from residence.cases.notices import NoticeKind
from residence.clock import VIETNAM, uuid7
from residence.errors import Conflict, Problem, Refused, has_errors
from residence.stays.rules import RuleBook, TemporaryRules
from residence.stays.temporary import (
    Asked,
    Home,
    ResidenceEvent,
    ToldBy,
    check_move_out,
    check_registration,
    check_renewal,
)


class Teller(msgspec.Struct, frozen=True, kw_only=True):
    """Who says so: as what, with which account, and why in words that name nobody."""

    told_by: ToldBy
    account_id: str
    reason: str | None = None


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a step works with."""

    rules: RuleBook
    now: datetime
    random_bytes: Callable[[int], bytes]

    @property
    def today(self) -> date:
        """Return the day it is in Vietnam."""
        return self.now.astimezone(VIETNAM).date()


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a step. With an error among the problems nothing was written."""

    residence_id: str | None = None
    event_id: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether it was done."""
        return not has_errors(self.problems)


def register(connection: Connection, person_id: str, asked: Asked, *, unit: str | None, teller: Teller, means: Means) -> Done:
    """Register a temporary residence, or say all that speaks against it; ``Refused("registry.*_unknown")``."""
    _check_reason(teller)
    rules = means.rules.temporary_for(means.today)
    premises = tables.premises.c
    # one registration of a person at a time: two at once would not see each other
    person = locked_row(connection, tables.persons, person_id)
    if person is None or person.merged_into is not None:
        raise Refused("registry.person_unknown", "/person_id")
    known = select(premises.commune_code).where(premises.premises_id == asked.premises_id)
    if connection.scalar(known) != asked.commune_code:
        raise Refused("registry.premises_unknown", "/premises_id")
    problems = check_registration(asked, _homes(connection, person_id), rules=rules)
    if has_errors(problems):
        return Done(problems=problems)
    registration = Registration(
        person_id=person_id,
        premises_id=asked.premises_id,
        kind="temporary",
        valid_from=asked.first.isoformat(),
        valid_to=asked.last.isoformat(),
        unit=unit,
    )
    (residence_id,) = add_residences(
        connection,
        [registration],
        commune_code=asked.commune_code,
        recorded_by=teller.account_id,
        now=means.now,
        random_bytes=means.random_bytes,
    )
    said = _Said("registered", asked.first, rules, rules.article)
    row = {"commune_code": asked.commune_code, "residence_id": residence_id}
    event_id = _write_event(connection, row, said, ends=(None, registration.valid_to), teller=teller, means=means)
    return Done(residence_id=residence_id, event_id=event_id, problems=problems)


def renew(connection: Connection, residence_id: str, last: date, *, teller: Teller, means: Means) -> Done:
    """Renew a temporary residence to a later last day, or say all that speaks against it."""
    _check_reason(teller)
    row, rules = _standing_row(connection, residence_id), means.rules.temporary_for(means.today)
    problems = check_renewal(_home(row), last, today=means.today, rules=rules)
    if has_errors(problems):
        return Done(residence_id=residence_id, problems=problems)
    return _end_on(connection, row, _Said("renewed", last, rules, rules.article), teller=teller, means=means)


def move_out(connection: Connection, residence_id: str, day: date, *, teller: Teller, means: Means) -> Done:
    """End a temporary residence because somebody moved out on a day, or say all that speaks against it."""
    _check_reason(teller)
    row, rules = _standing_row(connection, residence_id), means.rules.temporary_for(means.today)
    problems = check_move_out(_home(row), day, today=means.today)
    if has_errors(problems):
        return Done(residence_id=residence_id, problems=problems)
    said = _Said("moved_out", day, rules, rules.move_out_article or rules.article)
    done = _end_on(connection, row, said, teller=teller, means=means)
    if teller.told_by != "person":
        _tell_the_person(connection, row, done, said, means=means)
    return done


def take_back(connection: Connection, event_id: str, *, teller: Teller, means: Means) -> Done:
    """Take a move-out back; ``Conflict("residence.changed_meanwhile")`` when the registration changed since."""
    _check_reason(teller)
    columns = tables.residence_events.c
    event = connection.execute(select(tables.residence_events).where(columns.event_id == event_id)).one_or_none()
    answered = select(columns.event_id).where(
        columns.residence_id == (event.residence_id if event else ""), columns.answers == event_id
    )
    if event is None or event.event != "moved_out":
        raise Refused("residence.move_out_unknown", "/event_id")
    row, rules = _standing_row(connection, event.residence_id), means.rules.temporary_for(means.today)
    if connection.scalar(answered) is not None:
        raise Refused("residence.move_out_unknown", "/event_id")
    if row.valid_to != event.valid_to_after:
        raise Conflict("residence.changed_meanwhile", "/event_id")
    said = _Said("taken_back", means.today, rules, event.article, event_id, event.valid_to_before)
    return _end_on(connection, row, said, teller=teller, means=means)


class _Said(msgspec.Struct, frozen=True):
    """One step as it is written down. ``last``: the registration's last day from now on, where it is not ``day``."""

    event: ResidenceEvent
    day: date
    rules: TemporaryRules
    article: str
    answers: str | None = None
    last: str | None = None


def _end_on(connection: Connection, row: Row[Any], said: _Said, *, teller: Teller, means: Means) -> Done:
    last = said.last if said.event == "taken_back" else said.day.isoformat()
    cause = Cause(kind="account", cause_id=teller.account_id, reason=teller.reason or said.event)
    wanted: Mapping[str, Any] = {"valid_to": last}
    change_row(
        connection, tables.residences, row.residence_id, wanted, cause=cause, now=means.now, random_bytes=means.random_bytes
    )
    if said.event in {"renewed", "moved_out"} and row.valid_to:
        kind, about = NoticeKind.RENEW_TEMPORARY_RESIDENCE, f"{row.person_id}:{row.valid_to}"
        settle_notice(connection, row.commune_code, kind, about=about, answer=said.event, now=means.now)
    own = {"commune_code": row.commune_code, "residence_id": row.residence_id}
    event_id = _write_event(connection, own, said, ends=(row.valid_to, last), teller=teller, means=means)
    return Done(residence_id=row.residence_id, event_id=event_id)


def _write_event(
    connection: Connection,
    own: Mapping[str, str],
    said: _Said,
    *,
    ends: tuple[str | None, str | None],
    teller: Teller,
    means: Means,
) -> str:
    event_id = str(uuid7(means.now, means.random_bytes(10)))
    written = {
        **own,
        "event_id": event_id,
        "event": said.event,
        "told_by": teller.told_by,
        "account_id": teller.account_id,
        "day": said.day.isoformat(),
        "valid_to_before": ends[0],
        "valid_to_after": ends[1],
        "answers": said.answers,
        "rule_set": said.rules.id,
        "article": said.article,
        "reason": teller.reason,
        "recorded_at": means.now,
    }
    connection.execute(insert(tables.residence_events), [written])
    return event_id


def _tell_the_person(connection: Connection, row: Row[Any], done: Done, said: _Said, *, means: Means) -> None:
    notice = Notice(
        kind=NoticeKind.MOVED_OUT,
        about=done.event_id or "",
        who=row.person_id,
        premises_id=row.premises_id,
        commune_code=row.commune_code,
        addressee="person",
        unit=row.unit,
        rule=NoticeKind.MOVED_OUT.value,
        rule_set=said.rules.id,
        article=said.article,
    )
    send_notice(connection, notice, now=means.now, random_bytes=means.random_bytes)


def _standing_row(connection: Connection, residence_id: str) -> Row[Any]:
    row = locked_row(connection, tables.residences, residence_id)
    if row is None:
        raise Refused("residence.unknown", "/residence_id")
    return row


def _homes(connection: Connection, person_id: str) -> list[Home]:
    return [_home(row) for row in connection.execute(select(tables.residences).where(tables.residences.c.person_id == person_id))]


def _home(row: Row[Any]) -> Home:
    return Home(
        kind=row.kind,
        premises_id=row.premises_id,
        commune_code=row.commune_code,
        first=date.fromisoformat(row.valid_from),
        last=date.fromisoformat(row.valid_to) if row.valid_to else None,
    )


def _check_reason(teller: Teller) -> None:
    if teller.reason is not None and not 0 < len(teller.reason.strip()) <= LONGEST_REASON:
        raise Refused("residence.reason_missing", "/reason")
