"""Alarms in a thread of their own beside the intake: neither a night's work nor a mail server that is away may hold up an alarm.

- Any gateway that was given the file may do it, several at once: each alarm is taken by one. All of them are given the same file.
- What speaks to providers is loaded with the first alarm that is due.

Example: ``with build_alarms(settings.alarms, registry=registry, rules=rules, clock=clock, stopping=stopping).running(): worker.run(stopping)``
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from gateway.alarm_settings import AlarmSettings
from gateway.beside import Beside
from gateway.worker import Duty
from luutru.system import random_bytes
from registry.database import Registry
from registry.messages import due_by_channel
from residence.clock import Clock
from residence.stays.rules import RuleBook

KEEP_EVERY: Final = timedelta(minutes=5)
RAISE_EVERY: Final = timedelta(seconds=5)


def build_alarms(
    settings: AlarmSettings | None, *, registry: Registry, rules: RuleBook, clock: Clock, stopping: threading.Event
) -> Beside:
    """Put together what alarms houses; nothing without a file."""
    if settings is None:
        return Beside([], clock=clock, stopping=stopping)
    known = settings

    def keep_now(now: datetime) -> None:
        from gateway.alarms import keep_channels

        keep_channels(registry, known, now=now, random_bytes=random_bytes)

    def raise_now(now: datetime) -> None:
        with registry.reading() as connection:
            if not due_by_channel(connection, now=now, limit=1):
                return
        from gateway.alarm_line import AlarmLine
        from gateway.alarms import raise_alarms

        line = AlarmLine(answer_seconds=known.answer_seconds)
        raise_alarms(registry, settings=known, line=line, rules=rules, clock=clock, go_on=lambda: not stopping.is_set())

    duties = [Duty("alarm channels", KEEP_EVERY, keep_now), Duty("alarms", RAISE_EVERY, raise_now)]
    return Beside(duties, clock=clock, stopping=stopping)
