"""How old keys of sealed fields may grow before the night's work renews them, and how long a former one still opens backups.

- 0 is never, and the default of all three: a destroyed key is for good, and how long backups are kept is the operator's to know.
- A period's key ends with its year in any case; these days count within it.

>>> KeyTimes(period_days=90).due(90, KeyTimes(period_days=90).period_days)
True
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Days = Annotated[int, msgspec.Meta(ge=0, le=3660)]


class KeyTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days; 0: never."""

    period_days: Days = 0  # a commune gets a further period key so long after the last one
    index_days: Days = 0  # the key of indexes is renewed so long after it came into force
    destroy_after_days: Days = 0  # a former period key is destroyed so long after it went out of force

    @staticmethod
    def due(age: int, after: int) -> bool:
        """Tell whether something ``age`` days old is due ``after`` so many."""
        return 0 < after <= age
