"""The signs of one zone: first the sight under which the cells hold signs best, then each sign by itself.

- Every step asks the same question, how well the cells fit OCR-B (``glyphs.py``); nothing is decided by what the text says.
- Coarse: a few cells of each line under every sight (length of line, flatness, upside down). Below ``FLOOR`` it is no zone.
- A sign that the picture's edge cuts is not told at all. Lines that turn out too far from each other are of two documents.
- Fine: lines bend and maps are a little off, so each line may slide and climb along its way, smoothly from cell to cell.
- Pure.

Example: ``signs_of(grey, zone)``
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.mrz_reading.bands import Grey
from edge_agent.mrz_reading.glyphs import NO_SIGN, PITCH, PLAIN, TALL, WIDE, WORN, weigh
from edge_agent.mrz_reading.zones import Sight, Zone, refitted, sight_of
from residence.credentials.mrz_layout import SHAPES

_MAYBE: Final = -1.75  # so well a few cells must fit under the coarse map, and all of them under a finer one
_HOPELESS: Final = -2.5  # what fits so badly at one flatness fits at none
FLOOR: Final = -0.9  # mean log-probability of the best sign; ordinary text stays far below
_STRETCHES: Final = (1.0, 1.35, 0.78, 1.8, 0.6)
_SLIDES: Final = np.arange(-10, 11) * 0.14  # pitches
_DOUBT: Final = -4.0  # one bad cell counts no worse than this
_FEW: Final = 12  # cells of a line asked in the coarse step
_STEP: Final = (1.4, 3.3)  # pitches from line to line
_MARGIN: Final = 2  # pitches of paper round the flattened zone
_WIDE_STEPS, _NARROW_STEPS = (-2, 0, 2), (-1, 0, 1)  # pixels of the flattened zone a cell may slide and climb
_AROUND: Final = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
_FINE_STRETCHES: Final = (0.8, 0.87, 0.93, 1.0, 1.07, 1.15, 1.25)
_TRUSTED: Final = -2.5  # cells that fit worse have no say in where the zone is
_PAPER: Final = 11  # pixels; wider than any stroke
_REACH: Final = 3.0  # cells that must agree on a slide
_HALF: Final = 0.07  # of a slide's distance to the next
_CLEAR: Final = -0.5  # as good as it gets: no further sight is tried
# how lines may be off: shifted, longer or shorter than thought, bowed by a perspective a little misjudged
_CURVES: Final = np.array(
    [
        (shift, lean, bow)
        for shift in np.arange(-4, 5) * 0.14
        for lean in np.arange(-4, 5) * 0.14
        for bow in np.arange(-6, 7) * 0.16
    ]
)
_SIGN_SIDES, _SIGN_ENDS = (-0.35, 0.35), (-0.5, 0.5)  # pitches from a cell's middle
_UNKNOWN: Final = -np.log(NO_SIGN + 1)  # every sign as likely as any other
Weights = NDArray[np.float32]


class ZoneSigns(msgspec.Struct, frozen=True, kw_only=True):
    """Log-probabilities of every sign in every cell: (rows, signs in a line, kinds of sign and "no sign").

    ``weights`` of what is seen; ``before``, with the opinions of ``glyphs.WORN`` first, of what stood there before it was rubbed or marked.
    """

    weights: Any
    before: Any
    sight: Sight

    @property
    def told(self) -> Weights:
        """Return what both say together: networks taught differently seldom err alike."""
        return np.asarray((self.weights + self.before.mean(0)) / 2, np.float32)

    @property
    def fit(self) -> float:
        """Return how well the cells hold signs: the mean log-probability of the best."""
        return float(np.maximum(self.weights[:, :, :NO_SIGN].max(2), _DOUBT).mean())


def signs_of(grey: Grey, zone: Zone) -> ZoneSigns | None:
    """Return what stands in the cells of ``zone``, or None when they hold no signs."""
    best: tuple[float, _Flat, NDArray[np.float64]] | None = None
    for stretch in _STRETCHES:
        for sight in _sights(zone, stretch):
            flat = _Flat(grey, sight)
            fit, slides = _coarse(flat)
            if best is None or fit > best[0]:
                best = (fit, flat, slides)
        if best is not None and not _HOPELESS < best[0] < _CLEAR:
            break
    if best is None or best[0] < _MAYBE:
        return None
    _, flat, slides = best
    courses = [_Course(slides=line * PITCH, climbs=np.zeros(len(line)), fit=np.zeros(len(line), np.float32)) for line in slides]
    for steps in (_WIDE_STEPS, _WIDE_STEPS, _NARROW_STEPS):
        courses = [_followed(flat, row, courses[row], steps=steps) for row in range(flat.sight.rows)]
        if steps is _NARROW_STEPS:
            courses = [_whole(flat, row, course) for row, course in enumerate(courses)]
        fit, flat = _best_flat(grey, flat.sight, courses)
        if fit < _MAYBE:
            return None
        courses = [_still(flat.sight.signs)] * flat.sight.rows
    weights = _told(flat, PLAIN)
    before = np.array([np.mean([_told(flat, learned) for learned in pair], 0) for pair in WORN])
    beyond = _beyond_the_picture(flat.sight, grey.shape)
    weights[beyond] = before[:, beyond] = _UNKNOWN
    found = ZoneSigns(weights=weights, before=before, sight=flat.sight)
    return found if found.fit >= FLOOR and _STEP[0] <= flat.sight.step <= _STEP[1] else None


def _whole(flat: _Flat, row: int, course: _Course) -> _Course:
    """Return the course moved by one sign where the line was taken to begin one too early or too late: a margin holds no sign."""
    if course.fit.mean() < FLOOR:
        return course
    columns = np.arange(-1, flat.sight.signs + 1)
    slides = np.interp(columns, columns[1:-1], course.slides)
    climbs = np.interp(columns, columns[1:-1], course.climbs)
    told = np.maximum(weigh(flat.cells(row, columns + slides / PITCH, climbs)), _DOUBT)
    sign, none = told[:, :NO_SIGN].max(1), told[:, NO_SIGN]
    moves = {
        -1: sign[:-2].sum() + none[-2:].sum(),
        0: none[0] + sign[1:-1].sum() + none[-1],
        1: none[:2].sum() + sign[2:].sum(),
    }
    move = max(moves, key=lambda each: moves[each])
    return replace(course, slides=course.slides + move * PITCH) if move else course


def _best_flat(grey: Grey, sight: Sight, courses: list[_Course]) -> tuple[float, _Flat]:
    """Return how well cells fit in the zone flattened anew along the courses its lines take, at the flatness that fits best, and that zone."""
    places = [
        (each.slides / PITCH, each.climbs / PITCH, each.fit > max(_TRUSTED, float(np.median(each.fit)) - 1)) for each in courses
    ]
    found = []
    for stretch in _FINE_STRETCHES:
        flat = _Flat(grey, refitted(sight, places, stretch))
        columns = np.arange(sight.signs)
        cells = np.concatenate([flat.cells(row, columns, np.zeros(sight.signs)) for row in range(sight.rows)])
        found.append((float(np.maximum(weigh(cells)[:, :NO_SIGN].max(1), _DOUBT).mean()), flat))
    return max(found, key=lambda pair: pair[0])


def _told(flat: _Flat, learned: str) -> Weights:
    """Return what a network says of every cell of the zone."""
    return np.array([_final(flat, row, learned) for row in range(flat.sight.rows)])


def _final(flat: _Flat, row: int, learned: str) -> Weights:
    """Return one line's log-probabilities, the mean over the places around the best one."""
    columns, level = np.arange(flat.sight.signs), np.zeros(flat.sight.signs)
    told = [weigh(flat.cells(row, columns + dx / PITCH, level + dy), learned) for dx, dy in _AROUND]
    return np.asarray(np.mean(told, 0), np.float32)


def _beyond_the_picture(sight: Sight, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which signs (rows, signs) are cut off by the picture's edge: what is left of one may look like another."""
    columns, rows = np.meshgrid(np.arange(sight.signs), np.arange(sight.rows) * sight.step)
    corners = [np.column_stack([columns.ravel() + dx, rows.ravel() + dy]) for dx in _SIGN_SIDES for dy in _SIGN_ENDS]
    x, y = np.array([sight.pixels(each.astype(np.float32)) for each in corners]).transpose(2, 0, 1)
    beyond = (x < 0) | (y < 0) | (x > shape[1] - 1) | (y > shape[0] - 1)
    return np.asarray(beyond.any(0).reshape(sight.rows, sight.signs))


def _sights(zone: Zone, stretch: float) -> list[Sight]:
    lengths = [signs for rows, signs in SHAPES if rows == len(zone.bands)]
    sights = [sight_of(zone, signs, stretch=stretch, turned=turned) for signs in lengths for turned in (False, True)]
    return [sight for sight in sights if _STEP[0] <= sight.step <= _STEP[1]]


def _coarse(flat: _Flat) -> tuple[float, NDArray[np.float64]]:
    """Return how well a few cells fit when each line takes its best smooth curve, and that slide of every cell (rows, signs) in pitches."""
    signs, rows = flat.sight.signs, flat.sight.rows
    columns = np.unique(np.linspace(0, signs - 1, _FEW).round().astype(int))
    places = (columns[:, None] + _SLIDES).ravel()
    cells = np.concatenate([flat.cells(row, places, np.zeros(len(places))) for row in range(rows)])
    told = np.maximum(weigh(cells)[:, :NO_SIGN].max(1), _DOUBT).reshape(rows, len(columns), len(_SLIDES))
    along = columns / (signs - 1) * 2 - 1
    curves = _CURVES[:, :1] + _CURVES[:, 1:2] * along + _CURVES[:, 2:] * (1 - along * along)
    index = np.clip(np.searchsorted(_SLIDES, curves - _HALF), 0, len(_SLIDES) - 1)
    fits = told[:, np.arange(len(columns)), index].mean(2)
    everywhere = np.arange(signs) / (signs - 1) * 2 - 1
    best = _CURVES[fits.argmax(1)]
    slides = best[:, :1] + best[:, 1:2] * everywhere + best[:, 2:] * (1 - everywhere * everywhere)
    return float(fits.max(1).mean()), slides


class _Flat:
    """A zone seen straight on, ``PITCH`` pixels a sign."""

    def __init__(self, grey: Grey, sight: Sight) -> None:
        wide, high = sight.signs + 2 * _MARGIN, sight.step * (sight.rows - 1) + 2 * _MARGIN
        to_pitches = np.array([[1 / PITCH, 0, -_MARGIN], [0, 1 / PITCH, -_MARGIN], [0, 0, 1]])
        ends = sight.pixels(np.array([[0, 0], [sight.signs - 1, 0]], np.float32))
        near = float(np.linalg.norm(ends[1] - ends[0])) / (sight.signs - 1)
        calm: Any = cv2.GaussianBlur(grey, (0, 0), 0.35 * near / PITCH) if near > PITCH else grey
        size = (int(wide * PITCH), int(high * PITCH))
        self._plane: Any = cv2.warpPerspective(
            calm,
            sight.to_picture @ to_pitches,
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        self._plane = _evenly_lit(self._plane)
        self.sight = sight

    def cells(self, row: int, columns: Any, climbs: Any) -> NDArray[np.float32]:
        """Cut the cells whose middles are at ``columns`` pitches along a row and ``climbs`` pixels below its middle."""
        tops = (_MARGIN + row * self.sight.step) * PITCH + np.asarray(climbs) - (TALL - 1) / 2
        lefts = (_MARGIN + np.asarray(columns)) * PITCH - (WIDE - 1) / 2
        y = np.clip(tops.round().astype(int), 0, self._plane.shape[0] - TALL)
        x = np.clip(lefts.round().astype(int), 0, self._plane.shape[1] - WIDE)
        windows = np.lib.stride_tricks.sliding_window_view(self._plane, (TALL, WIDE))
        return np.asarray(windows[y, x], np.float32)


def _evenly_lit(plane: Any) -> NDArray[np.float32]:
    """Return the zone on paper of one brightness: the edge of a shadow is not a stroke."""
    paper: Any = cv2.morphologyEx(plane, cv2.MORPH_CLOSE, np.ones((_PAPER, _PAPER), np.uint8))
    light = cv2.GaussianBlur(paper.astype(np.float32), (0, 0), _PAPER / 4) + 1
    return np.asarray(plane.astype(np.float32) / light * 200, np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Course:
    """Where a line's cells are off their places, in pixels of the flattened zone, and how well each holds a sign there."""

    slides: NDArray[np.float64]
    climbs: NDArray[np.float64]
    fit: NDArray[np.float32]


def _still(signs: int) -> _Course:
    return _Course(slides=np.zeros(signs), climbs=np.zeros(signs), fit=np.zeros(signs, np.float32))


def _followed(flat: _Flat, row: int, course: _Course, *, steps: tuple[int, ...]) -> _Course:
    """Return the course on which every cell, with its neighbours, fits best."""
    columns = np.arange(flat.sight.signs)
    ways = np.array([(dx, dy) for dx in steps for dy in steps])
    told = np.array([weigh(flat.cells(row, columns + (course.slides + dx) / PITCH, course.climbs + dy)) for dx, dy in ways])
    fit = np.maximum(told[:, :, :NO_SIGN].max(2), _DOUBT)
    calm: Any = cv2.GaussianBlur(fit, (0, 0), sigmaX=_REACH, sigmaY=1e-3, borderType=cv2.BORDER_REPLICATE)
    chosen = calm.argmax(0)
    return _Course(
        slides=course.slides + ways[chosen, 0],
        climbs=course.climbs + ways[chosen, 1],
        fit=np.asarray(calm[chosen, columns], np.float32),
    )
