"""Times in which declarations could not reach us, and how long nothing is made of somebody whose deadline fell into one.

- A kiosk that was cut off (its premises), a gateway that took nothing in (the premises of its topic shards): never the declarant's fault.
- Whoever had any of their time to declare inside an outage gets time again, and so does what lay in outboxes: nothing follows before the
  outage's end and a grace, and what was seen until then is evidence of nothing.
- An outage that reaches into the grace of the one before lengthens it.
- How long an outage that still lasts holds things off is said in ``residence/cases/undeclared.py``.

Example: due at 23:00, the gateway away from 22:40 to 02:00, 36 hours of grace: nothing before 14:00 of the second day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

OutageCause = Literal["kiosk_offline", "gateway_down"]
SHORTEST: Final = timedelta(minutes=5)  # what is over sooner hindered nobody, and every new start of a process would be one


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """One time in which nothing came through. Both ends aware; ours by our clock."""

    cause: OutageCause
    began_at: datetime
    ended_at: datetime


def excused_until(
    first_seen: datetime, due: datetime, outages: Iterable[Outage], *, grace: timedelta
) -> tuple[datetime, Outage] | None:
    """Return until when nothing may follow, with the outage that says so; None when none fell into the time to declare."""
    excused: tuple[datetime, Outage] | None = None
    until = due
    for outage in sorted(outages, key=lambda each: (each.began_at, each.ended_at)):
        if outage.began_at < until and outage.ended_at > first_seen and outage.ended_at + grace > until:
            until = outage.ended_at + grace
            excused = until, outage
    return excused
