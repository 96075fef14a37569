"""Which waiting rows to send now: a small window, resends after silence, patience after a refusal. Pure.

- At most ``WINDOW`` rows are with the broker unacknowledged; at most ``AWAITING`` are acknowledged and without receipt.
- A row without a receipt is sent again after ``resend_after``, doubling each time up to ``RESEND_CAP``, each wait drawn between
  half and whole so that a site's kiosks drift apart. One bad row never holds up the others.
- A refusal is about the line, not the row: sending pauses (doubling, jittered), then one row probes; the first one taken reopens
  the whole window. So a large outbox is not poured into a broker that takes nothing.
- A lost connection forgets what was not acknowledged (it is sent again at once) and keeps the waits of what was.
- Times are monotonic seconds, randomness is handed in (0 <= r < 1).

Example: ``plan.taken("id-1", at=now); plan.due(at=now + 31) == ["id-1"]``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

WINDOW: Final = 20
AWAITING: Final = 2000
RESEND_CAP: Final = 600.0
BACKOFF_BASE: Final = 1.0
BACKOFF_CAP: Final = 120.0
PAUSE_BASE: Final = 1.0
PAUSE_CAP: Final = 60.0
_MAX_DOUBLINGS: Final = 20


def backoff(attempt: int, *, jitter: Callable[[], float], base: float = BACKOFF_BASE, cap: float = BACKOFF_CAP) -> float:
    """Return seconds to wait before connection attempt ``attempt`` (from 0): full jitter, anywhere in [0, min(cap, base * 2^n))."""
    return jitter() * min(cap, base * float(1 << min(attempt, _MAX_DOUBLINGS)))


class SendPlan:
    """What is in flight, what awaits its receipt, and when each is due again."""

    def __init__(self, *, jitter: Callable[[], float], resend_after: float = 30.0) -> None:
        self._jitter = jitter
        self._resend_after = resend_after
        self._in_flight: set[str] = set()
        self._due: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._refusals = 0  # in a row, since the last row was taken
        self._paused_until = 0.0
        self.cursor = 0  # up to which number the outbox was looked through since the last connection; resends do not move it

    def room(self, *, at: float) -> int:
        """Return how many rows never sent before may be handed to the broker now."""
        return max(0, min(self.room_for_resends(at=at), AWAITING - len(self._in_flight) - len(self._due)))

    def room_for_resends(self, *, at: float) -> int:
        """Return how many rows may be sent again now; a full waiting list does not stop resends."""
        return 0 if at < self._paused_until else self._window()

    def sent(self, declaration_id: str) -> None:
        """Note that a row was handed to the broker."""
        self._in_flight.add(declaration_id)
        self._due.pop(declaration_id, None)

    def waiting(self, declaration_id: str) -> bool:
        """Tell whether a row is in flight or waits for its receipt or its next try."""
        return declaration_id in self._in_flight or declaration_id in self._due

    def taken(self, declaration_id: str, *, at: float) -> None:
        """Note that the broker took a row: it is sent again unless a receipt comes first."""
        self._refusals, self._paused_until = 0, 0.0
        if declaration_id in self._in_flight:
            tries = self._tries.get(declaration_id, 0)
            self._tries[declaration_id] = tries + 1
            wait = min(RESEND_CAP, self._resend_after * float(1 << min(tries, _MAX_DOUBLINGS)))
            self._wait(declaration_id, at + wait * (0.5 + self._jitter() / 2))

    def refused(self, declaration_id: str, *, at: float) -> None:
        """Note that the broker did not take a row: pause the line, then try with one."""
        if at >= self._paused_until:  # the other rows of the same window tell nothing new
            longest = min(PAUSE_CAP, PAUSE_BASE * float(1 << min(self._refusals, _MAX_DOUBLINGS)))
            self._refusals += 1
            self._paused_until = at + longest * (0.5 + self._jitter() / 2)
        if declaration_id in self._in_flight:
            self._wait(declaration_id, self._paused_until)

    def put_off(self, declaration_id: str, *, at: float) -> None:
        """Note that a row cannot go over this connection; those behind it pass."""
        self._wait(declaration_id, at + RESEND_CAP)

    def settled(self, declaration_id: str) -> None:
        """Forget a row: its receipt came."""
        self._in_flight.discard(declaration_id)
        self._due.pop(declaration_id, None)
        self._tries.pop(declaration_id, None)

    def due(self, *, at: float) -> list[str]:
        """Return rows whose wait is over, longest waiting first."""
        return sorted((each for each, when in self._due.items() if when <= at), key=self._due.__getitem__)

    def next_due(self) -> float | None:
        """Return when the next row may be sent again; None while nothing waits, or only an answer can make room."""
        return max(min(self._due.values()), self._paused_until) if self._due and self._window() else None

    def connection_lost(self) -> None:
        """Forget what the broker never acknowledged; look at the whole outbox again."""
        self._in_flight.clear()
        self.cursor = 0
        self.reopen()

    def reopen(self) -> None:
        """End a pause: there is a new connection, or a gateway came back."""
        self._refusals, self._paused_until = 0, 0.0

    def _window(self) -> int:
        return max(0, (1 if self._refusals else WINDOW) - len(self._in_flight))

    def _wait(self, declaration_id: str, until: float) -> None:
        self._in_flight.discard(declaration_id)
        self._due[declaration_id] = until
