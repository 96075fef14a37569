"""The ways a picture is looked at, one after the other, and which lines need not be looked at twice.

- As it is, in several sizes. Then stretched one way: a tilt brings lines so near to each other that they run into one. Then calmed, with
  every row equally light: noise, a screen's grid and its bands hide lines and signs.
- Lines that held no signs are not asked again where another size finds them in the same place.
- Pure.

Example: ``for look in looks_of(grey): find_bands(look.picture, size=look.size)``
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import cv2
import msgspec
import numpy as np

from edge_agent.mrz_reading.bands import Grey, sizes_of
from edge_agent.mrz_reading.zones import Zone

_CALM, _CALMER = 1.3, 2.5  # pixels
_STRETCHED: Final = ((1.0, 1.6), (1.6, 1.0))  # across, down
_FEW_SIZES: Final = 4  # of a stretched picture
_BANDS: Final = 60.0  # rows over which the light is taken to be even
_SAME: Final = 0.006  # of a line's length: ends so near each other are the same; a quarter of a sign


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One picture to find lines in, made ``size`` times as large for that; it is ``stretch`` times the original across and down."""

    picture: Any
    calmer: Any = None  # where the lines are sought, if not in the picture
    size: float
    stretch: tuple[float, float] = (1.0, 1.0)
    calmed: bool = False

    @property
    def seek(self) -> Any:
        """Return the picture in which lines are sought."""
        return self.picture if self.calmer is None else self.calmer


def looks_of(grey: Grey) -> Iterator[Look]:
    """Return the looks at a picture (uint8, height by width), the likeliest to find a zone first."""
    sizes = sizes_of(grey.shape)
    yield from (Look(picture=grey, size=size) for size in sizes)
    for wide, tall in _STRETCHED:
        stretched: Any = cv2.resize(grey, None, fx=wide, fy=tall, interpolation=cv2.INTER_LINEAR)
        yield from (Look(picture=stretched, size=size, stretch=(wide, tall)) for size in sizes[:_FEW_SIZES])
    even = _evenly_lit(grey)
    calm: Any = cv2.GaussianBlur(even, (0, 0), _CALM)
    yield from (Look(picture=calm, size=size, calmed=True) for size in sizes)
    calmer: Any = cv2.GaussianBlur(even, (0, 0), _CALMER)
    yield from (Look(picture=calm, calmer=calmer, size=size, calmed=True) for size in sizes[:_FEW_SIZES])


def _evenly_lit(grey: Grey) -> Grey:
    """Return the picture with every row equally light: a dimmed screen and mains light leave bands along the rows."""
    calm: Any = cv2.GaussianBlur(grey, (0, 0), _CALM)
    rows = np.median(calm, 1).astype(np.float32)[:, None] + 4
    even: Any = cv2.GaussianBlur(rows, (0, 0), sigmaX=1e-3, sigmaY=_BANDS)
    return np.asarray(np.clip(grey * (even / rows), 0, 255), np.uint8)


class Empty:
    """The lines that held no signs."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool], list[Any]] = {}

    def add(self, zone: Zone, look: Look) -> None:
        """Keep in mind that ``zone`` holds no signs."""
        self._known.setdefault((len(zone.bands), look.calmed), []).append(_ends(zone, look))

    def holds(self, zone: Zone, look: Look) -> bool:
        """Tell whether lines with the same ends were empty."""
        known, ends = self._known.get((len(zone.bands), look.calmed)), _ends(zone, look)
        if not known:
            return False
        near = _SAME * float(np.linalg.norm(ends[0] - ends[1]))
        return bool((np.abs(np.array(known) - ends).max((1, 2)) < near).any())


def _ends(zone: Zone, look: Look) -> Any:
    """Return the ends of the lines in the original picture."""
    return np.array([end for band in zone.bands for end in (band.start, band.end)]) / look.stretch
