"""Which way round a quadrilateral is a code, and of which version: by its finders, looked for at all four corners at once.

- For every version the finder's size follows from the side. Around each corner the finder is compared (normalised
  cross-correlation) with every place up to three modules away; a version's worth is what its best three corners say.
- The corner without a finder is the bottom right one. Where a lamp or a thumb hides a finder two corners must do, and both
  ways round are proposed; the known modules of the whole code decide later.
- Quadrilaterals run clockwise in the picture; a mirrored code shows only in its format bits and is not told here.

Example: ``propose(grey, quadrilateral)`` gives ``Proposal(corners, version, score)``, most promising first.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.grid import Plane, project_all, sample

VERSIONS: Final = tuple(range(4, 13))  # a card's code has 5 to 12; others are located by their finders only
_FIRST: Final = (6, 10)  # where neither shows two finders, no other version does
_HOPELESS: Final = 0.4
_SAME_WAY: Final = 2
_FINE: Final = 2  # samples a module
_REACH: Final = 3  # modules
_LEAST: Final = 0.48  # mean correlation: print and noise stay below
_WINDOW: Final = (9 + 2 * _REACH) * _FINE


class Proposal(NamedTuple):
    """Corners (4, 2) in the code's own order, the version, and the mean correlation of the finders that speak for it."""

    corners: NDArray[np.float64]
    version: int
    score: float


def propose(grey: Plane, corners: NDArray[Any], *, versions: tuple[int, ...] = VERSIONS, most: int = 3) -> list[Proposal]:
    """Return up to ``most`` ways of seeing a code in the quadrilateral (4, 2), no more than two of them the same way round."""
    if np.sort(_finder_trust(grey, corners, _FIRST), axis=1)[:, -2:].mean(axis=1).max() < _HOPELESS:
        return []
    trust = _finder_trust(grey, corners, versions)
    total, weakest = trust.sum(axis=1, keepdims=True) - trust, np.sort(trust, axis=1)[:, :2]
    # without each corner in turn; the weakest of the other three counts half: it may lie under a lamp
    least = np.where(trust > weakest[:, :1], weakest[:, :1], weakest[:, 1:])
    scores = (total - least / 2) / 2.5 - np.maximum(trust - least, 0) / 4
    found: list[Proposal] = []
    ways: list[int] = []
    for place in np.argsort(-scores, axis=None, kind="stable"):
        index, last = divmod(int(place), 4)  # the corner that has no finder
        if scores[index, last] < _LEAST or len(found) == most:
            break
        if ways.count(last) < _SAME_WAY:
            ways.append(last)
            turned = np.roll(corners, 2 - last, axis=0).astype(np.float64)
            found.append(Proposal(turned, versions[index], float(scores[index, last])))
    return found


def _finder_trust(grey: Plane, corners: NDArray[Any], versions: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the best correlation at each corner, (versions, 4)."""
    # the windows below each other: one call is quicker than one for each, though it also compares across their borders
    column = sample(grey, project_all(corners[None], _windows(versions))[0]).reshape(-1, _WINDOW)
    answer: Any = cv2.matchTemplate(column, _finder(), cv2.TM_CCOEFF_NORMED)
    places = answer.shape[1]
    inside = np.resize(answer, (len(column), places)).reshape(-1, _WINDOW, places)[:, :places]
    return np.asarray(inside.max(axis=(1, 2)).reshape(len(versions), 4), np.float64)


@cache
def _finder() -> NDArray[np.float32]:
    ring = np.maximum(np.abs(np.arange(9) - 4)[:, None], np.abs(np.arange(9) - 4)[None, :])
    colours = np.where((ring == 2) | (ring == 4), 1.0, -1.0)  # noqa: PLR2004 -- light rings
    fine = np.kron(colours, np.ones((_FINE, _FINE))).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(fine, (0, 0), 0.8), np.float32)


@cache
def _windows(versions: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the raster points of the windows round the four finders' places, clockwise from top left, of every version."""
    return np.concatenate([_windows_of(17 + 4 * version) for version in versions])


def _windows_of(side: int) -> NDArray[np.float32]:
    near = (np.arange(_WINDOW) + 0.5) / _FINE - _REACH - 1
    far = near + side - 7
    points = [np.meshgrid(x, y) for x, y in ((near, near), (far, near), (far, far), (near, far))]
    placed = np.concatenate([np.stack([x.reshape(-1), y.reshape(-1)], axis=1) for x, y in points]) / side
    return placed.astype(np.float32)
