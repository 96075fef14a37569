"""Declarations that reached the registry after their deadline, and whose delay that was.

- The deadline is met when the registry received the declaration before it (the text says *before*).
- A kiosk with a synchronised clock that kept it in time and delivered it later: ``kept_in_time``. The declarant did their duty; the
  delay is the network's, and no notice goes out.
- A kiosk whose clock was not synchronised proves nothing, either way: ``late_by_unsure_clock``, for a human.

Example: kept on 10 July at 22:00 by a synchronised kiosk, received on 11 July at 06:00: kept in time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from residence.clock import TimeState
from residence.stays.deadlines import Deadline

Punctuality = Literal["on_time", "kept_in_time", "late", "late_by_unsure_clock"]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """When a kiosk kept a declaration, by its own clock, and what that clock was worth."""

    at: datetime
    time_state: TimeState


def punctuality(limit: Deadline, *, received_at: datetime, kept: Kept | None = None) -> Punctuality:
    """Judge one declaration against its deadline."""
    if not limit.is_late(received_at):
        return "on_time"
    if kept is None:
        return "late"
    if kept.time_state != "synced":
        return "late_by_unsure_clock"
    return "late" if limit.is_late(kept.at) else "kept_in_time"
