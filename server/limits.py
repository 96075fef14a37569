"""How often one caller may try: counted per window in this process, forgotten with it.

- Only guessing is limited: sign-in and looking up receipts by code. Declaring is never refused for being quick.
- Two walls: one caller's attempts, and everybody's together, for whoever comes from many addresses.
- The count is per process; N processes allow N times as much, which guessing twelve base-32 characters does not notice.
- The table is bounded: when full, the oldest windows go first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Final

from residence.errors import Refused
from server.settings import Allowance

LARGEST: Final = 10_000
EVERYBODY: Final = ""  # no caller has an empty address


class AttemptCounter:
    """Counts attempts by key in fixed windows of the allowance's length."""

    def __init__(self, allowance: Allowance, *, now: Callable[[], datetime]) -> None:
        self._allowance: Final = allowance
        self._now: Final = now
        self._windows: Final[OrderedDict[tuple[str, int], int]] = OrderedDict()
        self._lock: Final = Lock()

    def count(self, caller: str) -> None:
        """Count one attempt, or raise ``Refused("server.too_many_attempts")``."""
        window = int(self._now().timestamp() // self._allowance.per.total_seconds())
        with self._lock:
            attempts = self._next(caller, window)
            together = self._next(EVERYBODY, window) if attempts <= self._allowance.times else 0  # one caller alone fills no wall
            while len(self._windows) > LARGEST:
                self._windows.popitem(last=False)
        if attempts > self._allowance.times or together > self._allowance.together:
            raise Refused("server.too_many_attempts")

    def _next(self, caller: str, window: int) -> int:
        attempts = self._windows.pop((caller, window), 0) + 1
        self._windows[caller, window] = attempts
        return attempts
