"""What to ask of the person who holds a card that is not read: from a second of glances at most one hint, and a calm one.

- A glance is what was seen in one frame: the code's sighting, or none. Each votes for the first thing to mend (``diagnosis.py``).
- A hint comes when most glances of the last second agree, over at least ``LEAST_NS``: a card on its way in gives none. It stays
  for ``HOLD_NS`` at least, changes only when another has the majority, and goes when nothing supports it any more.
- A blurred code that moved since the last glance should be held still; one that did not is at the wrong distance for the lens.
- Where no code is seen there is no hint, so an empty lobby has none. One exception: something moves in a frame too dark to see in.
- A read code ends every hint at once. Nothing but these votes is remembered, and they go with ``forget``.

Example: ``hints.see(locate(grey), dark=is_dark(grey), now_ns=frame.taken_ns)``
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from edge_agent.scanning.diagnosis import DARK, why_unread
from edge_agent.scanning.hint_codes import HintCode
from edge_agent.scanning.sighting import Grey, Sighting

WINDOW_NS: Final = 1_000_000_000
LEAST_NS: Final = 400_000_000
HOLD_NS: Final = 1_500_000_000
_MAJORITY: Final = 0.6
_STILL_SUPPORTED: Final = 0.25
_STEADY: Final = 3.0  # modules between two glances
_RECENT_NS: Final = 600_000_000
_ASKED: Final[dict[str, HintCode]] = {
    "scan.cut_off": "whole",
    "scan.glare": "glare",
    "scan.too_dark": "light",
    "scan.too_tilted": "flat",
    "scan.too_small": "closer",
    "scan.too_pale": "light",
    "scan.damaged_code": "cover",
}


class _Vote(NamedTuple):
    at_ns: int
    hint: HintCode | None


class _Place(NamedTuple):
    at_ns: int
    x: float
    y: float


class Hints:
    """The glances of one reader and the hint they add up to."""

    def __init__(self) -> None:
        self.current: HintCode | None = None
        self._since_ns = 0
        self._votes: deque[_Vote] = deque()
        self._last: _Place | None = None

    def see(self, sightings: Sequence[Sighting], *, dark: bool, now_ns: int) -> HintCode | None:
        """Add one glance and return the hint that stands now. ``dark``: something moves, and the frame is too dark to see it."""
        self._votes.append(_Vote(now_ns, self._vote(sightings, dark=dark, now_ns=now_ns)))
        while now_ns - self._votes[0].at_ns > WINDOW_NS:
            self._votes.popleft()
        self._decide(now_ns)
        return self.current

    def forget(self) -> None:
        """End the hint: a code was read, or nobody asks for a card any more."""
        self.current, self._last = None, None
        self._votes.clear()

    def _vote(self, sightings: Sequence[Sighting], *, dark: bool, now_ns: int) -> HintCode | None:
        if not sightings:
            return "light" if dark else None
        largest = max(sightings, key=lambda each: each.module_px)
        before, self._last = self._last, _Place(now_ns, *_centre(largest))
        if largest.read:
            return None
        code = why_unread(largest).code
        return _ASKED.get(code) or ("still" if _moved(before, self._last, largest.module_px) else "focus")

    def _decide(self, now_ns: int) -> None:
        counts = Counter(vote.hint for vote in self._votes)
        strong = next((hint for hint, _ in counts.most_common() if hint and self._is_strong(hint, counts)), None)
        supported = counts[self.current] >= _STILL_SUPPORTED * len(self._votes)
        if self.current is not None and (now_ns - self._since_ns < HOLD_NS or (supported and strong is None)):
            return
        if strong != self.current:
            self.current, self._since_ns = strong, now_ns

    def _is_strong(self, hint: HintCode, counts: Counter[HintCode | None]) -> bool:
        times = [vote.at_ns for vote in self._votes if vote.hint == hint]
        return counts[hint] >= _MAJORITY * len(self._votes) and times[-1] - times[0] >= LEAST_NS


def is_dark(grey: Grey) -> bool:
    """Tell whether even the brightest parts of a frame are too dark to see a card in."""
    return float(np.percentile(grey[::8, ::8], 99)) < DARK * 255


def _centre(sighting: Sighting) -> tuple[float, float]:
    return (
        sum(x for x, _ in sighting.corners) / len(sighting.corners),
        sum(y for _, y in sighting.corners) / len(sighting.corners),
    )


def _moved(before: _Place | None, now: _Place, module_px: float) -> bool:
    """Tell whether the code moved since the last glance; without one, it is on its way in."""
    if before is None or now.at_ns - before.at_ns > _RECENT_NS:
        return True
    return math.hypot(now.x - before.x, now.y - before.y) > _STEADY * module_px
