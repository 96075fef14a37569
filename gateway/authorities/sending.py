"""Tells other authorities what is due, one record at a time: claim and commit, send, settle and commit.

- Killed before the claim: nothing was sent. After the settling: it is settled. In between: the claim runs out, and the record is *doubtful*.
- A doubtful record is asked about by sending exactly the same again, where the authority's terms say that it refuses doubles: *yes* means the first never
  arrived, *no* means it is probably there, and a count in the authority's own list settles it. Where the terms do not say so, only the count does.
- Every success is followed by one more look at the stay, so that what changed meanwhile is told next.
- A sender that was away for half its claim (stopped, swapped out) sends nothing any more: somebody else may have taken over.

Example: ``while sender.step(): pass`` tells everything that is due
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from gateway.authorities.lines import Line, Patience, pause_after
from gateway.authorities.planning import WITHDRAWN, Rest, StayFacts, Tell, Told, Wait, is_in_time, plan
from gateway.authorities.port import Connector, Outcome, Task, Terms
from gateway.authorities.verdicts import settled_as
from registry.authority_content import Content, content_of, premises_kind, record_telling, seal_words, stay_row
from registry.authority_lines import LineState, lines, write_line
from registry.authority_records import IN_HAND, mark_sending, put, settle, take_next
from registry.database import Registry
from residence.clock import Clock, parse_instant

log = structlog.get_logger("luutru.authority")


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What a sender works with. ``lease``: how long one attempt may take."""

    clock: Clock
    random_bytes: Callable[[int], bytes]
    fraction: Callable[[], float]
    patience: Patience = field(default_factory=Patience)
    lease: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Claim:
    row: Row[Any]
    task: Task
    attempt: int
    telling: Told
    doubtful: bool
    subject_id: str
    since_ns: int


class Sender:
    """One process's sending; several may work on one registry."""

    def __init__(self, registry: Registry, connectors: Mapping[str, Connector], *, means: Means) -> None:
        self._registry = registry
        self._connectors: Final = dict(connectors)
        self._means = means
        with registry.reading() as connection:
            known = lines(connection)
        self._lines = {
            key: Line(failures=each.failures, shut_until=each.shut_until, code=each.code) for key, each in known.items()
        }

    def step(self) -> bool:
        """Do one thing that is due; False when nothing is."""
        now, since_ns = self._means.clock.now(), self._means.clock.monotonic_ns()
        if not self._is_due(now):
            return False
        with self._registry.writing() as connection:
            row = take_next(connection, authorities=self._connectors, now=now, shut=self._shut(now))
            claim = self._claim_safely(connection, row, now=now, since_ns=since_ns) if row is not None else None
        if claim is not None and self._is_still_ours(claim):
            self._settle(claim, self._connectors[claim.row.authority].send(claim.task))
        return row is not None

    def _is_due(self, now: datetime) -> bool:
        with self._registry.reading() as connection:
            asked = take_next(connection, authorities=self._connectors, now=now, shut=self._shut(now), lock=False)
        return asked is not None

    def _shut(self, now: datetime) -> list[tuple[str, str]]:
        return [key for key, line in self._lines.items() if line.is_shut(now)]

    def _is_still_ours(self, claim: _Claim) -> bool:
        elapsed = timedelta(microseconds=(self._means.clock.monotonic_ns() - claim.since_ns) / 1000)
        return elapsed < self._means.lease / 2

    def _claim_safely(self, connection: Connection, row: Row[Any], *, now: datetime, since_ns: int) -> _Claim | None:
        """Work out one record; one that cannot be is set aside, so that it keeps nobody waiting."""
        try:
            with connection.begin_nested():
                return self._claim(connection, row, now=now, since_ns=since_ns)
        except SQLAlchemyError:
            raise  # the registry's trouble, not this record's
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one record must not stop the others
            log.warning("set aside", record=row.record_id, error=type(error).__name__)
            put(connection, row, state="refused", code="authority.record_broken", again=False, changed_at=now)
            return None

    def _claim(self, connection: Connection, row: Row[Any], *, now: datetime, since_ns: int) -> _Claim | None:
        """Work out what to do with one record; returns what has to be sent, None when it is settled without sending."""
        stay = stay_row(connection, row.stay_id)
        content = content_of(connection, stay, vault=self._registry.vault) if stay is not None else None
        if stay is None or content is None:
            put(connection, row, state="nothing", operation=None, telling=None, again=False, changed_at=now)
            return None
        connector = self._connectors[row.authority]
        facts = _facts(stay, content, tells_disputes=connector.tells_disputes(content.declaration))
        step = self._step_of(row, facts, now=now)
        if not isinstance(step, Tell):
            put(connection, row, **_put_aside(row, step), changed_at=now)
            return None
        task = _task(row, stay, content, step)
        problems = connector.check(task)
        if problems:
            told = [{"code": each.code, "pointer": each.pointer} for each in problems]
            state = "other-channel" if connector.is_beyond(problems) else "refused"
            put(connection, row, state=state, code=problems[0].code, problems=told, again=False, changed_at=now)
            return None
        record_telling(connection, content, row, now=now, random_bytes=self._means.random_bytes)
        telling = msgspec.to_builtins(step.telling)
        until = now + self._means.lease
        attempt = mark_sending(connection, row, operation=step.operation, telling=telling, now=now, until=until)
        return _Claim(
            row=row,
            task=task,
            attempt=attempt,
            telling=step.telling,
            doubtful=row.doubtful or row.state in IN_HAND,
            subject_id=content.subject_id,
            since_ns=since_ns,
        )

    def _step_of(self, row: Row[Any], facts: StayFacts, *, now: datetime) -> Tell | Wait | Rest | Told:
        terms = self._connectors[row.authority].terms(facts.start)
        if row.telling is not None and (row.doubtful or row.state in IN_HAND):
            return _asked_again(row, facts, terms, now)
        return plan(facts, told_of(row), terms=terms, now=now)

    def _settle(self, claim: _Claim, outcome: Outcome) -> None:
        means, row = self._means, claim.row
        now = means.clock.now()
        key = (row.authority, row.facility)
        failed = outcome.fate in {"not-sent", "silent"}
        line = self._lines.get(key, Line()).after(failed=failed, now=now, code=outcome.code, terms=means.patience)
        self._lines[key] = line
        failures = row.failures + 1 if failed else 0
        pause = pause_after(failures, terms=means.patience, fraction=means.fraction())
        next_at = now + max(pause, outcome.wait or timedelta()) if failed else now
        beyond = self._connectors[row.authority].is_beyond(outcome.problems)
        values = settled_as(outcome, telling=claim.telling, told=told_of(row), doubtful=claim.doubtful, beyond=beyond)
        if outcome.fate == "accepted" and claim.task.operation == "arrival":
            values["accepted_at"] = now
        with self._registry.writing() as connection:
            if outcome.words:
                words = seal_words(
                    connection, row.record_id, outcome.words, subject_id=claim.subject_id, vault=self._registry.vault
                )
                values |= {"words_sealed": words, "subject_id": claim.subject_id}
            ours = settle(connection, row.record_id, attempt=claim.attempt, now=now, next_at=next_at, failures=failures, **values)
            write_line(connection, _line_state(key, line, now))
        log.info("told", record=row.record_id, operation=claim.task.operation, fate=outcome.fate, code=outcome.code, ours=ours)


def told_of(row: Row[Any]) -> Told | None:
    """Return what the authority knows by a record."""
    return None if row.told is None else msgspec.convert(row.told, Told)


def _asked_again(row: Row[Any], facts: StayFacts, terms: Terms, now: datetime) -> Tell | Told:
    """Return the same telling once more, or what we have to assume where asking again is not safe or not possible."""
    telling = msgspec.convert(row.telling, Told)
    changed = facts.status in WITHDRAWN or facts.who != telling.who or facts.start != parse_instant(telling.start)
    late = row.operation == "arrival" and not is_in_time(facts.start, terms, now)
    if changed or late or terms.after_silence == "count-back":
        return msgspec.structs.replace(telling, sure="probably")
    return Tell(operation=row.operation, until=parse_instant(telling.until), telling=telling)


def _put_aside(row: Row[Any], step: Wait | Rest | Told) -> dict[str, Any]:
    """Return a record's columns for a step that sends nothing."""
    if isinstance(step, Wait):
        return {"state": "due", "next_at": step.until, "again": False}
    if isinstance(step, Told):  # assumed: looked at once more as if it had been told
        told = msgspec.to_builtins(step)
        return {"state": "due", "told": told, "telling": None, "operation": None, "doubtful": False, "again": False}
    told_before = told_of(row)
    if step.state == "accepted" and told_before is not None:
        code = "authority.probably_accepted" if told_before.sure == "probably" else step.code
        return {"state": told_before.sure, "code": code, "problems": None, "again": False}
    return {"state": step.state, "code": step.code, "problems": None, "again": False}


def _facts(stay: Row[Any], content: Content, *, tells_disputes: bool) -> StayFacts:
    return StayFacts(
        status=stay.status,
        start=stay.start_at,
        who=content.who,
        planned_end=stay.planned_end,
        ended_at=stay.ended_at,
        disputed=content.disputed,
        tells_disputes=tells_disputes,
    )


def _task(row: Row[Any], stay: Row[Any], content: Content, step: Tell) -> Task:
    return Task(
        operation=step.operation,
        facility=row.facility,
        declaration=content.declaration,
        premises_kind=premises_kind(stay),
        unit=stay.unit,
        arrival=stay.start_at,
        until=step.until,
        disputed=step.telling.disputed,
    )


def _line_state(key: tuple[str, str], line: Line, now: datetime) -> LineState:
    return LineState(
        authority=key[0],
        facility=key[1],
        state="shut" if line.is_shut(now) else "open",
        code=line.code,
        failures=line.failures,
        shut_until=line.shut_until,
        changed_at=now,
    )
