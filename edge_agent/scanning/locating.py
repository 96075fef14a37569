"""Finds codes without reading them, to say why they were not read: zxing's own finds first, then whatever is textured like one.

- zxing reports a code that failed its check with corners and version. It is asked for the picture, and when ``thorough`` for the
  doubled one and for the calmed and doubled one, as the reading stages do.
- Else a square of dense texture both ways, about half of it dark, with finder-like corners, is taken for a code of unknown
  version. Print has ink on a fifth of its area and no finders; it is not taken.
- It is for explanations and hints, never for reading: corners may be off by a module or two. A finer locator can take its place.
- Pure: a picture in, sightings out.

Example: ``locate(grey)``
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from edge_agent.scanning.codes import Corners
from edge_agent.scanning.sighting import Grey, Sighting, sight

LARGEST_DOUBLED: Final = 2_200_000  # pixels
_BLOCK: Final = 4  # pixels of texture averaged to one
_SHARE: Final = 0.42  # of the strongest texture
_LEAST_SIDE: Final = 30.0  # pixels
_SQUARE: Final = 0.45  # short to long side, for a code tilted by some 60 degrees
_FILLED: Final = 0.7  # of its box
_INK: Final = (0.25, 0.75)
_CANDIDATES: Final = 3
_FLAT_SIDE: Final = 190  # pixels of a straightened candidate, without margin
_FLAT_MARGIN: Final = 19
_FINDERS: Final = 2  # of three: one may be under a thumb
_FINDER_LIKE: Final = 0.5  # correlation
_MODULES_TRIED: Final = (37, 43, 49, 57)


def locate(grey: Grey, *, thorough: bool = True) -> list[Sighting]:
    """Return the codes in view: zxing's finds, or else what looks like one."""
    return _found_by_zxing(grey, thorough=thorough) or _looking_like_codes(grey)


def _found_by_zxing(grey: Grey, *, thorough: bool) -> list[Sighting]:
    for picture, enlarged in _pictures(grey, thorough=thorough):
        for binarizer in (zxingcpp.Binarizer.LocalAverage, zxingcpp.Binarizer.GlobalHistogram):
            seen = [_sighting_of(grey, each, enlarged) for each in _asked(picture, binarizer)]
            if sightings := [each for each in seen if each is not None]:
                return sightings
    return []


def _pictures(grey: Grey, *, thorough: bool) -> Iterator[tuple[Any, int]]:
    yield grey, 1
    if thorough and grey.size <= LARGEST_DOUBLED:
        yield cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 2
        yield cv2.resize(cv2.GaussianBlur(grey, (0, 0), 1.0), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 2


def _asked(picture: Any, binarizer: Any) -> list[Any]:
    return list(
        zxingcpp.read_barcodes(
            np.ascontiguousarray(picture),
            formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2),
            try_rotate=False,
            try_downscale=False,
            try_invert=False,
            binarizer=binarizer,
            return_errors=True,
        )
    )


def _sighting_of(grey: Grey, found: Any, enlarged: int) -> Sighting | None:
    place = found.position
    corners = [
        (each.x / enlarged, each.y / enlarged)
        for each in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    ]
    version = str(found.extra.get("Version", "")) if found.extra else ""
    return sight(
        grey,
        (corners[0], corners[1], corners[2], corners[3]),
        version=int(version) if version.isdigit() else None,
        read=bool(found.valid),
    )


def _looking_like_codes(grey: Grey) -> list[Sighting]:
    """Return squares that look like a code too poor for zxing to find."""
    sightings = [sight(grey, corners) for corners in _textured_squares(grey) if _is_code_like(grey, corners)]
    return [each for each in sightings if each is not None]


def _textured_squares(grey: Grey) -> list[Corners]:
    calm: Any = cv2.GaussianBlur(grey, (0, 0), 1.0)
    small = (max(1, grey.shape[1] // _BLOCK), max(1, grey.shape[0] // _BLOCK))
    across, down = (
        cv2.resize(np.abs(cv2.Sobel(calm, cv2.CV_32F, *order)), small, interpolation=cv2.INTER_AREA) for order in ((1, 0), (0, 1))
    )
    texture: Any = cv2.blur(np.minimum(across, down), (3, 3))
    mask: Any = cv2.morphologyEx((texture > _SHARE * texture.max()).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = sorted(outlines, key=cv2.contourArea, reverse=True)[:_CANDIDATES]
    return [_corners_of(cv2.minAreaRect(each)) for each in largest if _is_square(each, mask)]


def _is_square(outline: Any, mask: Any) -> bool:
    wide, high = (side + 1 for side in cv2.minAreaRect(outline)[1])
    if min(wide, high) * _BLOCK < _LEAST_SIDE or min(wide, high) < _SQUARE * max(wide, high):
        return False
    filled: Any = cv2.drawContours(np.zeros_like(mask), [outline], -1, 1, -1)
    return bool(filled.sum() >= _FILLED * wide * high)


def _corners_of(box: Any) -> Corners:
    (x, y), (wide, high), turn = box
    points = (np.asarray(cv2.boxPoints(((x, y), (wide + 1, high + 1), turn)), np.float64) + 0.5) * _BLOCK
    corners = [(float(across), float(down)) for across, down in points]
    return corners[0], corners[1], corners[2], corners[3]


def _is_code_like(grey: Grey, corners: Corners) -> bool:
    low, high = _FLAT_MARGIN, _FLAT_MARGIN + _FLAT_SIDE
    edge = high + _FLAT_MARGIN
    square = np.array([[low, low], [high, low], [high, high], [low, high]], np.float32)
    turn = cv2.getPerspectiveTransform(np.array(corners, np.float32), square)
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
