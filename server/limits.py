"""How often one caller may try: counted per window in this process, forgotten with it.

- Guessing is limited: sign-in, a program's secret, looking up receipts by code. A program's requests are limited, too, so that a loop that
  ran wild takes nobody's place; a batch is one request. A person who declares is never refused for being quick.
- Two walls: one caller's attempts, and everybody's together, for whoever comes from many addresses.
- The count is per process; N processes allow N times as much, which guessing twelve base-32 characters does not notice.
- The table is bounded: when full, the oldest windows go first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from math import ceil
from threading import Lock
from typing import Final, NamedTuple

from residence.errors import Refused
from server.settings import Allowance

LARGEST: Final = 10_000
EVERYBODY: Final = ""  # no caller has an empty address


class Standing(NamedTuple):
    """Where a caller stands in this window: how many attempts it has, how many are left, in how many seconds it ends."""

    allowed: int
    per: int
    left: int
    ends_in: int


class TooMany(Refused):
    """The allowance is used up until the window ends."""

    def __init__(self, code: str, standing: Standing) -> None:
        super().__init__(code)
        self.standing: Final = standing

    @property
    def retry_after(self) -> int:
        """Return how many seconds to wait."""
        return self.standing.ends_in


class AttemptCounter:
    """Counts attempts by key in fixed windows of the allowance's length."""

    def __init__(self, allowance: Allowance, *, now: Callable[[], datetime], code: str = "server.too_many_attempts") -> None:
        self._allowance: Final = allowance
        self._now: Final = now
        self._code: Final = code
        self._windows: Final[OrderedDict[tuple[str, int], int]] = OrderedDict()
        self._lock: Final = Lock()

    def count(self, caller: str) -> Standing:
        """Count one attempt, or raise ``TooMany`` with the counter's code."""
        length = self._allowance.per.total_seconds()
        window, into = divmod(self._now().timestamp(), length)
        with self._lock:
            attempts = self._next(caller, int(window))
            together = (
                self._next(EVERYBODY, int(window)) if attempts <= self._allowance.times else 0
            )  # one caller alone fills no wall
            while len(self._windows) > LARGEST:
                self._windows.popitem(last=False)
        standing = Standing(
            allowed=self._allowance.times,
            per=int(length),
            left=max(0, self._allowance.times - attempts),
            ends_in=max(1, ceil(length - into)),
        )
        if attempts > self._allowance.times or together > self._allowance.together:
            raise TooMany(self._code, standing)
        return standing

    def _next(self, caller: str, window: int) -> int:
        attempts = self._windows.pop((caller, window), 0) + 1
        self._windows[caller, window] = attempts
        return attempts
