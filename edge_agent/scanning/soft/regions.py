"""Where in a frame a code could be, without looking for finders: the places with the densest texture, as quadrilaterals.

- A code is half black and half white everywhere in its square, and a quiet zone parts it from print. Local contrast above the
  frame's own noise, taken relative to local brightness so that shadow and dark frames count the same, is therefore highest
  and even inside it.
- Texture is measured on a frame of at most ``WIDE`` pixels and outlined on a map of half that: about a millisecond. The densest spots come first, ``most`` of them.
- Each spot gets up to three outlines, none in a known rotation: the four-sided hull, the same without thin bridges to print
  beside it, and the smallest rectangle, which keeps its corner where a lamp has eaten one.
- This finds codes whose finders lie under a thumb or a lamp, and codes tilted too far for a finder's 1:1:3:1:1.

Example: ``next(regions(grey)).outlines[0]`` is an array (4, 2) of corners in pixels, clockwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.grid import NEXT

WIDE: Final = 640
_STEADY: Final = 20.0  # grey levels added to brightness: noise in black is no texture
_SPOT: Final = 11  # of the map: the smallest code worth looking at
_SHARE: Final = 0.5  # of a spot's density: where its outline is drawn
_LEAST: Final = 0.03
_OPENINGS: Final = (3, 7)  # of the map: how wide a bridge to the print beside the code may be
_SMALLEST_FRAME: Final = 44  # pixels: a code that has a quiet zone needs more
_SMALLEST: Final = 11.0  # of the map: a side
_MOST_UNEVEN: Final = 6.0
_SAME: Final = 0.06  # of the extent: outlines this close are one
_TURNS: Final = np.array([[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1], [3, 0, 1, 2]])


class Region(NamedTuple):
    """One dense place and its outlines (4, 2), likeliest first."""

    outlines: tuple[NDArray[np.float64], ...]


def regions(grey: NDArray[np.uint8], *, most: int = 2) -> Iterator[Region]:
    """Yield up to ``most`` dense places, densest first; each is outlined only when it is asked for."""
    if min(grey.shape) < _SMALLEST_FRAME:
        return
    factor = min(1.0, WIDE / max(grey.shape))
    small: Any = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else grey
    if min(small.shape) < _SMALLEST_FRAME / 2:
        return
    density = _density(small)
    spots = cv2.blur(density, (_SPOT, _SPOT))
    found = 0
    for _ in range(most + 1):
        _, peak, _, place = cv2.minMaxLoc(spots)
        if peak < _LEAST or found == most:
            return
        outlines = _outlines(density, spots, peak, (place[0], place[1]))
        if outlines:
            found += 1
            yield Region(tuple((each + 0.5) * 2 / factor - 0.5 for each in outlines))


def _density(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    edges = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    half = (small.shape[1] // 2, small.shape[0] // 2)
    near: Any = cv2.blur(cv2.resize(edges, half, interpolation=cv2.INTER_AREA).astype(np.float32), (5, 5))
    bright: Any = cv2.blur(cv2.resize(small, half, interpolation=cv2.INTER_AREA).astype(np.float32), (15, 15))
    noise = float(np.median(near[::4, ::4]))
    return np.asarray(np.maximum(near - noise, 0) / (bright + _STEADY), np.float32)


def _outlines(density: NDArray[np.float32], spots: Any, peak: float, place: tuple[int, int]) -> list[NDArray[np.float64]]:
    """Return the outlines round the spot and take the spot off ``spots``."""
    dense = (density > _SHARE * peak).astype(np.uint8)
    half = _SPOT // 2
    spots[max(place[1] - half, 0) : place[1] + half + 1, max(place[0] - half, 0) : place[0] + half + 1] = 0
    found: list[NDArray[np.float64]] = []
    for opening in _OPENINGS:
        component = _component(cv2.morphologyEx(dense, cv2.MORPH_OPEN, np.ones((opening, opening), np.uint8)), place)
        if component is None:
            break
        spots[cv2.dilate(component, np.ones((5, 5), np.uint8)) > 0] = 0
        contours, _ = cv2.findContours(component, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        hull = cv2.convexHull(contours[0])
        for corners in (_four_sided(hull), _clockwise(cv2.boxPoints(cv2.minAreaRect(hull)))):
            if corners is not None and _is_likely(corners) and not any(_are_same(corners, each) for each in found):
                found.append(corners)
    return found[:3]


def _component(dense: Any, place: tuple[int, int]) -> NDArray[np.uint8] | None:
    """Return the connected part at the place, as a mask."""
    if not dense[place[1], place[0]]:
        return None
    mask = np.zeros((dense.shape[0] + 2, dense.shape[1] + 2), np.uint8)
    cv2.floodFill(dense, mask, (int(place[0]), int(place[1])), 1, flags=4 | cv2.FLOODFILL_MASK_ONLY | 1 << 8)
    return mask[1:-1, 1:-1].copy()


def _four_sided(hull: Any) -> NDArray[np.float64] | None:
    """Return the quadrilateral round a convex outline, or None when it has no area."""
    if len(hull) < 4 or cv2.contourArea(hull) < _SMALLEST**2:  # noqa: PLR2004 -- four corners
        return None
    try:
        corners = cv2.approxPolyN(hull.astype(np.float32), 4, ensure_convex=True).reshape(-1, 2)
    except cv2.error:
        return None
    return _clockwise(corners) if len(corners) == 4 else None  # noqa: PLR2004


def _clockwise(corners: Any) -> NDArray[np.float64]:
    across, down = corners[2] - corners[0], corners[3] - corners[1]
    area = across[0] * down[1] - across[1] * down[0]
    return np.asarray(corners[:: 1 if area > 0 else -1], np.float64)


def _is_likely(corners: NDArray[np.float64]) -> bool:
    ahead = corners[NEXT] - corners
    lengths = np.hypot(ahead[:, 0], ahead[:, 1])
    return float(lengths.min()) >= _SMALLEST / 2 and float(lengths.max() / lengths.min()) <= _MOST_UNEVEN


def _are_same(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    extent = float((first.max(axis=0) - first.min(axis=0)).max())
    return float(np.abs(first[_TURNS] - second).max(axis=(1, 2)).min()) < _SAME * extent
