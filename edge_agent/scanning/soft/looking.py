"""One close look at a place where a code of a known version should be: fit, lay flat, equalise, decode, step by step.

- The steps go from cheap to dear and end at the first text that the check codewords confirm: centre samples, equaliser,
  equaliser trained once more, neighbours taken out, what is known of a card's text, and all that again after a fit to the decided modules with a bend.
- A mirrored code is told by its format bits: whichever way round they agree better is decoded. An inverted one by its fit.
- What was not read keeps its soft values: the next frame of the same card may add to them (``fusing``).
- Pure: a picture in, a look out.

Example: ``look(grey, corners, 8).decoded``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.anchoring import anchor
from edge_agent.scanning.soft.cancelling import cancel
from edge_agent.scanning.soft.card_text import as_a_card
from edge_agent.scanning.soft.codewords import Decoded, Format, burden, decode, decode_as, formats
from edge_agent.scanning.soft.equalising import Sampled, equalise, known_errors, lesson, plain, sampled, trained_again
from edge_agent.scanning.soft.grid import Floats, Plane
from edge_agent.scanning.soft.layout import Layout, layout_of
from edge_agent.scanning.soft.refining import Fitted, known_as, known_of, measure, refine

LEAST_FIT: Final = 0.35
GOOD_FIT: Final = 0.75  # corners this good need no anchoring
_NO_CODE: Final = 0.3  # after the first pull
_SECOND_REACH: Final = 1.2  # modules: after the first pull little is left
_STEPS: Final = (0.5, 0.4, 0.3, 0.2)
_REFIT_STEPS: Final = (0.5, 0.3, 0.2)
_MARGIN: Final = 0.2  # of the code's extent: how much of the frame around it is looked at
_HOPELESS: Final = 0.2  # known modules wrong
_MIRROR: Final = 0.15
_LEAST_AGREEMENT: Final = 0.9  # of the format bits; codes that were ever read had 0.97
_HEAVIEST, _HEAVY = 1.25, 0.9  # burden above which nothing will be read, and above which decoding now is wasted time
_FAIRLY_LIGHT: Final = 0.65  # burden above which neither a card's grammar nor another fit ever helped
_LAST: Final = 3
_AFTER_REFIT: Final = 2  # attempts: the dearer ones read nothing more in 1,260 frames
_SURE: Final = 0.5


class Look(NamedTuple):
    """What came of a look. Corners are in the caller's pixels."""

    version: int
    corners: NDArray[np.float64]
    fit: float
    soft: Floats | None  # None where nothing fits; (side, side), as the code stands, for adding up over frames
    decoded: Decoded | None


def look(
    grey: NDArray[np.uint8], corners: NDArray[Any], version: int, *, time_left: Callable[[], bool] = lambda: True
) -> Look | None:
    """Look for a code of ``version`` whose corners are within two modules of ``corners``; None where there is none.

    ``time_left`` is asked before each dearer step; without time the look ends with what it has.
    """
    near, origin = _near(grey, corners)
    fitted = _fit(near, corners - origin, version)
    if fitted is None:
        return None
    layout = layout_of(version)
    seen = _decode(near, fitted, layout, time_left)
    if seen.decoded is None and seen.load <= _FAIRLY_LIGHT and time_left():
        fitted = _refit(near, fitted, seen.as_it_lies, layout)
        seen = _decode(near, fitted, layout, time_left, attempts=_AFTER_REFIT)
    return Look(version, fitted.corners + origin, fitted.fit, seen.soft, seen.decoded)


def _refit(near: Plane, fitted: Fitted, soft: Floats, layout: Layout) -> Fitted:
    """Fit once more, to every module that is fairly sure, and let the surface bend: far from the finders it often does."""
    rows, columns = np.indices(soft.shape)
    some = (rows + columns) % 3 == 0  # enough to fit twelve unknowns
    seen = known_as(layout.version, some & (np.abs(soft) > _SURE), soft > 0)
    bent = refine(near, Fitted(fitted.corners, fitted.bend, 0.0), seen, steps=_REFIT_STEPS, bending=True)
    return Fitted(bent.corners, bent.bend, fitted.fit)


def _near(grey: NDArray[np.uint8], corners: NDArray[Any]) -> tuple[Plane, NDArray[np.float64]]:
    """Cut out the surroundings of the code, in floating point, and where they begin."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = _MARGIN * float((high - low).max()) + 2
    left, top = np.clip(np.floor(low - margin), 0, None).astype(int)
    right, bottom = np.ceil(high + margin).astype(int)
    return grey[top : max(bottom, top + 2), left : max(right, left + 2)].astype(np.float32), np.array([left, top], np.float64)


def _fit(near: Plane, corners: NDArray[Any], version: int) -> Fitted | None:
    known = known_of(version)
    if min(near.shape) < 2 or _area(corners) < known.side:  # noqa: PLR2004 -- outside the frame, or nothing but a line
        return None
    start = measure(near, corners, known)
    if abs(start.fit) < GOOD_FIT:
        once = anchor(near, corners, version)
        if max(abs(measure(near, once, known).fit), abs(start.fit)) < _NO_CODE:
            return None
        anchored = measure(near, anchor(near, once, version, reach=_SECOND_REACH), known)
        start = max(start, anchored, key=lambda each: abs(each.fit))
    if abs(start.fit) < LEAST_FIT:
        return None
    return refine(near, start, known, steps=_STEPS)


def _area(corners: NDArray[Any]) -> float:
    across, down = corners[2] - corners[0], corners[3] - corners[1]
    return abs(float(across[0] * down[1] - across[1] * down[0])) / 2


class _Seen(NamedTuple):
    """Soft values of the last attempt, the text where there is one, and the least burden of all attempts."""

    soft: Floats
    decoded: Decoded | None
    load: float
    mirrored: bool = False

    @property
    def as_it_lies(self) -> Floats:
        """Return the soft values as they lie in the picture: a mirrored code not turned back."""
        return self.soft.T if self.mirrored else self.soft


def _decode(near: Plane, fitted: Fitted, layout: Layout, time_left: Callable[[], bool], *, attempts: int = _LAST + 1) -> _Seen:
    """Try the cheapest ``attempts``; a card's text is made sure only after all of them."""
    seen = sampled(near, fitted, layout)
    kept, mirrored, lightest = plain(seen), False, _HEAVIEST
    best: tuple[Floats, Format] | None = None
    for number, attempt in enumerate(islice(_attempts(seen, layout), attempts)):
        if number and not time_left():
            return _Seen(kept, None, _HEAVIEST, mirrored)
        kept, likely = _upright(attempt, layout)
        mirrored, load = kept is not attempt, burden(kept, layout, likely[0])
        if not number:
            decoded = decode(kept, layout, spare=None, likely=likely) if load < _HEAVIEST else None
        else:
            if likely[0].agreement < _LEAST_AGREEMENT or load > _HEAVIEST:
                return _Seen(kept, None, _HEAVIEST, mirrored)
            decoded = decode(kept, layout, likely=likely) if load < _HEAVY or number == _LAST else None
            if load < lightest:
                lightest, best = load, (kept, likely[0])
        if decoded is not None:
            return _Seen(kept, decoded, 0.0, mirrored)
    worth_it = best is not None and attempts > _LAST and lightest <= _FAIRLY_LIGHT and time_left()
    return _Seen(kept, _decode_as_a_card(*best, layout) if best and worth_it else None, lightest, mirrored)


def _decode_as_a_card(soft: Floats, form: Format, layout: Layout) -> Decoded | None:
    """Try once more with what is known of every card's text; the check codewords decide as before."""
    likelier = as_a_card(soft, layout, form)
    return None if likelier is None else decode_as(likelier, layout, form)


def _attempts(seen: Sampled, layout: Layout) -> Iterator[Floats]:
    """Yield soft values from cheap to dear; end early where nothing can come of it."""
    yield plain(seen)
    learnt = lesson(seen, layout)
    first = equalise(learnt)
    if known_errors(first, layout) > _HOPELESS:
        return
    yield first
    second = trained_again(first, learnt)
    yield second
    yield cancel(cancel(second, seen, layout).soft, seen, layout).doubted


def _upright(soft: Floats, layout: Layout) -> tuple[Floats, list[Format]]:
    """Return the soft values as the encoder laid them, a mirrored code turned back, and the formats they agree with."""
    mirrored = np.ascontiguousarray(soft.T)
    upright, turned = formats(soft, layout), formats(mirrored, layout)
    return (mirrored, turned) if turned[0].agreement - upright[0].agreement > _MIRROR else (soft, upright)
