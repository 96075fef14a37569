"""How long work that can wait keeps out of the intake's way: not at all at a quiet hour, nine tenths of the time at a busy one.

- Work in pages asks before each page. While messages come fast, it then waits ``SHARE`` times as long as the page took.
- *Fast* is ``BUSY`` messages a second or more since it last asked. Less than that one core answers beside any work.
- An intake at work at the moment counts as busy, however few it answered: it may be waiting for the lock our pages hold in turns.
- It looks at what this process does. Another worker on the same SQLite file is as busy as we are, or idle and cannot be hurt.

Example: ``Night(go_on=GivingWay(intake=worker.progress, stopping=stopping, monotonic_ns=clock.monotonic_ns))``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, NamedTuple

BUSY: Final = 10.0  # messages a second
SHARE: Final = 9.0  # of every ten seconds one is ours
LONGEST: Final = 30.0  # seconds: a page that took minutes says nothing about what the intake needs


class Progress(NamedTuple):
    """How far the intake is: messages answered since the start, and whether it is at work, not waiting for messages."""

    answered: int
    at_work: bool


class GivingWay:
    """Asked before each page whether to go on; comes back when it is our turn."""

    def __init__(self, *, intake: Callable[[], Progress], stopping: threading.Event, monotonic_ns: Callable[[], int]) -> None:
        self._intake = intake
        self._stopping = stopping
        self._monotonic_ns = monotonic_ns
        self._since: tuple[int, int] | None = None  # when the page in hand began, and what had been answered then

    def __call__(self) -> bool:
        """Wait for our turn; False once the process is asked to stop."""
        if self._since is not None:
            began, before = self._since
            seconds = (self._monotonic_ns() - began) / 1e9
            answered, at_work = self._intake()
            if at_work or (answered - before) >= BUSY * seconds > 0:
                self._stopping.wait(min(seconds * SHARE, LONGEST))
        self._since = self._monotonic_ns(), self._intake().answered
        return not self._stopping.is_set()
