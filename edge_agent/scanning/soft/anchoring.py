"""Pulls roughly placed corners onto the code: finders and alignment patterns are each looked for near where they should be.

- The code is laid flat with a margin, three samples a module. Each finder and each alignment pattern is compared (normalised
  cross-correlation) with places up to two and a half modules away. Timing lines are left out: their period of two modules
  would pull a code one module aside.
- All displacements together move the four corners by least squares, weighted by how well each pattern was found. The corners
  resist a little, so that a code whose finder lies under a thumb or a lamp keeps the corner that its other patterns give it.
- Good from about two modules off; what comes out is for ``refining``.

Example: ``anchor(grey, corners, 8)`` gives corners (4, 2), most of them within half a module; once more with a shorter reach
gives a third.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.blocks import alignment_places
from edge_agent.scanning.soft.grid import Plane, project_all, sample
from edge_agent.scanning.soft.layout import layout_of

_FINE: Final = 3
_MARGIN: Final = 4  # modules around the code
REACH: Final = 2.5  # modules
_LEAST: Final = 0.35  # correlation below which a pattern says nothing
_RESIST: Final = 0.03


class _Pattern(NamedTuple):
    share: NDArray[np.float64]  # its centre, 0 to 1 of the side
    top: int  # of its template in the flat picture, in samples
    left: int
    template: NDArray[np.float32]
    weight: float


def anchor(grey: Plane, corners: NDArray[Any], version: int, *, reach: float = REACH) -> NDArray[np.float64]:
    """Return corners on which the patterns lie, each looked for within ``reach`` modules of its place."""
    patterns = _patterns(version)
    centres = np.array([each.share for each in patterns])
    weights = np.array([each.weight for each in patterns])
    here = corners.astype(np.float64)
    moves, trust = _search(_flat(grey, here, version), patterns, reach)
    heard = np.where(trust > _LEAST, trust, 0) ** 2 * weights
    return _pulled(here, centres, moves / (17 + 4 * version), heard)


def _flat(grey: Plane, corners: NDArray[np.float64], version: int) -> NDArray[np.float32]:
    size = (17 + 4 * version + 2 * _MARGIN) * _FINE
    flat = sample(grey, project_all(corners[None], _raster(version))[0]).reshape(size, size)
    return np.asarray(cv2.GaussianBlur(flat, (0, 0), 0.8), np.float32)


@lru_cache(maxsize=8)
def _raster(version: int) -> NDArray[np.float32]:
    side = 17 + 4 * version
    places = ((np.arange((side + 2 * _MARGIN) * _FINE) + 0.5) / _FINE - _MARGIN) / side
    columns, rows = np.meshgrid(places, places)
    return np.stack([columns.reshape(-1), rows.reshape(-1)], axis=1).astype(np.float32)


@cache
def _patterns(version: int) -> tuple[_Pattern, ...]:
    side = 17 + 4 * version
    rings = np.maximum(np.abs(np.arange(9) - 4)[:, None], np.abs(np.arange(9) - 4)[None, :])
    finder = np.where((rings == 2) | (rings == 4), 1.0, -1.0)  # noqa: PLR2004 -- light rings
    made = [_pattern((row, column), finder, side=side, weight=2.0) for row, column in ((3, 3), (3, side - 4), (side - 4, 3))]
    places = alignment_places(version)
    corners = {(6, 6), (6, places[-1]), (places[-1], 6)} if places else set()
    layout = layout_of(version)
    for row in places:
        for column in places:
            if (row, column) not in corners:
                square = layout.colours[row - 2 : row + 3, column - 2 : column + 3]
                made.append(_pattern((row, column), np.where(square, -1.0, 1.0), side=side, weight=1.0))
    return tuple(made)


def _pattern(place: tuple[int, int], colours: NDArray[np.float64], *, side: int, weight: float) -> _Pattern:
    half = colours.shape[0] // 2
    template = cv2.GaussianBlur(np.kron(colours, np.ones((_FINE, _FINE))).astype(np.float32), (0, 0), 1.0)
    top, left = ((each - half + _MARGIN) * _FINE for each in place)
    return _Pattern(np.array([place[1] + 0.5, place[0] + 0.5]) / side, top, left, np.asarray(template, np.float32), weight)


def _search(
    flat: NDArray[np.float32], patterns: tuple[_Pattern, ...], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far each pattern lies from its place, in modules (x, y), and the correlation there."""
    moves, trust = np.zeros((len(patterns), 2)), np.zeros(len(patterns))
    away = int(reach * _FINE)
    for index, each in enumerate(patterns):
        size = each.template.shape[0]
        top, left = max(each.top - away, 0), max(each.left - away, 0)
        window = flat[top : each.top + size + away, left : each.left + size + away]
        answer = cv2.matchTemplate(window, each.template, cv2.TM_CCOEFF_NORMED)
        _, best, _, place = cv2.minMaxLoc(answer)
        x, y = _peak(answer, place[0], place[1])
        moves[index] = (x + left - each.left) / _FINE, (y + top - each.top) / _FINE
        trust[index] = max(best, 0.0)
    return moves, trust


def _peak(answer: Any, x: int, y: int) -> tuple[float, float]:
    """Return the peak to a part of a sample, by a parabola through its neighbours."""
    fine = [float(x), float(y)]
    if 0 < x < answer.shape[1] - 1:
        before, here, after = (float(each) for each in answer[y, x - 1 : x + 2])
        fine[0] += (before - after) / (2 * (before - 2 * here + after) or 1)
    if 0 < y < answer.shape[0] - 1:
        before, here, after = (float(each) for each in answer[y - 1 : y + 2, x])
        fine[1] += (before - after) / (2 * (before - 2 * here + after) or 1)
    return fine[0], fine[1]


def _pulled(
    corners: NDArray[np.float64], centres: NDArray[np.float64], moves: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the corners that carry the patterns' centres to where they were found."""
    scale = float(np.abs(corners - corners.mean(axis=0)).max())
    nudge = 1e-3 * scale
    trials = np.concatenate([corners.reshape(1, 8), corners.reshape(1, 8) + nudge * np.eye(8)])
    placed = project_all(trials.reshape(-1, 4, 2), centres).astype(np.float64)
    wanted = project_all(corners[None], centres + moves)[0].astype(np.float64) - placed[0]
    slopes = ((placed[1:] - placed[0]) / nudge).reshape(8, -1)
    weighted = slopes * np.repeat(weights, 2)
    normal = weighted @ slopes.T
    step = np.linalg.solve(normal + _RESIST * np.eye(8), weighted @ wanted.reshape(-1))
    return corners + step.reshape(4, 2)
