"""Whether a kiosk needs a hand, and why: the worst thing first.

- Lost: offline by its own will, or no sign of life for ``silent_after``, or never seen.
- Impaired: its list of trusted issuers of chips has ended or was refused, it claimed more of chips than its bytes showed, declarations wait while it says it is online, a clock that is not synchronised, a reader that is not well.

Example: a kiosk seen an hour ago with three unsent declarations is ``lost`` with reason ``silent``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from registry.kiosks import KioskOnList
from residence.wire.state import CHIP_TRUST

Reason = Literal["retired", "never_seen", "offline", "silent", "claims", "outbox", "clock", "reader", "trust"]
OUTBOX_PATIENCE: Final = timedelta(minutes=5)


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state (ok, degraded, lost) and every reason for it."""

    state: Literal["ok", "degraded", "lost"]
    reasons: tuple[Reason, ...] = ()


def health_of(kiosk: KioskOnList, *, now: datetime, silent_after: timedelta, doubts: int = 0) -> Health:
    """Judge one kiosk."""
    gone = _gone(kiosk, now=now, silent_after=silent_after)
    reasons: list[Reason] = ["claims"] if doubts else []
    if gone:
        return Health(state="lost", reasons=(gone, *reasons))
    if kiosk.oldest_unsent_at is not None and now - kiosk.oldest_unsent_at > OUTBOX_PATIENCE:
        reasons.append("outbox")
    if kiosk.time_state in {"unset", "jumped"}:
        reasons.append("clock")
    readers = dict(kiosk.readers or {})
    if not readers.pop(CHIP_TRUST, "ok").startswith("ok"):
        reasons.append("trust")
    if any(not state.startswith("ok") for state in readers.values()):
        reasons.append("reader")
    return Health(state="degraded" if reasons else "ok", reasons=tuple(reasons))


def _gone(kiosk: KioskOnList, *, now: datetime, silent_after: timedelta) -> Reason | None:
    if kiosk.retired_at is not None:
        return "retired"
    if kiosk.seen_at is None:
        return "never_seen"
    if not kiosk.online:
        return "offline"
    return "silent" if now - kiosk.seen_at > silent_after else None
