"""What a kiosk claims about the time, when that cannot be true (ADR 25).

- Only a clock that a kiosk calls ``synced`` can be caught: of every other its own state says that it proves nothing, and it is judged by ours.
- Ahead of ours by more than ``ahead``, or behind by more than ``behind``: no delivery is so late, and no honest one is early. One of the
  two clocks is wrong or somebody lies; which, a machine cannot know. So nothing is judged by either until somebody has looked.
- The bounds are wide. Inside them a false claim gains nothing anyway: what was "kept" after it came, or more than thirty days before, is
  not believed (``registry/answering.py``).
- A presence is never held for its clock: it is judged by ours, and is to be gone in days, not to wait in a quarantine.

Example: ``impossible(header.times, now, USUAL_BOUNDS)``
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from residence.clock import parse_instant
from residence.wire.times import CLOCK_IMPOSSIBLE, Times

__all__ = ["CLOCK_IMPOSSIBLE", "USUAL_BOUNDS", "ClockBounds", "impossible"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockBounds:
    """How far a confirmed clock may be from ours. An outbox has no age limit, so ``behind`` is more than a year."""

    ahead: timedelta = timedelta(hours=1)
    behind: timedelta = timedelta(days=400)


USUAL_BOUNDS: Final = ClockBounds()


def impossible(times: Times, now: datetime, bounds: ClockBounds) -> bool:
    """Tell whether a confirmed clock said what cannot be."""
    if times.time_state != "synced":
        return False
    behind = now - parse_instant(times.wall)
    return behind > bounds.behind or -behind > bounds.ahead
