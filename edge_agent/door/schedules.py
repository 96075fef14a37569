"""Whether a schedule is on at a moment, in Vietnam's time. Pure.

- A day on the list of holidays is a ``holiday`` and nothing else. Intervals of one name add up; the end is outside.

Example: ``is_on("office", schedules=profile.schedules, holidays=profile.holidays, now=clock.now())``
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from firmware_config.doors import Day, ScheduleSection
from residence.clock import VIETNAM

WEEK: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_on(name: str, *, schedules: Sequence[ScheduleSection], holidays: Collection[str], now: datetime) -> bool:
    """Tell whether any interval of this name holds ``now``."""
    here = now.astimezone(VIETNAM)
    day: Day = "holiday" if here.date().isoformat() in holidays else WEEK[here.weekday()]
    time = here.strftime("%H:%M")
    return any(each.name == name and day in each.days and each.begin <= time < each.end for each in schedules)
