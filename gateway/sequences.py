"""Which numbers of which kiosk are missing: noted for the operator, never a reason to refuse.

- One window per (kiosk, epoch), in memory and bounded; the registry's unique keys decide what is a replay.
- A window that begins in the middle of an epoch begins there: what came before this process is asked of the registry, which knows what every
  gateway committed (``registry/kiosk_counts.py``, ADR 154). It is asked when a count is first heard, has a gap, or one is filled: a count
  without gaps costs nothing.
- A gap usually fills: the kiosk sends again what it holds. One that stays means that a kiosk lost its store or hides something.

Example: ``watch.note(Counted("demo-01", "kiosk-1", epoch), 5) == "gap"``
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from itertools import islice
from typing import Final

import structlog

from registry.database import Registry
from registry.kiosk_counts import Counted, look_through
from residence.wire.envelope import Header
from residence.wire.replay import SequenceWindow, Verdict, observe

MAX_WINDOWS: Final = 50_000
AT_ONCE: Final = 5  # counts looked through in one turn
log = structlog.get_logger("luutru.gateway")


class SequenceWatch:
    """The windows of all kiosks this process heard of, the longest silent forgotten first."""

    def __init__(self, limit: int = MAX_WINDOWS) -> None:
        self._limit = limit
        self._windows: OrderedDict[Counted, SequenceWindow] = OrderedDict()
        self._doubted: OrderedDict[Counted, None] = OrderedDict()

    def arrived(self, header: Header, commune_code: str) -> bool:
        """Note a genuine header's number, recorded or set aside; tells whether something before it is missing now."""
        counted = Counted(commune_code, header.kiosk_id, header.epoch)
        if self.note(counted, header.sequence) != "gap":
            return False
        log.warning(
            "sequence gap", kiosk_id=header.kiosk_id, epoch=header.epoch, at=header.sequence, missing=self.missing(counted)
        )
        return True

    def note(self, counted: Counted, sequence: int) -> Verdict:
        """Take one number into account and say what it meant."""
        window = self._windows.get(counted)
        observation = observe(window or SequenceWindow(sequence - 1), sequence)
        if window is None or observation.verdict in {"gap", "filled"}:
            self._doubted[counted] = None
        self._windows[counted] = observation.window
        self._windows.move_to_end(counted)
        if len(self._windows) > self._limit:
            self._windows.popitem(last=False)
        return observation.verdict

    def missing(self, counted: Counted) -> int:
        """Return how many numbers of this epoch are missing now, as far as this process knows."""
        window = self._windows.get(counted, SequenceWindow())
        return sum(last - first + 1 for first, last in window.missing)

    def look_through(self, registry: Registry, now: datetime) -> None:
        """Bring the counts in doubt up to date in the registry; what could not be stays in doubt."""
        counts = list(islice(self._doubted, AT_ONCE))
        if not counts:
            return
        with registry.writing() as connection:
            more = [each for each in sorted(counts) if look_through(connection, each, now=now)]
        for each in counts:
            del self._doubted[each]
        self._doubted.update(dict.fromkeys(more))
