"""A share with what is behind it: numerator, denominator and the 95 % interval Wilson gave for it.

- The interval stays between 0 and 1 and says something also for 0 of 5; of nothing there is no share and the interval is everything.
- It speaks of the process that made the figures, as if each unit were drawn from it. A register is counted in full: the interval says how far a
  share may wander by chance, not how wrong the count is.

>>> share_of(9, 10)
Share(part=9, whole=10, share=0.9, low=0.5958, high=0.9821)
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

Z: Final = 1.959964  # the 97.5th percentile of the normal distribution


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many. ``share``: None of nothing."""

    part: int
    whole: int
    share: float | None
    low: float
    high: float


def share_of(part: int, whole: int) -> Share:
    """Return a share with its Wilson interval, rounded to four places."""
    if whole <= 0:
        return Share(part=part, whole=whole, share=None, low=0.0, high=1.0)
    share, z2 = part / whole, Z * Z / whole
    middle, half = share + z2 / 2, Z * math.sqrt(share * (1 - share) / whole + z2 / whole / 4)
    low, high = max(0.0, (middle - half) / (1 + z2)), min(1.0, (middle + half) / (1 + z2))
    return Share(part=part, whole=whole, share=round(share, 4), low=round(low, 4), high=round(high, 4))
