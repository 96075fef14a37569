"""What the gateway that sweeps does: undeclared occupants and who gets which case between batches; beside the intake, what goes commune by commune.

- One gateway sweeps; where another does, there are no duties.
- The sweep looks at what was marked since its last round, so the intake does not wait long; at everything when the gateway starts (its settings may be
  others) and once a day. Reminders and lapses go through every commune there is, which takes its time, so they belong to the thread beside it.

Example: ``sweep_duties(timedelta(minutes=5), choices, registry)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway.credential_endings import tell_endings
from gateway.escalating import warn
from gateway.reminders import remind
from gateway.sweep import Swept, sweep
from gateway.worker import Duty
from luutru.system import random_bytes
from registry.case_queue import Distributed, distribute_cases
from registry.database import Registry
from registry.lapses import Found, find_lapses
from residence.choices import Choices

EVERY_HOUR: Final = timedelta(hours=1)
WARN_EVERY: Final = timedelta(minutes=1)
EVERYTHING_EVERY: Final = timedelta(days=1)


def sweep_duties(every: timedelta | None, choices: Choices, registry: Registry) -> list[Duty]:
    """Return what the worker that sweeps does between batches; none where another sweeps."""
    looked_through: datetime | None = None

    def sweep_now(now: datetime) -> Swept:
        nonlocal looked_through
        everything = looked_through is None or not timedelta() <= now - looked_through < EVERYTHING_EVERY
        swept = sweep(
            registry, rules=choices.rules, now=now, random_bytes=random_bytes, patience=choices.patience, everything=everything
        )
        looked_through = now if everything else looked_through
        return swept

    def distribute_now(now: datetime) -> Distributed:
        return distribute_cases(registry, now=now, times=choices.case_times, random_bytes=random_bytes)

    def warn_now(now: datetime) -> int:
        return warn(registry, rules=choices.rules, now=now, random_bytes=random_bytes)

    if not every:
        return []
    return [
        Duty("sweep", every, sweep_now),
        Duty("distribution", every, distribute_now),
        Duty("deadlines", WARN_EVERY, warn_now),
    ]


def side_duties(every: timedelta | None, choices: Choices, registry: Registry) -> list[Duty]:
    """Return what the gateway that sweeps does beside its intake; none where another sweeps."""
    if not every:
        return []
    rules = choices.rules

    def remind_now(now: datetime) -> int:
        return remind(registry, rules=rules, now=now, random_bytes=random_bytes)

    def find_now(now: datetime) -> Found:
        return find_lapses(registry, rules=rules, now=now, choices=choices.lapses, random_bytes=random_bytes)

    def tell_now(now: datetime) -> int:
        return tell_endings(registry, now=now, random_bytes=random_bytes)

    return [
        Duty("reminders", EVERY_HOUR, remind_now),
        Duty("credentials", EVERY_HOUR, tell_now),
        Duty("lapses", EVERY_HOUR, find_now),
    ]
