"""What the output is told: to be driven for a lease, or to rest. The one place that knows which of the two unlocks.

- A relay is never switched on for good. It is on for a lease of a few seconds, renewed while the reason stands; who renews nothing, because
  he crashed, hangs or was killed, has let go of the relay when the lease is over (``holder.py`` sees to that).
- Fail-secure lock: driven is unlocked. Its lease never outlasts the grant, so a crash shortens an opening and never lengthens one.
- Fail-safe lock: driven is locked. A crash of the kiosk opens it a lease later; that is what fail-safe means, and why people get out.

>>> lease_for(DoorState(), lock="fail-safe", now_ns=0).milliseconds
3000
"""

from __future__ import annotations

from typing import Final

import msgspec

from edge_agent.door.machine import DoorState, released
from firmware_config.doors import Lock

LEASE_MS: Final = 3_000
RENEW_NS: Final = 1_000_000_000
_MILLISECOND: Final = 1_000_000


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """How long the output is to be driven from now; 0: let go at once."""

    milliseconds: int

    @property
    def driven(self) -> bool:
        """Tell whether the relay is to be on."""
        return self.milliseconds > 0


def lease_for(state: DoorState, *, lock: Lock, now_ns: int) -> Lease:
    """Return what the output has to do now."""
    unlocked = released(state, now_ns=now_ns)
    if lock == "fail-safe":
        return Lease(milliseconds=0 if unlocked else LEASE_MS)
    if not unlocked:
        return Lease(milliseconds=0)
    running = state.unlock_until_ns - now_ns
    stands = running <= 0 or released(state, now_ns=state.unlock_until_ns)  # free or fire: a reason without an end
    return Lease(milliseconds=LEASE_MS if stands else max(1, min(LEASE_MS, running // _MILLISECOND)))


def unlocks(*, driven: bool, lock: Lock) -> bool:
    """Tell whether the door is unlocked when its relay is so."""
    return driven == (lock == "fail-secure")
