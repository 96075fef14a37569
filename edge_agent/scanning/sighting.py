"""How a code that was found stands in the picture: size, tilt, light and sharpness, whether it could be read or not.

- Measured from a grey picture and four corners; nothing of what the code says is looked at, and no picture is kept.
- ``module_px`` is the side of a module along the code's shorter direction: tilt makes a code as small as its narrow side.
- ``tilt_degrees`` comes from how much narrower the code is one way than the other, so no lens needs to be known.
- ``saturated`` is the share of the code that a reflection has washed out: patches of four modules brighter than the
  paper, without a dark spot. White paper is not washed out: every patch of a code has dark modules.
- ``sharpness`` is how much of the code's contrast is left from one module to the next: about 1 in a good picture, 0 in fog.
- ``contrast`` is light minus dark inside the code, 0 to 1 of the full range; ``light`` is the paper's level, 0 to 1.
- Without a known version a card's usual 45 modules are assumed; sizes are then right within a fifth.

Example: ``sight(grey, code.corners, version=8).module_px``
"""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.codes import Corners
from edge_agent.scanning.optics import modules_of

Grey = NDArray[np.uint8]
USUAL_VERSION: Final = 7
_STEP: Final = 4  # pixels a module in the straightened picture
_PATCH: Final = 4  # modules
_SATURATED: Final = 0.96  # of the full range
_LEAST_SIDE: Final = 8.0  # pixels; anything smaller is no code


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One code as it stands in one picture."""

    corners: Corners
    version: int | None  # None: not known
    module_px: float
    tilt_degrees: float
    saturated: float
    contrast: float
    light: float
    sharpness: float
    whole: bool  # all of it is in the picture
    read: bool = False


def sight(grey: Grey, corners: Corners, *, version: int | None = None, read: bool = False) -> Sighting | None:
    """Measure the code that stands at ``corners``, or return None when they bound no code."""
    points = np.array(corners, np.float64)
    sides = np.hypot(*(np.roll(points, -1, 0) - points).T)
    area = cv2.contourArea(points.astype(np.float32))
    if sides.min() < _LEAST_SIDE or area < _LEAST_SIDE**2 or not cv2.isContourConvex(points.astype(np.float32)):
        return None
    modules = modules_of(version or USUAL_VERSION)
    long, short = _stretch(points)
    flat = straightened(grey, corners, modules=modules).astype(np.float32) / 255
    dark, paper = (float(value) for value in np.percentile(flat, (10, 90)))
    return Sighting(
        corners=corners,
        version=version,
        module_px=short / modules,
        tilt_degrees=math.degrees(math.acos(min(1.0, short / long))),
        saturated=_washed_out(flat),
        contrast=paper - dark,
        light=paper,
        sharpness=_sharpness(flat),
        whole=_is_inside(points, grey.shape),
        read=read,
    )


def straightened(grey: Grey, corners: Corners, *, modules: int) -> Grey:
    """Return the code as if seen from straight above, four pixels a module."""
    edge = modules * _STEP
    square = np.array([[0, 0], [edge, 0], [edge, edge], [0, edge]], np.float32)
    turn = cv2.getPerspectiveTransform(np.array(corners, np.float32), square)
    return np.asarray(cv2.warpPerspective(grey, turn, (edge, edge), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _stretch(points: NDArray[np.float64]) -> tuple[float, float]:
    """Return the code's longest and shortest extent through its centre, in pixels: the stretch of the map there."""
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    turn = cv2.getPerspectiveTransform(unit, points.astype(np.float32))
    at = turn @ np.array([0.5, 0.5, 1.0])
    spread = (turn[:2, :2] - np.outer(at[:2] / at[2], turn[2, :2])) / at[2]
    long, short = np.linalg.svd(spread, compute_uv=False)
    return float(long), float(short)


def _washed_out(flat: Any) -> float:
    window = np.ones((_PATCH * _STEP, _PATCH * _STEP), np.uint8)
    darkest, lightest = cv2.erode(flat, window), cv2.dilate(flat, window)
    paper = float(np.median(lightest))
    return float((darkest >= min(_SATURATED, paper + (1 - paper) / 2)).mean())


def _sharpness(flat: Any) -> float:
    """Return how far neighbouring modules differ, measured against how far the code's light and dark differ at all."""
    window = np.ones((_PATCH * _STEP, _PATCH * _STEP), np.uint8)
    calm = cv2.GaussianBlur(flat, (0, 0), _STEP * 0.35)
    across, down = (np.abs(np.diff(calm, axis=axis)).mean() * _STEP for axis in (1, 0))
    reach = float(np.mean(cv2.dilate(calm, window) - cv2.erode(calm, window)))
    return float(across + down) / max(reach, 1e-3)


def _is_inside(points: NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    low, high = points.min(0), points.max(0)
    return bool((low >= 0).all() and high[0] <= shape[1] - 1 and high[1] <= shape[0] - 1)
