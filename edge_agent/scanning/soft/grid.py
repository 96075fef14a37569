"""Where the modules of a code are in the picture: four corners, the homography between, and grey values on any raster of it.

- Code coordinates: origin at the outer corner of the top left finder, unit one module; module (row, column) has its centre at
  (column + 0.5, row + 0.5). Pixel coordinates count from the first pixel's centre, as OpenCV's do.
- Corners are top left, top right, bottom right, bottom left, shape (4, 2), in pixels.
- A mild bend (a card held by its edges, a curved laminate) is two more vectors: the displacement in pixels, half way along
  the rows and half way down the columns, of a parabola that is nought at both ends.
- Sampling is bilinear or bicubic by OpenCV, edges replicated.

Example: ``values = sample(grey, project_all(corners[None], points / 49)[0])``
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Plane = NDArray[np.uint8] | NDArray[np.float32]
NEXT: Final = [1, 2, 3, 0]  # of four corners
_NO_AREA: Final = 1e-9
_LAID: Final = (150, 280)  # pixels of a side: three or so a module, and no more work than that
_WIDEST: Final = 32_000  # cv2.remap takes at most 32767 columns


def homographies(corners: NDArray[Any]) -> NDArray[np.float64]:
    """Return the matrices (count, 3, 3) from the unit square to each of the quadrilaterals (count, 4, 2) (Heckbert 1989)."""
    first, second, third, fourth = (corners[:, index].astype(np.float64) for index in range(4))
    across, down, gap = second - third, fourth - third, first - second + third - fourth
    area = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    area = np.where(np.abs(area) < _NO_AREA, _NO_AREA, area)
    g = ((gap[:, 0] * down[:, 1] - gap[:, 1] * down[:, 0]) / area)[:, None]
    h = ((across[:, 0] * gap[:, 1] - across[:, 1] * gap[:, 0]) / area)[:, None]
    upper = np.stack([second - first + g * second, fourth - first + h * fourth, first], axis=2)
    lower = np.stack([g, h, np.ones_like(g)], axis=2)
    return np.concatenate([upper, lower], axis=1)


def project_all(corners: NDArray[Any], share: NDArray[Any], bends: NDArray[Any] | None = None) -> Floats:
    """Return pixel positions (count, points, 2) of ``share`` (points, 2; 0 to 1 of the side) for every set of corners.

    ``bends`` (count, 2, 2): displacement at the middle of the rows and of the columns, in pixels.
    """
    matrices = homographies(corners).astype(np.float32)
    share = share.astype(np.float32, copy=False)
    ahead = matrices[:, :, :2] @ share.T + matrices[:, :, 2:]  # (count, 3, points): long rows are quick
    pixels = np.empty((len(corners), len(share), 2), np.float32)
    shrink = np.reciprocal(ahead[:, 2], out=ahead[:, 2])
    np.multiply(ahead[:, 0], shrink, out=pixels[:, :, 0])
    np.multiply(ahead[:, 1], shrink, out=pixels[:, :, 1])
    if bends is not None and bends.any():
        pixels += (4 * share * (1 - share)) @ bends.astype(np.float32)
    return pixels


def sample(grey: Plane, pixels: Floats, *, cubic: bool = False) -> Floats:
    """Return the grey values at ``pixels`` (..., 2), in the same shape."""
    shape, pixels = pixels.shape[:-1], pixels.reshape(-1, 2)
    count = len(pixels)
    width = min(count, _WIDEST)
    height = -(-count // width)
    if height * width > count:
        pixels = np.concatenate([pixels, np.zeros((height * width - count, 2), np.float32)])
    placed = pixels.reshape(height, width, 2)
    way = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    empty: Any = None
    values: Any = cv2.remap(grey, placed, empty, way, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values.reshape(-1)[:count].reshape(shape), np.float32)


def module_pixels(corners: NDArray[Any], side: int) -> float:
    """Return the mean size of a module in pixels, over the four sides."""
    edges = corners - corners[NEXT]
    return float(np.hypot(edges[:, 0], edges[:, 1]).mean() / side)


def is_small(corners: NDArray[Any]) -> bool:
    """Tell whether laying it square enlarges it so much that linear interpolation would lose modules."""
    return 2 * float(_sides(corners).min()) < _LAID[1]


def _sides(corners: NDArray[Any]) -> NDArray[np.float64]:
    ahead = corners[NEXT] - corners
    return np.asarray(np.hypot(ahead[:, 0], ahead[:, 1]), np.float64)


def warped(grey: NDArray[np.uint8], corners: NDArray[Any], *, cubic: bool) -> tuple[NDArray[np.uint8], Any]:
    """Lay a quadrilateral square with a margin around it; return the picture and how to get from its pixels to the frame's.

    Cubic takes three times as long and carries smaller codes.
    """
    size = int(np.clip(2 * float(_sides(corners).max()), *_LAID))
    margin = size // 6
    square = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32) + margin - 0.5
    matrix = cv2.getPerspectiveTransform(square.astype(np.float32), corners.astype(np.float32))
    way = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    laid = cv2.warpPerspective(
        grey, matrix, (size + 2 * margin,) * 2, flags=way | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )

    def back(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.perspectiveTransform(points.reshape(1, -1, 2), matrix), np.float64).reshape(-1, 2)

    return np.asarray(laid, np.uint8), back
