"""What time it is for whoever stands at the screen: the wall clock, unless it cannot be right.

- A clock without a battery begins in 1970 or 2000. Read as it stands, a stay would begin then: before any law we know (nobody could declare), and
  over before it began. So a clock that is before its floor is not asked; time is reckoned from the floor by the monotonic clock.
- What is reckoned is never later than the truth, but for an error of the floor itself: the hours the machine was off are missing.
- The sealed header says what the wall clock said and that it is ``unset``, as before: nobody is told that this was a time.

Example: ``KioskAgent(clock=ReckonedClock(clock, floor=outbox.not_before), ...)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from residence.clock import Clock


class ReckonedClock:
    """A clock that never says a time that is certainly over. Safe to ask from several threads."""

    def __init__(self, clock: Clock, *, floor: Callable[[], datetime]) -> None:
        self._clock = clock
        self._floor = floor
        self._from = (floor(), clock.monotonic_ns())

    def now(self) -> datetime:
        """Return the wall clock's time, or what is reckoned where that cannot be right."""
        wall, floor = self._clock.now(), self._floor()
        if wall >= floor:
            return wall
        began, began_ns = self._from
        now_ns = self._clock.monotonic_ns()
        reckoned = began + timedelta(microseconds=(now_ns - began_ns) // 1000)
        if reckoned < floor:
            self._from, reckoned = (floor, now_ns), floor
        return reckoned

    def monotonic_ns(self) -> int:
        """Return the machine's own monotonic clock."""
        return self._clock.monotonic_ns()
