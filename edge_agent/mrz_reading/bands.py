"""Where lines of text stand in a picture: dark, long, thin bands at any angle, with their ends.

- Print is what a black-hat filter leaves: darker than all round it within a sign's width, whatever the light does over the page.
- A filter square no wider than the gap between two lines joins the signs of one line and keeps lines apart, at any angle.
- Sizes are unknown, so the picture is looked at in several sizes; in each, signs about 7 to 10 pixels apart are found.
- Pieces of one line, parted by wear or glare, are joined when they lie on one straight line.
- Pure: a picture in, bands in its own pixels out.

>>> find_bands(np.full((480, 640), 200, np.uint8))
[]
"""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
_SIZES: Final = (0.42, 0.32, 0.56, 0.75, 0.24, 1.0)
_LARGEST, _SMALLEST = 1700, 200  # pixels of the longer side, searched
_BLACK_HAT: Final = 9
_JOIN: Final = 7
_WEAKEST: Final = 0.045  # of the brightness round it: fainter is noise
_SHARE: Final = 0.42  # of the strongest print nearby
_STRONG: Final = 0.42  # a page's dark edge is stronger than any print and must not hide the line beside it
_NEARBY: Final = 41
_SLIMMEST: Final = 3.0  # a piece is at least so many times as long as it is high
_LINE: Final = 11.0  # and a line so many times
_FLATTER: Final = 0.6  # of a line's height: a piece of fillers is so much flatter than one of letters
_WITHIN: Final = 0.75  # heights off the middle line within which an outline belongs to the line
_MOST_PIECES: Final = 300  # joining takes time by their square; a page of print has some dozens, its longest are what matters
_LOWEST, _HIGHEST = 3.0, 17.0  # a band's height in pixels of the searched size


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """One line of print: the ends of its middle line, in pixels, and its height. Direction is up to 180 degrees unknown."""

    start: tuple[float, float]
    end: tuple[float, float]
    height: float

    @property
    def length(self) -> float:
        """Return the distance of the ends."""
        return math.dist(self.start, self.end)

    @property
    def middle(self) -> tuple[float, float]:
        """Return the point between the ends."""
        return (self.start[0] + self.end[0]) / 2, (self.start[1] + self.end[1]) / 2

    @property
    def way(self) -> tuple[float, float]:
        """Return the unit vector from start to end."""
        length = max(self.length, 1e-6)
        return (self.end[0] - self.start[0]) / length, (self.end[1] - self.start[1]) / length

    def beside(self, point: tuple[float, float]) -> tuple[float, float]:
        """Return how far ``point`` is along the band and across it, from the band's middle."""
        dx, dy = point[0] - self.middle[0], point[1] - self.middle[1]
        return dx * self.way[0] + dy * self.way[1], dy * self.way[0] - dx * self.way[1]


def sizes_of(shape: tuple[int, int]) -> list[float]:
    """Return by which factors a picture is made smaller, the likeliest first: a document that fills half of it or more."""
    full = min(1.0, _LARGEST / max(shape))
    return [full * each for each in _SIZES if full * each * max(shape) >= _SMALLEST]


def find_bands(grey: Grey, *, size: float = 1.0) -> list[Band]:
    """Return the bands found with the picture (uint8, height by width) made ``size`` times as large."""
    small: Any = grey if size >= 1 else cv2.resize(grey, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
    pieces = _pieces(_print_of(small))
    return [_scaled(band, 1 / size) for band in _joined(pieces) if band.length >= _LINE * band.height]


def _print_of(small: Any) -> Any:
    """Return where there is print (0 or 255)."""
    calm = cv2.GaussianBlur(small, (0, 0), 0.8)
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (_BLACK_HAT, _BLACK_HAT))
    paper = cv2.morphologyEx(calm, cv2.MORPH_CLOSE, square)
    depth = (paper.astype(np.float32) - calm) / (paper.astype(np.float32) + 4)
    strongest = cv2.dilate(cv2.GaussianBlur(depth, (0, 0), 1.5), np.ones((_NEARBY, _NEARBY), np.uint8))
    marks = (depth > np.maximum(_WEAKEST, _SHARE * np.minimum(strongest, _STRONG))).astype(np.uint8) * 255
    return cv2.morphologyEx(marks, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_JOIN, _JOIN)))


def _pieces(marks: Any) -> list[Band]:
    outlines, _ = cv2.findContours(marks, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found = []
    for outline in outlines:
        if len(outline) < 2 * _SLIMMEST * _LOWEST:
            continue
        _, sides, _ = cv2.minAreaRect(outline)
        if min(sides) <= 2 * _HIGHEST and max(sides) >= _SLIMMEST * min(sides):
            found.append(_piece(outline.reshape(-1, 2).astype(np.float32)))
    return [each for each in found if each.height <= _HIGHEST]


def _piece(points: NDArray[np.float32]) -> Band:
    """Return the band of an outline; a corner of something else that touches the line is outvoted by the rest of its edge."""
    dx, dy, x, y = (float(each) for each in cv2.fitLine(points, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel())
    if dx < 0:
        dx, dy = -dx, -dy
    along = (points[:, 0] - x) * dx + (points[:, 1] - y) * dy
    across = np.abs((points[:, 1] - y) * dx - (points[:, 0] - x) * dy)
    height = max(_LOWEST, 2 * float(np.median(across)))
    inner = along[across <= _WITHIN * height]
    first, last = (float(inner.min()), float(inner.max())) if len(inner) else (0.0, 1.0)
    return Band(start=(x + first * dx, y + first * dy), end=(x + last * dx, y + last * dy), height=height)


def _joined(pieces: list[Band]) -> list[Band]:
    """Join pieces that follow each other on one straight line, longest first."""
    rest = sorted(pieces, key=lambda each: -each.length)[:_MOST_PIECES]
    lines: list[Band] = []
    while rest:
        line = rest.pop(0)
        while (other := next((each for each in rest if _continues(line, each)), None)) is not None:
            rest.remove(other)
            line = _united(line, other)
        lines.append(line)
    return lines


def _continues(line: Band, other: Band) -> bool:
    ends = [line.beside(other.start), line.beside(other.end)]
    gap = min(abs(along) for along, _ in ends) - line.length / 2
    aside = max(abs(across) for _, across in ends)
    alike = _FLATTER < other.height / line.height < 1 / _FLATTER
    return alike and aside < 0.6 * line.height and -line.height < gap < 5 * line.height


def _united(line: Band, other: Band) -> Band:
    points = sorted((line.beside(point)[0], point) for point in (line.start, line.end, other.start, other.end))
    height = (line.height * line.length + other.height * other.length) / (line.length + other.length)
    return Band(start=points[0][1], end=points[-1][1], height=height)


def _scaled(band: Band, factor: float) -> Band:
    return Band(
        start=(band.start[0] * factor, band.start[1] * factor),
        end=(band.end[0] * factor, band.end[1] * factor),
        height=band.height * factor,
    )
