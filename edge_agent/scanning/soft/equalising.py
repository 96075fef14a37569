"""Learns a code's blur from its own known modules and undoes it: one small linear filter for the whole code.

- Blur and motion mix neighbouring modules; judging each module alone then fails. The known modules say what the picture makes
  of dark and light, so a ridge regression from each module's neighbourhood to its colour is trained on them (Zhou and others
  call it a training-sequence equaliser; here the training sequence is finders, timing, alignment and version blocks).
- Neighbourhood: nine samples of the module itself, three of each edge neighbour's near line, centres of the two rings around
  and a constant: the sub-module samples matter most.
- Once trained, sure modules train it again with small weights (decision-directed); one such round is worth 2 points, more none.
- A module blinded by a lamp gets a soft value near nought, so that its codeword is erased first; bright paper must not be
  taken for a lamp, so only saturated places larger than light modules can be are blinded.

Example: ``equalise(lesson(sampled(grey, fitted, layout), layout))`` is the soft values, (side, side), above 0 dark.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.grid import Floats, Plane, project_all, sample
from edge_agent.scanning.soft.layout import Layout
from edge_agent.scanning.soft.refining import Fitted

FINE: Final = 3  # samples a module, each way
_RIDGE: Final = 2.0
_WINDOW: Final = 9 * FINE  # larger than a finder, so that both colours occur
_FLOOR: Final = 4.0  # grey levels: noise in the dark is not to be blown up
_SATURATED: Final = 250
_MOST_SATURATED: Final = 0.3
_BLIND: Final = 1e-9
_KEPT_VERSIONS: Final = 8  # the plans of a large version take megabytes


class Sampled(NamedTuple):
    """A code laid flat: local black and white taken out (about +1 dark, -1 light), and where the sensor was blinded."""

    fine: Floats  # (3 side, 3 side)
    blind: NDArray[np.bool_]  # (side, side)
    bright_share: float


class Lesson(NamedTuple):
    """Every module's samples and those around it (modules, 66), the known colours, which are known, where nothing was seen."""

    features: Floats
    target: Floats  # (modules,): +1 dark, -1 light
    known: NDArray[np.bool_]  # (modules,)
    blind: NDArray[np.bool_]  # (side, side)


def sampled(grey: Plane, fitted: Fitted, layout: Layout) -> Sampled:
    """Lay the code flat with nine samples a module."""
    share = _raster(layout.side)
    pixels = project_all(fitted.corners[None], share, fitted.bend[None])[0]
    flat = sample(grey, pixels, cubic=True).reshape(FINE * layout.side, FINE * layout.side)
    fine = normalised(flat, _WINDOW)
    saturated = cv2.erode((flat >= _SATURATED).astype(np.uint8), np.ones((FINE, FINE), np.uint8))[1::FINE, 1::FINE] > 0
    share_of = float(saturated.mean())
    blind = saturated if share_of < _MOST_SATURATED else np.zeros_like(saturated)
    return Sampled(fine if fitted.fit >= 0 else -fine, blind, share_of)


def normalised(flat: Floats, window: int) -> Floats:
    """Take out local black and white: shading, shadow, exposure."""
    square = np.ones((window, window), np.uint8)
    high: Any = cv2.blur(cv2.dilate(flat, square), (window, window))
    low: Any = cv2.blur(cv2.erode(flat, square), (window, window))
    return np.asarray(2 * ((high + low) / 2 - flat) / np.maximum(high - low, _FLOOR), np.float32)


def plain(seen: Sampled) -> Floats:
    """Return the centre samples as they are: enough for most codes, and free."""
    return blinded(seen.fine[1::FINE, 1::FINE].copy(), seen)


def lesson(seen: Sampled, layout: Layout) -> Lesson:
    """Return what the equaliser learns from; it is the same for every round."""
    around = seen.fine.reshape(-1).take(_neighbourhoods(layout.side))
    target = np.where(layout.colours.reshape(-1), 1, -1).astype(np.float32)
    known = layout.known_mask.reshape(-1) & ~seen.blind.reshape(-1)
    return Lesson(np.concatenate([around, np.ones((len(around), 1), np.float32)], axis=1), target, known, seen.blind)


def equalise(learnt: Lesson) -> Floats:
    """Return soft values (side, side) after training on the known modules."""
    rows = learnt.features[learnt.known]
    return _applied(_ridge(rows.T @ rows, rows.T @ learnt.target[learnt.known]), learnt)


def trained_again(soft: Floats, learnt: Lesson) -> Floats:
    """Return soft values after one decision-directed round more: modules that are fairly sure train as well."""
    flat = soft.reshape(-1)
    weights = np.where(learnt.known, 1, np.clip(1.2 * np.abs(flat) - 0.2, 0, 0.8)).astype(np.float32)
    weights[learnt.blind.reshape(-1)] = 0
    wanted = np.asarray(np.where(learnt.known, learnt.target, np.sign(flat)), np.float32)
    weighted = np.asarray(learnt.features * weights[:, None], np.float32).T
    return _applied(_ridge(weighted @ learnt.features, weighted @ wanted), learnt)


def _applied(weights: Floats, learnt: Lesson) -> Floats:
    soft = (learnt.features @ weights).reshape(learnt.blind.shape)
    return _blinded(soft, learnt.blind)


def known_errors(soft: Floats, layout: Layout) -> float:
    """Return the share of known modules that the soft values get wrong; above a fifth nothing will decode."""
    mask = layout.known_mask
    return float(((soft > 0) != layout.colours)[mask].mean())


def blinded(soft: Floats, seen: Sampled) -> Floats:
    """Make soft values next to nothing where the sensor was blinded."""
    return _blinded(soft, seen.blind)


def _blinded(soft: Floats, blind: NDArray[np.bool_]) -> Floats:
    return np.where(blind, soft * np.float32(_BLIND), soft)


def _ridge(square: Floats, side: Floats) -> Floats:
    return np.asarray(np.linalg.solve(square + _RIDGE * np.eye(len(square), dtype=np.float32), side), np.float32)


@lru_cache(maxsize=_KEPT_VERSIONS)
def _raster(side: int) -> NDArray[np.float32]:
    places = (np.arange(FINE * side) + 0.5) / (FINE * side)
    columns, rows = np.meshgrid(places, places)
    return np.stack([columns.reshape(-1), rows.reshape(-1)], axis=1).astype(np.float32)


@lru_cache(maxsize=_KEPT_VERSIONS)
def _neighbourhoods(side: int) -> NDArray[np.int32]:
    """Return for each module the places of its samples in the fine picture, (side * side, 65), edges replicated."""
    offsets = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    for reach in (-1, 0, 1):
        offsets += [(-2, reach), (2, reach), (reach, -2), (reach, 2)]
    for ring in (1, 2, 3):
        around = [(down, right) for down in range(-ring, ring + 1) for right in range(-ring, ring + 1)]
        edge = [each for each in around if max(abs(each[0]), abs(each[1])) == ring]
        offsets += [(FINE * down, FINE * right) for down, right in edge if ring > 1 or down * right]
    size = FINE * side
    centres = FINE * np.arange(side) + 1
    shift = np.array(offsets)
    rows = np.clip(centres[:, None, None] + shift[None, None, :, 0], 0, size - 1)
    columns = np.clip(centres[None, :, None] + shift[None, None, :, 1], 0, size - 1)
    return np.asarray((rows * size + columns).reshape(side * side, len(offsets)), np.int32)
