"""Whether a kiosk needs a hand, and why: the worst thing first.

- Lost: offline by its own will, or no sign of life for ``silent_after``, or never seen.
- Impaired: its list of trusted issuers of chips has ended or was refused, it claimed more of chips than its bytes showed, declarations wait while
  it says it is online, a clock that is not synchronised, a disk that is not well, a door that is forced, held open or tampered with, or that
  somebody was made to open, a reader that is not well, settings, words or a door list that were sent and taken back, refused, or not whole.
- Deaf, which is an alarm: online, and it hears no card. No reader answers, or ``DEAF_AFTER`` visits in a row asked for a card in vain; *quiet*
  is the same suspicion from outside: nobody declared with a card in hours in which people always do.

Example: a kiosk seen an hour ago with three unsent declarations is ``lost`` with reason ``silent``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from registry.kiosk_signs import KioskSigns
from registry.kiosks import KioskOnList
from residence.doors.words import DoorAlarm
from residence.wire.state import CHIP_TRUST, CONFIGURATION, DOOR_LINE, DOOR_LIST, WORDS

Reason = Literal[
    "retired",
    "never_seen",
    "offline",
    "silent",
    "deaf",
    "quiet",
    "claims",
    "disk",
    "door",
    "outbox",
    "clock",
    "reader",
    "trust",
    "configuration",
    "words",
    "door_list",
]
# What is told among the readers and reads no card -> what it is called as a reason, in the order in which it is told.
_PAPERS: Final[dict[str, Reason]] = {CHIP_TRUST: "trust", CONFIGURATION: "configuration", WORDS: "words", DOOR_LIST: "door_list"}
DEAF_AFTER: Final = 5
OUTBOX_PATIENCE: Final = timedelta(minutes=5)
_WRONG_AT_DOORS: Final = {
    DoorAlarm.DURESS,
    DoorAlarm.TAMPER,
    DoorAlarm.FORCED_OPEN,
    DoorAlarm.OPEN_TOO_LONG,
    DoorAlarm.EGRESS_OPEN,
    DoorAlarm.FAULT,
}


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state (ok, degraded, lost) and every reason for it."""

    state: Literal["ok", "degraded", "lost"]
    reasons: tuple[Reason, ...] = ()

    @property
    def deaf(self) -> bool:
        """Tell whether it seems to hear no card."""
        return "deaf" in self.reasons or "quiet" in self.reasons


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a kiosk besides its row."""

    doubts: int = 0  # claims about chips that were not shown
    signs: KioskSigns = KioskSigns()
    quiet: bool = False


def health_of(kiosk: KioskOnList, *, now: datetime, silent_after: timedelta, about: About | None = None) -> Health:
    """Judge one kiosk."""
    about = about or About()
    gone = _gone(kiosk, now=now, silent_after=silent_after)
    reasons: list[Reason] = ["claims"] if about.doubts else []
    if gone:
        return Health(state="lost", reasons=(gone, *reasons))
    readers = dict(kiosk.readers or {})
    papers = {reason: readers.pop(name, "ok") for name, reason in _PAPERS.items()}
    reasons = [*_parts(about, readers), *reasons]
    if kiosk.oldest_unsent_at is not None and now - kiosk.oldest_unsent_at > OUTBOX_PATIENCE:
        reasons.append("outbox")
    if kiosk.time_state in {"unset", "jumped"}:
        reasons.append("clock")
    reasons += [reason for reason, state in papers.items() if not state.startswith("ok")]
    if any(not state.startswith("ok") for state in readers.values()):
        reasons.append("reader")
    return Health(state="degraded" if reasons else "ok", reasons=tuple(reasons))


def _parts(about: About, readers: dict[str, str]) -> Iterator[Reason]:
    signs = about.signs
    ears = [state for name, state in readers.items() if not name.startswith(DOOR_LINE)]
    if signs.unread >= DEAF_AFTER or (ears and all(state.startswith("lost") for state in ears)):
        yield "deaf"
    if about.quiet:
        yield "quiet"
    if signs.disk not in {"", "ok"}:
        yield "disk"
    if any(state.split(":")[0] in _WRONG_AT_DOORS for state in signs.doors.values()):
        yield "door"


def _gone(kiosk: KioskOnList, *, now: datetime, silent_after: timedelta) -> Reason | None:
    if kiosk.retired_at is not None:
        return "retired"
    if kiosk.seen_at is None:
        return "never_seen"
    if not kiosk.online:
        return "offline"
    return "silent" if now - kiosk.seen_at > silent_after else None
