"""When a frame is worth the slow decoder stages: while something moves before the camera, and now and then otherwise.

- An empty lobby is looked at all day; the slow stages on every frame would keep a small machine's core busy for nothing.
- A change of more than ``CHANGE`` grey levels in any block of a 64 x 36 thumbnail wakes the reader for ``AWAKE_NS``; noise
  averages out in a block, a card or a hand does not.
- Without change one frame in ``TRY_EVERY_NS`` still gets everything, for a card laid down and left there.
- The thumbnail of the last change is the only picture kept, in memory.

>>> attention = Attention()
>>> lobby = np.full((720, 1280), 90, np.uint8)
>>> [attention.is_awake(lobby, now_ns=now * 1_000_000) for now in (0, 900, 1_100, 1_500, 1_600)]
[True, True, False, True, False]
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

CHANGE: Final = 12  # grey levels
AWAKE_NS: Final = 1_000_000_000
TRY_EVERY_NS: Final = 500_000_000
_THUMBNAIL: Final = (64, 36)


class Attention:
    """Remembers what the scene looked like when it last changed."""

    def __init__(self) -> None:
        self._scene: NDArray[np.int16] | None = None
        self._changed_ns = 0
        self._tried_ns = 0

    def is_stirring(self, now_ns: int) -> bool:
        """Tell whether something moved a moment ago."""
        return now_ns - self._changed_ns <= AWAKE_NS

    def is_awake(self, glimpse: NDArray[np.uint8], *, now_ns: int) -> bool:
        """Tell whether this frame (uint8, height by width, at any scale) deserves the slow stages."""
        small = cv2.resize(glimpse, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.int16)
        if self._scene is None or int(np.abs(small - self._scene).max()) > CHANGE:
            self._scene = small
            self._changed_ns = now_ns
        awake = self.is_stirring(now_ns) or now_ns - self._tried_ns >= TRY_EVERY_NS
        if awake:
            self._tried_ns = now_ns
        return awake
