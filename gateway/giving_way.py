"""How long work that can wait keeps out of the intake's way: not at all at a quiet hour, nine tenths of the time at a busy one.

- Work in pages asks before each page. While messages come fast, it then waits ``SHARE`` times as long as the page took.
- *Fast* is ``BUSY`` messages a second or more since it last asked. Less than that one core answers beside any work.
- It counts what this process took. Another worker on the same SQLite file is as busy as we are, or idle and cannot be hurt.

Example: ``Night(go_on=GivingWay(taken=lambda: worker.taken, stopping=stopping, monotonic_ns=clock.monotonic_ns))``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

BUSY: Final = 10.0  # messages a second
SHARE: Final = 9.0  # of every ten seconds one is ours
LONGEST: Final = 30.0  # seconds: a page that took minutes says nothing about what the intake needs


class GivingWay:
    """Asked before each page whether to go on; comes back when it is our turn."""

    def __init__(self, *, taken: Callable[[], int], stopping: threading.Event, monotonic_ns: Callable[[], int]) -> None:
        self._taken = taken
        self._stopping = stopping
        self._monotonic_ns = monotonic_ns
        self._since: tuple[int, int] | None = None  # when the page in hand began, and how much had been taken then

    def __call__(self) -> bool:
        """Wait for our turn; False once the process is asked to stop."""
        if self._since is not None:
            began, before = self._since
            seconds = (self._monotonic_ns() - began) / 1e9
            if seconds > 0 and (self._taken() - before) / seconds >= BUSY:
                self._stopping.wait(min(seconds * SHARE, LONGEST))
        self._since = self._monotonic_ns(), self._taken()
        return not self._stopping.is_set()
