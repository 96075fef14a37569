"""Takes each module's neighbours out of what was seen of it, once most modules are known (parallel interference cancellation).

- From decided modules the picture is made again: every fine sample is a sum over the 5 x 5 modules around it, with weights
  learnt by least squares from the code itself. What remains of the picture is noise, damage and wrong decisions.
- A module's new soft value is its decision plus what the remainder says about it, matched with its own spread of light.
- Where the remainder is far above the usual, something lies on the code (a scratch, dirt, the rim of a glare): the soft value
  is made small, so that the codeword is erased early.
- Gains over the equaliser where blur is strong or modules are small; loses under glare, so it is tried last.

Example: ``cancel(cancel(soft, seen, layout).soft, seen, layout).doubted`` are soft values after two rounds.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from edge_agent.scanning.soft.equalising import FINE, Sampled, blinded
from edge_agent.scanning.soft.grid import Floats
from edge_agent.scanning.soft.layout import Layout

_REACH: Final = 2  # modules
_NEAR: Final = [(down, right) for down in range(-_REACH, _REACH + 1) for right in range(-_REACH, _REACH + 1)]
_CLIP: Final = 2.5  # of the usual remainder: more says "covered", not "wrong"
_DOUBT: Final = 4.0  # of the usual remainder: here a soft value is worth a third


class Cancelled(NamedTuple):
    """Soft values (side, side) after one round, and the same made small where something covers the code."""

    soft: Floats
    doubted: Floats


def cancel(soft: Floats, seen: Sampled, layout: Layout) -> Cancelled:
    """Return better soft values from soft values that are mostly right."""
    side = layout.side
    decided = np.where(layout.known_mask, np.where(layout.colours, 1, -1), np.sign(soft)).astype(np.float32)
    trust = np.where(layout.known_mask, 1, np.clip(np.abs(soft), 0, 1)).astype(np.float32)
    trust[seen.blind] = 0
    spread, left = _remainder(decided, trust.reshape(-1), seen)
    size = np.sqrt((left**2).mean(axis=1))
    usual = max(float(np.median(size)), 1e-6)
    matched, energy = _matched(np.clip(left, -_CLIP * usual, _CLIP * usual), spread, side)
    better = blinded(decided + matched / max(energy, 1e-6), seen)
    doubt = np.exp(-((size / usual / _DOUBT) ** 2)).reshape(side, side)
    return Cancelled(better.astype(np.float32), (better * doubt).astype(np.float32))


def _remainder(decided: Floats, trust: Floats, seen: Sampled) -> tuple[Floats, Floats]:
    """Return the weights (26, 9) and what the picture has besides, (modules, 9); the second solve lets outliers go."""
    side = len(decided)
    padded = np.pad(decided, _REACH, constant_values=-1)
    columns = [
        padded[_REACH + down : _REACH + down + side, _REACH + right : _REACH + right + side].reshape(-1) for down, right in _NEAR
    ]
    around = np.stack([*columns, np.ones(side * side, np.float32)], axis=1)
    fine = seen.fine.reshape(side, FINE, side, FINE).transpose(0, 2, 1, 3).reshape(side * side, FINE * FINE)
    _, left = _solve(around, fine, trust)
    size = np.sqrt((left**2).mean(axis=1))
    inliers = np.clip(1.5 * np.median(size) / np.maximum(size, 1e-6), 0, 1) ** 2 * ~seen.blind.reshape(-1)
    return _solve(around, fine, inliers.astype(np.float32))


def _solve(around: Floats, fine: Floats, trust: Floats) -> tuple[Floats, Floats]:
    weighted = np.asarray(around * trust[:, None], np.float32).T
    square = weighted @ around + np.eye(around.shape[1], dtype=np.float32)
    spread = np.linalg.solve(square, weighted @ fine).astype(np.float32)
    return spread, fine - around @ spread


def _matched(left: Floats, spread: Floats, side: int) -> tuple[Floats, float]:
    """Return for each module what the remainder around it says in its own spread of light, and that spread's energy."""
    padded = np.pad(left.reshape(side, side, -1), ((_REACH, _REACH), (_REACH, _REACH), (0, 0)))
    total = np.zeros((side, side), np.float32)
    for (down, right), weights in zip(_NEAR, spread[:-1], strict=True):
        # a module shows in the samples of the module that sees it as its neighbour at (down, right)
        total += padded[_REACH - down : _REACH - down + side, _REACH - right : _REACH - right + side] @ weights
    return total, float((spread[:-1] ** 2).sum())
