"""The night's work: delete what is due, look after the register, then count how it stands; once a day, by whichever process comes first.

- Due from ``Night.hour`` of the day on, Vietnam's time. What nobody did at night, because nobody ran, is done when somebody runs again.
- What the retention policy lets go by now goes first, with a report of its own (``registry/deletions.py``).
- Keys are looked after next (``registry/key_tending.py``). While indexes of numbers are between two keys nobody compares them: cleaning waits.
- Cleaning goes through what changed, and once in ``Night.whole_every`` days through everything: age and data grown old are found then.
- The scoreboard counts after that day's cleaning is done; a day without it is a gap, never a count of old items.
- Then looks of officers that a public rule asks about are put to them (``registry/look_questions.py``), and of what officers closed a share is drawn
  to be seen again by somebody else (``registry/second_views.py``). A month that is over is published (``registry/public_figures.py``).
- Beside an intake it gives way to it: ``go_on`` is asked before each page and may wait (``gateway/giving_way.py``); pages are short,
  for on SQLite a page holds the one write lock.
- Asked to stop, deleting and cleaning end after the page in hand, and whoever runs next goes on there.
- The search for duplicates is not part of it: it wants gigabytes, and packages a gateway has no other use for.

Example: ``tend(registry, night=Night(choices=choices.cleaning), clock=clock, random_bytes=random_bytes)`` returns what it did
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from registry.cleaning.passing import Pace, run_passes
from registry.database import Registry
from registry.deletions import carry_out
from registry.key_provider import FileKeyProvider
from registry.key_tending import tend_keys
from registry.look_questions import raise_questions
from registry.nightly import claim, latest_done, run_of, settle
from registry.public_figures import publish_month
from registry.retention_policy import Policy, read_policy
from registry.scoreboard.counting import keep_day
from registry.second_views import draw_second_views
from residence.access.key_times import KeyTimes
from residence.cleaning.rules import CleaningChoices
from residence.clock import VIETNAM, Clock

DELETIONS: Final = "deletions"
KEYS: Final = "keys"
CLEANING: Final = "cleaning"
WHOLE: Final = "cleaning_whole"
SCOREBOARD: Final = "scoreboard"
LOOKS: Final = "looks"
PAGE: Final = 100  # households, premises or persons looked after in one transaction
SECOND_VIEWS: Final = "second_views"
PUBLIC: Final = "public_figures"
log = structlog.get_logger("luutru.gateway")
Task = Callable[[], tuple[bool, dict[str, Any]]]  # whether it came to its end, and what it counted


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """When the work is due and what it goes by. ``go_on``: False once the process is asked to stop."""

    hour: int = 2
    whole_every: int = 7
    retention: Policy = msgspec.field(default_factory=read_policy)
    choices: CleaningChoices = CleaningChoices()
    second_view_percent: int = 10
    publish_least: int = 5
    key_times: KeyTimes = KeyTimes()
    go_on: Callable[[], bool] = lambda: True


def tend(registry: Registry, *, night: Night, clock: Clock, random_bytes: Callable[[int], bytes]) -> dict[str, Any]:
    """Do what is due of today and nobody has done; returns task -> what it counted."""
    local = clock.now().astimezone(VIETNAM)
    if local.hour < night.hour:
        return {}
    today = local.date()
    whole = _is_whole(registry, today, every=night.whole_every)
    cleaning = WHOLE if whole else CLEANING

    def delete() -> tuple[bool, dict[str, Any]]:
        report = carry_out(registry, night.retention, clock=clock, by="night's work", night=today.isoformat(), go_on=night.go_on)
        return report.finished_at is not None, msgspec.to_builtins(report)

    def clean() -> tuple[bool, dict[str, Any]]:
        pace, now = Pace(page=PAGE, go_on=night.go_on), clock.now()
        report = run_passes(registry, choices=night.choices, now=now, random_bytes=random_bytes, whole=whole, pace=pace)
        return not report.broken_off, msgspec.to_builtins(report)

    did = _do(registry, DELETIONS, delete, day=today.isoformat(), clock=clock)
    did |= _tend_keys(registry, night, day=today.isoformat(), clock=clock)
    with registry.reading() as connection:
        kept = run_of(connection, KEYS, day=today.isoformat())
    if kept is not None and kept.state in {"running", "broken_off"}:
        return did
    did |= _do(registry, cleaning, clean, day=today.isoformat(), clock=clock)
    with registry.reading() as connection:
        cleaned = run_of(connection, cleaning, day=today.isoformat())
    if cleaned is not None and cleaned.state == "done":
        for task, work in _afterwards(registry, night, clock=clock, random_bytes=random_bytes).items():
            did |= _do(registry, task, work, day=today.isoformat(), clock=clock)
    return did


def _tend_keys(registry: Registry, night: Night, *, day: str, clock: Clock) -> dict[str, Any]:
    """Look after keys, where they are in a folder of ours."""
    keys = registry.vault.provider
    if not isinstance(keys, FileKeyProvider):
        return {}
    work = partial(tend_keys, registry, keys, times=night.key_times, now=clock.now(), go_on=night.go_on)
    return _do(registry, KEYS, work, day=day, clock=clock)


def _afterwards(registry: Registry, night: Night, *, clock: Clock, random_bytes: Callable[[int], bytes]) -> dict[str, Task]:
    """Return what follows a night's cleaning, in its order."""
    percent = night.second_view_percent
    return {
        SCOREBOARD: lambda: (True, {"cells": len(keep_day(registry, now=clock.now()))}),
        LOOKS: lambda: (True, {"raised": raise_questions(registry, now=clock.now(), random_bytes=random_bytes)}),
        SECOND_VIEWS: lambda: (
            True,
            {"drawn": draw_second_views(registry, now=clock.now(), percent=percent, random_bytes=random_bytes)},
        ),
        PUBLIC: lambda: (True, {"published": publish_month(registry, now=clock.now(), least=night.publish_least)}),
    }


def _is_whole(registry: Registry, today: date, *, every: int) -> bool:
    """Tell whether it is time to go through everything, or today's run does so already."""
    with registry.reading() as connection:
        latest = latest_done(connection, WHOLE)
        begun = run_of(connection, WHOLE, day=today.isoformat())
    return begun is not None or latest is None or date.fromisoformat(latest.day) <= today - timedelta(days=every)


def _do(registry: Registry, task: str, work: Task, *, day: str, clock: Clock) -> dict[str, Any]:
    """Claim a task and do it; what came of it is kept, also when it fails."""
    with registry.writing() as connection:
        if not claim(connection, task, day=day, now=clock.now()):
            return {}
    try:
        ended, report = work()
    except Exception:
        with registry.writing() as connection:
            settle(connection, task, day=day, state="failed", now=clock.now())
        raise
    with registry.writing() as connection:
        settle(connection, task, day=day, state="done" if ended else "broken_off", now=clock.now(), report=report)
    log.info("night's work", task=task, day=day, ended=ended)
    return {task: report} if ended else {}
