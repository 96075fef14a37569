"""Moves the corners of a code until its known modules fit: Gauss-Newton on grey values, judged by correlation.

- Compared are the known modules of the version only, quadrant by quadrant, each with its own mean and contrast, so that a
  shadow's edge or a lamp on one side does not count. ``fit`` is the mean correlation: 1 is perfect, 0 is a wall.
- Derivatives are differences over a good part of a module, shrinking as the fit grows: module centres have no gradient of
  their own. All sixteen (or twenty-four, with a bend) displaced grids are sampled in one call.
- A step that makes the fit worse is taken back and the differences halved. Start within about one and a half modules.
- An inverted code fits with the sign turned; ``fit`` is then negative.

Example: ``refine(grey, corners, known_of(8))`` gives ``Fitted(corners, bend, fit)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.grid import Floats, Plane, module_pixels, project_all, sample
from edge_agent.scanning.soft.layout import layout_of

STEPS: Final = (0.9, 0.7, 0.5, 0.4, 0.3, 0.2)  # modules
_LONGEST_STEP: Final = 1.2  # modules
_DAMPING: Final = 0.02


class Fitted(NamedTuple):
    """Corners (4, 2) and bend (2, 2) in pixels, and how well the known modules fit."""

    corners: NDArray[np.float64]
    bend: NDArray[np.float64]
    fit: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Known:
    """The known modules of a version, for comparing."""

    version: int
    side: int
    share: Floats  # (count, 2): x, y of module centres, 0 to 1 of the side
    target: Floats  # (count,): +1 light, -1 dark: as grey values go
    quarters: Floats  # (count, 4): which quadrant, as 0 or 1
    centred: Floats  # (count,): target less its quadrant's mean
    spread: Floats  # (4,): sum of squares of ``centred`` in each quadrant


@cache
def known_of(version: int) -> Known:
    """Return the known modules of ``version``."""
    layout = layout_of(version)
    return known_as(layout.version, layout.known_mask, layout.colours)


def known_as(version: int, mask: NDArray[np.bool_], colours: NDArray[np.bool_]) -> Known:
    """Return the modules under ``mask`` (side, side) for comparing, dark where ``colours`` says so."""
    rows, columns = np.nonzero(mask)
    side = len(mask)
    quarter = (rows > side / 2).astype(int) * 2 + (columns > side / 2)
    quarters = np.eye(4, dtype=np.float32)[quarter]
    target = np.where(colours[rows, columns], -1, 1).astype(np.float32)
    sizes = np.maximum(quarters.sum(axis=0), 1)
    centred = target - ((target @ quarters) / sizes) @ quarters.T
    return Known(
        version=version,
        side=side,
        share=(np.stack([columns + 0.5, rows + 0.5], axis=1) / side).astype(np.float32),
        target=target,
        quarters=quarters,
        centred=centred,
        spread=(centred**2 @ quarters).astype(np.float32),
    )


def fits(values: Floats, known: Known) -> NDArray[np.float64]:
    """Return the fit of each row of grey values (rows, count)."""
    centred = _centre(values, known)
    together = (centred * known.centred) @ known.quarters
    own = (centred**2) @ known.quarters
    correlation = together / np.sqrt(np.maximum(own * known.spread, 1e-6))
    weights = known.quarters.mean(axis=0)
    return np.asarray(correlation @ weights, np.float64)


def _centre(values: Floats, known: Known) -> Floats:
    sizes = np.maximum(known.quarters.sum(axis=0), 1)
    return np.asarray(values - (values @ known.quarters / sizes) @ known.quarters.T, np.float32)


def refine(grey: Plane, start: Fitted, known: Known, *, steps: tuple[float, ...] = STEPS, bending: bool = False) -> Fitted:
    """Return the best fit found from ``start`` on; never a worse one."""
    best = start
    here, current = _unknowns(start, bending=bending), start
    for size in steps:
        pixel = module_pixels(current.corners, known.side)
        trials = _displaced(here, size * pixel)
        values = sample(grey, _project(trials, known))
        scores = fits(values, known)
        current = Fitted(*_parts(here), float(scores[0]))
        if abs(current.fit) > abs(best.fit):
            best = current
        else:
            here = _unknowns(best, bending=bending)
        step = _step(values, known, size)
        if step is not None and current is best:
            here = here + step * pixel
        elif abs(scores[1:]).max() > abs(best.fit):
            here = trials[1 + int(np.argmax(np.abs(scores[1:])))]
    last = sample(grey, _project(here[None], known))
    final = Fitted(*_parts(here), float(fits(last, known)[0]))
    return final if abs(final.fit) > abs(best.fit) else best


def measure(grey: Plane, corners: NDArray[Any], known: Known) -> Fitted:
    """Return the fit of the corners as they are."""
    bend = np.zeros((2, 2))
    values = sample(grey, project_all(corners[None], known.share))
    return Fitted(corners.astype(np.float64), bend, float(fits(values, known)[0]))


def _unknowns(fitted: Fitted, *, bending: bool) -> NDArray[np.float64]:
    corners = fitted.corners.reshape(-1)
    return np.concatenate([corners, fitted.bend.reshape(-1)]) if bending else corners


def _parts(unknowns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    bend = unknowns[8:].reshape(2, 2) if len(unknowns) > 8 else np.zeros((2, 2))  # noqa: PLR2004 -- four corners
    return unknowns[:8].reshape(4, 2), bend


def _project(unknowns: NDArray[np.float64], known: Known) -> Floats:
    bends = unknowns[:, 8:].reshape(-1, 2, 2) if unknowns.shape[1] > 8 else None  # noqa: PLR2004 -- four corners
    return project_all(unknowns[:, :8].reshape(-1, 4, 2), known.share, bends)


def _displaced(here: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    """Return the point itself, then each unknown moved forth, then each moved back."""
    moves = by * np.eye(len(here))
    return np.concatenate([here[None], here + moves, here - moves])


def _step(values: Floats, known: Known, size: float) -> NDArray[np.float64] | None:
    """Return the Gauss-Newton step in modules, from grey values at the point and around it."""
    count = (len(values) - 1) // 2
    slopes = _centre(values[1 : count + 1] - values[count + 1 :], known) / (2 * size)
    here = _centre(values[:1], known)[0]
    contrast = ((here * known.centred) @ known.quarters) / np.maximum(known.spread, 1e-6)
    wanted = (contrast @ known.quarters.T) * known.centred - here
    normal = slopes @ slopes.T
    damping = _DAMPING * float(np.trace(normal)) / count
    if damping <= 0:
        return None
    step = np.linalg.solve(normal + damping * np.eye(count), slopes @ wanted)
    longest = float(np.abs(step).max())
    return step * min(1.0, _LONGEST_STEP / max(longest, 1e-9))
