"""How much of a core the slow reading stages may take: so much a frame, and never more than a share over time.

- A frame may take ``frame_ns``; after that no further stage begins. A stage that is already running is not cut off, so one slow
  stage can overrun: what it took too much is owed and paid back before a slow stage begins again.
- Credit grows by ``AWAKE_SHARE`` of the time that passes, by ``IDLE_SHARE`` while nothing moves, up to one frame's worth. So the slow
  stages never take more than that share of a core over a few seconds, whatever they are and however slow the machine is.
- The first stage always runs: it is the cheapest, and what it reads needs no other.
- Pure but for the timer passed in.

>>> time_ns = 0
>>> budget = Budget(timer_ns=lambda: time_ns, frame_ns=80)
>>> budget.begin(awake=True)
>>> budget.time_left()
True
>>> time_ns = 300  # a stage took 300: 220 too much
>>> (budget.time_left(), budget.end(), budget.begin(awake=True), budget.time_left())
(False, None, None, False)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

AWAKE_SHARE: Final = 0.75  # of one core
IDLE_SHARE: Final = 0.1


class Budget:
    """One reader's time for slow stages."""

    def __init__(self, *, timer_ns: Callable[[], int], frame_ns: int) -> None:
        self._timer_ns = timer_ns
        self._frame_ns = frame_ns
        self._credit_ns = float(frame_ns)
        self._began_ns = timer_ns()
        self._slow_since_ns: int | None = None

    def begin(self, *, awake: bool) -> None:
        """Begin a frame: what passed since the last one began is earned at the share for then."""
        now_ns = self._timer_ns()
        share = AWAKE_SHARE if awake else IDLE_SHARE
        self._credit_ns = min(float(self._frame_ns), self._credit_ns + share * (now_ns - self._began_ns))
        self._began_ns, self._slow_since_ns = now_ns, None

    def time_left(self) -> bool:
        """Tell whether another slow stage may begin in this frame; asked first when the quickest stage has ended."""
        now_ns = self._timer_ns()
        if self._slow_since_ns is None:
            self._slow_since_ns = now_ns
        return now_ns - self._began_ns < self._frame_ns and now_ns - self._slow_since_ns < self._credit_ns

    def end(self) -> None:
        """End a frame: what its slow stages took is spent."""
        if self._slow_since_ns is not None:
            self._credit_ns -= self._timer_ns() - self._slow_since_ns
