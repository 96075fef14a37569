"""When something that ends, a token, a key, a certificate, is spoken of: thirty, fifteen, seven days and one day before, and when it is over.

- Pure. Each step is told once; what is closer than a step is that step.

>>> step_before(datetime(2026, 8, 8, tzinfo=UTC), now=datetime(2026, 7, 31, tzinfo=UTC))
15
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

STEPS: Final = (30, 15, 7, 1)  # days
OVER: Final = 0


def step_before(ends: datetime, *, now: datetime) -> int | None:
    """Return the step something is in: the fewest of ``STEPS`` days it still has, ``OVER`` when it has none; None while it has more."""
    if ends <= now:
        return OVER
    return min((each for each in STEPS if ends - now <= timedelta(days=each)), default=None)
