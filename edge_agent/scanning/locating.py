"""What the stages located in a picture, read or not: to say why it was not read, and how to hold the card.

- The own reader's looks come first: where the known modules of a version fit, a code stands, whether it could be read or not.
- Where nothing fits, what zxing located and could not read: that costs nothing that reading has not already spent.
- Else a dense place, about half of it dark, with finder-like corners, is taken for a code of unknown version: too far away or
  too blurred to be read, and "closer" is the hint that helps most. Print has no finders, and an empty lobby gives nothing.
- Pure: a view in, sightings out.

Example: ``locate(examine(grey)[1])``
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.codes import Corners
from edge_agent.scanning.sighting import Sighting, sight
from edge_agent.scanning.soft.looking import LEAST_FIT
from edge_agent.scanning.soft.regions import regions
from edge_agent.scanning.views import Grey, Points, View

_INK: Final = (0.25, 0.75)
_FLAT_SIDE: Final = 190  # pixels of a straightened candidate, without margin
_FLAT_MARGIN: Final = 19
_FINDERS: Final = 2  # of three: one may be under a thumb
_FINDER_LIKE: Final = 0.5  # correlation
_MODULES_TRIED: Final = (37, 43, 49, 57)


def locate(view: View) -> list[Sighting]:
    """Return the codes that were located in the picture, the best fitting first."""
    fitting = sorted((each for each in view.looks if abs(each.fit) >= LEAST_FIT), key=lambda each: -abs(each.fit))
    found: list[Sighting] = []
    for corners, version, read in (
        *((each.corners, each.version, True) for each in view.read),
        *((each.corners, each.version, each.decoded is not None) for each in fitting),
        *((each.corners, each.version, False) for each in view.candidates if each.by_zxing and not fitting),
    ):
        seen = sight(view.grey, _as_corners(corners), version=version, read=read)
        if seen is not None and not any(_overlap(seen, each) for each in found):
            found.append(seen)
    return found or _looking_like_codes(view.grey)


def _looking_like_codes(grey: Grey) -> list[Sighting]:
    places = (next((each for each in place.outlines if _is_code_like(grey, each)), None) for place in regions(grey))
    sightings = (sight(grey, _as_corners(outline)) for outline in places if outline is not None)
    return [each for each in sightings if each is not None]


def _is_code_like(grey: Grey, corners: Points) -> bool:
    low, high = _FLAT_MARGIN, _FLAT_MARGIN + _FLAT_SIDE
    edge = high + _FLAT_MARGIN
    square = np.array([[low, low], [high, low], [high, high], [low, high]], np.float32)
    turn = cv2.getPerspectiveTransform(corners.astype(np.float32), square)
    flat: Any = cv2.warpPerspective(grey, turn, (edge, edge), borderMode=cv2.BORDER_REPLICATE)
    inside = flat[low:high, low:high]
    ink = float((inside < cv2.blur(inside, (edge // 6, edge // 6))).mean())
    return _INK[0] < ink < _INK[1] and _finder_corners(flat) >= _FINDERS


def _finder_corners(flat: Any) -> int:
    """Return in how many corners something like a finder pattern stands."""
    best = np.zeros(4)
    for modules in _MODULES_TRIED:
        answer = cv2.matchTemplate(flat, _finder(_FLAT_SIDE / modules), cv2.TM_CCOEFF_NORMED)
        cut = answer.shape[0] // 2
        quarters = (answer[:cut, :cut], answer[:cut, cut:], answer[cut:, cut:], answer[cut:, :cut])
        best = np.maximum(best, [float(each.max()) for each in quarters])
    return int((best >= _FINDER_LIKE).sum())


def _finder(module: float) -> NDArray[np.uint8]:
    """Return a finder pattern with its white border, ``module`` pixels a module."""
    rings = np.full((9, 9), 255, np.uint8)
    for inset, shade in ((1, 0), (2, 255), (3, 0)):
        rings[inset:-inset, inset:-inset] = shade
    edge = round(module * rings.shape[0])
    return np.asarray(cv2.resize(rings, (edge, edge), interpolation=cv2.INTER_AREA), np.uint8)


def _as_corners(points: Points) -> Corners:
    first, second, third, fourth = ((float(x), float(y)) for x, y in points)
    return first, second, third, fourth


def _overlap(first: Sighting, second: Sighting) -> bool:
    """Tell whether the centre of one code lies within the other's extent."""
    x, y = (sum(each[axis] for each in first.corners) / 4 for axis in (0, 1))
    across, down = ([each[axis] for each in second.corners] for axis in (0, 1))
    return min(across) <= x <= max(across) and min(down) <= y <= max(down)
