"""When an officer's looks are asked about: the numbers of the rules, each with the bounds nobody may leave.

- The rules themselves are public (docs/looks.md) and stand in ``fishing.py``; here is what a commune's inspectors may change, two together.
- A look at oneself, a relative or a neighbour is always asked about: there is no number to it.
- Bounds keep a rule from being switched off by a number, and from asking about every day's work.

>>> changed(LookRules(), {"address_people": 8}).address_people
8
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from residence.errors import Refused


class LookRules(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers. Counts of people, days, hours of a step, hours of Vietnam's day, hundredths."""

    window_days: int = 7  # how long a time is looked at together
    step_within_hours: int = 72  # a look is followed by a step on its case within so many hours, or by none
    address_people: int = 6  # people at one address looked at without a step
    idle_looks: int = 8  # looks without a step
    idle_percent: int = 40  # and that share of all looks of the time
    off_from: int = 22  # local hour at which the night begins
    off_until: int = 5  # and at which it ends
    off_looks: int = 4  # looks at night without a step before the morning
    answer_days: int = 7  # how long the officer has to explain before an inspector may settle it without


# name -> (least, most)
BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "window_days": (3, 14),
    "step_within_hours": (24, 168),
    "address_people": (3, 20),
    "idle_looks": (4, 40),
    "idle_percent": (20, 90),
    "off_from": (19, 23),
    "off_until": (3, 7),
    "off_looks": (2, 12),
    "answer_days": (3, 30),
}


def changed(rules: LookRules, values: Mapping[str, int]) -> LookRules:
    """Return the rules with other numbers, or raise ``Refused("looks.setting")`` with a pointer to the first that will not do."""
    for name, value in values.items():
        if name not in BOUNDS or not BOUNDS[name][0] <= value <= BOUNDS[name][1]:
            raise Refused("looks.setting", f"/{name}")
    return msgspec.structs.replace(rules, **values)
