"""What a kiosk knows of the time when it seals a declaration, and what the gateway may conclude from it.

- ``unset``: the wall clock is before the floor (build time, last sealed declaration): it cannot be right.
- ``rtc_only``: plausible, but no time server has confirmed it since boot. ``synced``: confirmed.
- ``jumped``: unconfirmed, and within one boot wall and monotonic clock moved apart by more than two minutes since the last
  declaration. A jump to a confirmed time is a correction, hence ``synced``.
- Kiosk time is advisory. When the same boot is later seen synced, earlier declarations of that boot are dated by the monotonic
  clock (``corrected``): the offset is constant while the machine is up.
- A ``synced`` time that cannot be true is refused with ``CLOCK_IMPOSSIBLE`` in the receipt; a kiosk that hears it calls its clock synced
  no more (``edge_agent/clock_doubt.py``), and what it declares from then on is taken.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from residence.clock import TimeState, parse_instant

JUMP: Final = timedelta(minutes=2)
CLOCK_IMPOSSIBLE: Final = "intake.clock_impossible"


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """The clocks of one kiosk at one moment. ``boot_id`` is a UUID that is new at every start of the machine."""

    boot_id: str
    monotonic_ns: int
    wall: str  # RFC 3339
    time_state: TimeState


def judge_time_state(
    wall: datetime, monotonic_ns: int, *, boot_id: str, floor: datetime, synced: bool, previous: Times | None
) -> TimeState:
    """Say how far ``wall`` can be believed, given the last times that were sealed."""
    if wall < floor:
        return "unset"
    if synced:
        return "synced"
    if previous is not None and previous.boot_id == boot_id and previous.time_state != "unset":
        passed = timedelta(microseconds=(monotonic_ns - previous.monotonic_ns) / 1000)
        if abs(wall - parse_instant(previous.wall) - passed) > JUMP:
            return "jumped"
    return "rtc_only"


def corrected(times: Times, reference: Times) -> datetime | None:
    """Date ``times`` by a ``reference`` of the same boot that was synced, or return None when that is impossible."""
    if times.boot_id != reference.boot_id or reference.time_state != "synced":
        return None
    return parse_instant(reference.wall) + timedelta(microseconds=(times.monotonic_ns - reference.monotonic_ns) / 1000)
