"""Which numbers of which kiosk are missing: noted for the operator, never a reason to refuse.

- One window per (kiosk, epoch), in memory and bounded; the registry's unique keys decide what is a replay.
- A window that begins in the middle of an epoch begins there: what came before this process is not called missing.
- A gap usually fills: the kiosk sends again what it holds. One that stays means that a kiosk lost its store or hides something.

Example: ``watch.note("kiosk-1", epoch, 5) == "gap"``
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from residence.wire.replay import SequenceWindow, Verdict, observe

MAX_WINDOWS: Final = 50_000


class SequenceWatch:
    """The windows of all kiosks this process heard of, the longest silent forgotten first."""

    def __init__(self, limit: int = MAX_WINDOWS) -> None:
        self._limit = limit
        self._windows: OrderedDict[tuple[str, str], SequenceWindow] = OrderedDict()

    def note(self, kiosk_id: str, epoch: str, sequence: int) -> Verdict:
        """Take one number into account and say what it meant."""
        key = (kiosk_id, epoch)
        window = self._windows.get(key) or SequenceWindow(sequence - 1)
        observation = observe(window, sequence)
        self._windows[key] = observation.window
        self._windows.move_to_end(key)
        if len(self._windows) > self._limit:
            self._windows.popitem(last=False)
        return observation.verdict

    def missing(self, kiosk_id: str, epoch: str) -> int:
        """Return how many numbers of this epoch are missing now."""
        window = self._windows.get((kiosk_id, epoch), SequenceWindow())
        return sum(last - first + 1 for first, last in window.missing)
