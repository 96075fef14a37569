"""Alarming houses before it is late: keep the channels as the file names them, send what is due, and say of each channel whether it works.

- An alarm stands in the outbox with its notice, in one transaction. Each is taken by one gateway; a gateway that dies is followed by another.
- Nothing is sent after the deadline, nor once nobody at the house is to be declared any more: an alarm that is tried again is judged again.
- Channels do not wait for each other: each is spoken to in a thread of its own, in the order of its alarms. No transaction is open meanwhile.
- What was not taken is tried again after growing pauses, the first after twenty seconds, until the deadline.

Example: ``raise_alarms(registry, settings=settings, line=line, rules=rules, clock=clock).sent``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection

from gateway.alarm_line import AlarmLine
from gateway.alarm_settings import AlarmSettings, ChannelSettings
from gateway.escalating import somebody_is_due
from registry import messages
from registry.alarm_channels import Channel, Wanted, channel_of, note_attempt, set_channels
from registry.database import Registry
from registry.messages import Due, Outcome
from registry.premises import load_places
from residence.cases.alarms import write_alarm
from residence.cases.messages import Letter
from residence.clock import Clock
from residence.errors import Refused
from residence.stays.rules import RuleBook

LINES: Final = 8
AT_ONCE: Final = 200
PAUSES: Final = tuple(timedelta(seconds=each) for each in (20, 40, 60, 120, 300, 600, 600, 600, 600, 600, 600))
log = structlog.get_logger("luutru.gateway")


class Alarmed(msgspec.Struct, frozen=True, kw_only=True):
    """What one round did: alarms by what became of them."""

    by_state: dict[str, int]

    @property
    def sent(self) -> int:
        """Return how many a channel took."""
        return self.by_state.get("sent", 0)


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    due: Due
    channel: Channel
    settings: ChannelSettings
    letter: Letter


def keep_channels(
    registry: Registry, settings: AlarmSettings, *, now: datetime, random_bytes: Callable[[int], bytes]
) -> tuple[str, ...]:
    """Let the registry know the file's channels; returns the premises it names that are not in the register."""
    with registry.writing() as connection:
        places = load_places(connection, [(each.premises_id, None) for each in settings.channel])
        found = {each.premises_id: places.place(each.premises_id, None) for each in settings.channel}
        wanted = [
            Wanted(premises_id=each.premises_id, commune_code=premises.commune_code, name=each.name)
            for each in settings.channel
            if (premises := found[each.premises_id]) is not None
        ]
        came, went = set_channels(connection, wanted, now=now, random_bytes=random_bytes)
    unknown = tuple(sorted(each for each, premises in found.items() if premises is None))
    if came or went:
        log.info("alarm channels", came=came, went=went)
    if unknown:
        log.warning("alarm channels of no known house", premises=unknown[:10])
    return unknown


def raise_alarms(
    registry: Registry,
    *,
    settings: AlarmSettings,
    line: AlarmLine,
    rules: RuleBook,
    clock: Clock,
    go_on: Callable[[], bool] = lambda: True,
) -> Alarmed:
    """Send what is due."""
    with registry.reading() as connection:
        waiting = messages.due_by_channel(connection, now=clock.now(), limit=AT_ONCE)
    if not waiting:
        return Alarmed(by_state={})

    def tell(message_ids: list[str]) -> Counter[str]:
        done: Counter[str] = Counter()
        for each in message_ids:
            if go_on() and (state := _one(registry, each, settings=settings, line=line, rules=rules, clock=clock)):
                done[state] += 1
        return done

    with ThreadPoolExecutor(min(LINES, len(waiting)), thread_name_prefix="alarm") as lines:
        done = sum(lines.map(tell, waiting.values()), Counter[str]())
    if done:
        log.info("alarms", **done)
    return Alarmed(by_state=dict(done))


def _one(
    registry: Registry, message_id: str, *, settings: AlarmSettings, line: AlarmLine, rules: RuleBook, clock: Clock
) -> str | None:
    """Take one alarm, send it, and say what came of it; None when another gateway has it."""
    with registry.writing() as connection:
        due = messages.take(connection, message_id, now=clock.now())
        if due is None:
            return None
        ready = _ready(connection, registry, due, settings=settings, rules=rules, now=clock.now())
        if ready is None:
            messages.settle(connection, message_id, Outcome(state="needless"), now=clock.now())
            return "needless"
    fault = _fault(settings, line, ready)
    outcome = Outcome(state="sent") if fault is None else _again(due, fault)
    with registry.writing() as connection:
        messages.settle(connection, message_id, outcome, now=clock.now())
        note_attempt(connection, ready.channel, fault=fault, now=clock.now())
    if fault:
        log.warning("alarm not taken", premises=ready.channel.premises_id, channel=ready.channel.name, code=fault)
    return outcome.state


def _ready(
    connection: Connection, registry: Registry, due: Due, *, settings: AlarmSettings, rules: RuleBook, now: datetime
) -> _Ready | None:
    """Return what to send; None when there is nothing to say any more."""
    channel = channel_of(connection, due.subject_id)
    chosen = settings.find(channel.premises_id, channel.name) if channel else None
    if channel is None or chosen is None:
        return None
    until = None
    if due.kind != "trial":
        notice = messages.notice_of(connection, due.commune_code, due.about)
        if notice is None or notice.answered_at is not None or notice.due is None or notice.due <= now:
            return None
        if not somebody_is_due(connection, registry, channel.premises_id, rules=rules, now=now):
            return None
        until = notice.due
    letter = write_alarm(until, premises_id=channel.premises_id, pages=settings.pages, language=chosen.language)
    return _Ready(due=due, channel=channel, settings=chosen, letter=letter)


def _fault(settings: AlarmSettings, line: AlarmLine, ready: _Ready) -> str | None:
    try:
        return line.send(settings.url(ready.settings), ready.letter)
    except Refused as error:
        log.warning("alarm channel", code=error.code, detail=error.detail)
        return error.code


def _again(due: Due, fault: str) -> Outcome:
    """Return when to try again; after the last time, never."""
    if due.attempts > len(PAUSES):
        return Outcome(state="failed", fault=fault)
    return Outcome(state="waiting", fault=fault, pause=PAUSES[due.attempts - 1])
