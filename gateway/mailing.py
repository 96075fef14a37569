"""Sending what the outbox holds: take one, find where to, write it, hand it over, say what came of it.

- Each message is taken and settled in transactions of its own, and none is open while the mail server is spoken to.
- A server that cannot be reached ends the round; what was taken waits its pause. A message that fails is tried nine times in about two days.
- Several gateways may send at once: a message is taken by one.

Example: ``send_due(registry, settings=settings, clock=clock).sent``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta

import msgspec
import structlog
from sqlalchemy import Connection

from gateway.mail_line import MailLine
from gateway.mail_settings import MailSettings
from registry import messages
from registry.contact_points import Contact, address_for
from registry.database import Registry
from registry.messages import PAUSES, Due, Outcome
from registry.recoveries import recovery
from registry.seen_addresses import address_of_seen
from registry.vault import Vault
from registry.ways_in import way_in
from residence.cases.messages import Stops, Told, write_letter
from residence.cases.notices import NoticeKind
from residence.clock import Clock
from residence.errors import Refused

log = structlog.get_logger("luutru.gateway")


class Mailed(msgspec.Struct, frozen=True, kw_only=True):
    """What one round did: messages by what became of them, and what ended the round early."""

    by_state: dict[str, int]
    trouble: str | None = None

    @property
    def sent(self) -> int:
        """Return how many messages a server took."""
        return self.by_state.get("sent", 0)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A message that can go: what it says, and to whom."""

    told: Told
    contact: Contact


def send_due(registry: Registry, *, settings: MailSettings, clock: Clock, go_on: Callable[[], bool] = lambda: True) -> Mailed:
    """Send what is due, at most ``at_once`` messages."""
    done: Counter[str] = Counter()
    with registry.reading() as connection:
        waiting = messages.due_ids(connection, now=clock.now(), limit=settings.at_once)
    if not waiting:
        return Mailed(by_state={})
    trouble = None
    try:
        _round(registry, waiting, settings=settings, clock=clock, go_on=go_on, done=done)
    except Refused as error:
        trouble = error.code
        log.warning("messages wait", code=error.code, detail=error.detail)
    if done:
        log.info("messages", **done)
    return Mailed(by_state=dict(done), trouble=trouble)


def _round(
    registry: Registry, waiting: list[str], *, settings: MailSettings, clock: Clock, go_on: Callable[[], bool], done: Counter[str]
) -> None:
    with ExitStack() as stack:
        line: MailLine | None = None
        for message_id in waiting:
            if not go_on():
                return
            ready = _taken(registry, message_id, pages=settings.pages, clock=clock, done=done)
            if ready is None:
                continue
            due, written = ready
            try:
                line = line or stack.enter_context(MailLine(settings))  # opened for the first that has somewhere to go
                outcome = _handed_over(line, due, written, clock=clock)
            except Refused as error:
                _settle(registry, due, _again(due, error.code), clock=clock, done=done)
                raise
            _settle(registry, due, outcome, clock=clock, done=done)


def _taken(registry: Registry, message_id: str, *, pages: str, clock: Clock, done: Counter[str]) -> tuple[Due, Written] | None:
    """Take a message; None when somebody else has it or there is nothing to send, which is settled at once."""
    with registry.writing() as connection:
        due = messages.take(connection, message_id, now=clock.now())
        if due is None:
            return None
        written = _written(connection, due, pages=pages, vault=registry.vault, now=clock.now())
        if isinstance(written, Written):
            return due, written
        messages.settle(connection, message_id, written, now=clock.now())
    done[written.state] += 1
    return None


def _settle(registry: Registry, due: Due, outcome: Outcome, *, clock: Clock, done: Counter[str]) -> None:
    with registry.writing() as connection:
        messages.settle(connection, due.message_id, outcome, now=clock.now())
    done[outcome.state] += 1


def _written(connection: Connection, due: Due, *, pages: str, vault: Vault, now: datetime) -> Written | Outcome:
    """Return what to send, or why there is nothing to send."""
    link = f"{pages.rstrip('/')}/n/{due.message_id}/{vault.link_proof(due.message_id)}"
    stops: Stops | None = "recovery" if due.kind == "recovery" else "way_in" if due.kind == "way-in" else None
    told = Told(kind=None, to_house=False, link=link, stops=stops)
    if due.kind == "recovery":
        row = recovery(connection, due.about)
        if row is None or row.stopped_at is not None:
            return Outcome(state="needless")
    if due.kind == "way-in" and way_in(connection, due.about) is None:  # told though it is closed: whoever opened it can close it
        return Outcome(state="needless")
    if due.kind == "notice":
        notice = messages.notice_of(connection, due.commune_code, due.about)
        if notice is None or notice.answered_at is not None:
            return Outcome(state="needless")
        kind, to_house = NoticeKind(notice.kind), due.recipient == "premises"
        if kind is NoticeKind.DEADLINE_NEAR and notice.due is not None and notice.due <= now:
            return Outcome(state="needless")  # it would come after what it warns of
        told = Told(kind=kind, to_house=to_house, link=link, unit=notice.unit, due=notice.due)
    if due.recipient == "seen":
        contact = address_of_seen(connection, due.subject_id, vault=vault)
    else:
        contact = address_for(connection, due.recipient, due.subject_id, vault=vault)
    return Outcome(state="no_address") if contact is None else Written(told=told, contact=contact)


def _handed_over(line: MailLine, due: Due, written: Written, *, clock: Clock) -> Outcome:
    letter = write_letter(written.told, language=written.contact.language)
    fault = line.send(to=written.contact.address, letter=letter, message_id=due.message_id, at=clock.now())
    if fault is None:
        return Outcome(state="sent")
    return Outcome(state="failed", fault=fault) if fault == "mail.refused" else _again(due, fault)


def _again(due: Due, fault: str) -> Outcome:
    """Return when to try again; after the last time, never."""
    if due.attempts > len(PAUSES):
        return Outcome(state="failed", fault=fault)
    pause: timedelta = PAUSES[due.attempts - 1]
    return Outcome(state="waiting", fault=fault, pause=pause)
