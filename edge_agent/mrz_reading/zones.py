"""Which lines of print could be a zone, and the map from its cells to the picture.

- A zone is two or three bands that are parallel, of like length and height, one beside the other.
- Lines with another line between them are of two documents, one lying on the other, and no zone.
- The end of a line is easily missed: fillers are faint, a lone digit after them is no band. So lines of unlike length are also tried as long
  as the longest of them, from their starts, from their ends, and as long as all of them together.
- Where its corners are follows from the ends of the first and last line; four corners fix the perspective. How tall signs look against
  how wide, and whether the page is upside down, is not known yet: each possibility is a ``Sight``, and the signs decide.
- Cells are numbered in pitches: (0, 0) is the middle of the first sign of the first line, one pitch to the right the second sign.
- Pure geometry.

Example: ``zones_of(find_bands(grey))``
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.mrz_reading.bands import Band

_ALIKE: Final = 0.55  # the shorter line is at least so long against the longer: fillers at its end may be too faint
_PARALLEL: Final = 0.12  # sine of the angle between lines
_NEAR, _FAR = 0.02, 0.16  # distance of neighbouring lines, of their length
_SHIFTED: Final = 0.14  # of the length: how far lines may begin apart
_SLIM, _SLIMMEST = 12.0, 110.0
_FEWEST: Final = 6  # trusted cells of a line without which a map stays as it is
_MOST: Final = 6  # groups of lines tried in one picture
_EVEN: Final = 0.985  # the shortest line against the longest, above which none was cut short
Points = NDArray[np.float32]


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """Bands from top to bottom, or from bottom to top: which is not known yet."""

    bands: tuple[Band, ...]

    @property
    def length(self) -> float:
        """Return the mean length of the lines in pixels."""
        return sum(band.length for band in self.bands) / len(self.bands)


def zones_of(bands: list[Band]) -> list[Zone]:
    """Return the groups of bands that could be a zone, the longest first; of three lines in a row also each pair of neighbours."""
    slim = [band for band in bands if _SLIM <= band.length / band.height <= _SLIMMEST]
    pairs = [(upper, lower) for upper in slim for lower in slim if upper is not lower and _follows(upper, lower)]
    triples = [
        (first, second, third) for first, second in pairs for also, third in pairs if second is also and third is not first
    ]
    groups = [Zone(bands=group) for group in (*triples, *pairs) if not _crossed(group, slim)]
    found = sorted(groups, key=lambda each: -each.length * len(each.bands))
    return [form for zone in found[:_MOST] for form in (zone, *_lengthened(zone))]


def _crossed(group: tuple[Band, ...], bands: list[Band]) -> bool:
    """Tell whether another line lies between these: then they are of two documents, one on the other."""
    first, last = group[0], group[-1]
    _, bottom = first.beside(last.middle)
    return any(_between(each, first, bottom=bottom) for each in bands if each not in group)


def _between(band: Band, first: Band, *, bottom: float) -> bool:
    sine = first.way[0] * band.way[1] - first.way[1] * band.way[0]
    along, across = first.beside(band.middle)
    inside = first.height < across < bottom - first.height and abs(along) < first.length / 2
    return inside and abs(sine) < _PARALLEL and band.length > _ALIKE * first.length


def _lengthened(zone: Zone) -> list[Zone]:
    """Return the zone with every line as long as the longest, measured from their starts and from their ends, and as long as all together."""
    lengths = [band.length for band in zone.bands]
    if min(lengths) > _EVEN * max(lengths):
        return []
    first = zone.bands[0]
    along = [
        band if _same_way(first, band) else msgspec.structs.replace(band, start=band.end, end=band.start) for band in zone.bands
    ]
    befores = [first.beside(band.start)[0] for band in along]
    afters = [first.beside(band.end)[0] for band in along]
    ways = (
        [(0.0, max(lengths) - length) for length in lengths],
        [(max(lengths) - length, 0.0) for length in lengths],
        [(before - min(befores), max(afters) - after) for before, after in zip(befores, afters, strict=True)],
    )
    return [Zone(bands=tuple(_longer(*each) for each in zip(along, way, strict=True))) for way in ways]


def _longer(band: Band, by: tuple[float, float]) -> Band:
    """Return the band begun so much earlier and ended so much later."""
    return msgspec.structs.replace(band, start=_beyond(band.start, band.way, -by[0]), end=_beyond(band.end, band.way, by[1]))


def _beyond(point: tuple[float, float], way: tuple[float, float], distance: float) -> tuple[float, float]:
    return point[0] + way[0] * distance, point[1] + way[1] * distance


def _follows(upper: Band, lower: Band) -> bool:
    """Tell whether ``lower`` could be the line below ``upper``, with ``upper`` running from left to right."""
    lengths, heights = sorted((upper.length, lower.length)), sorted((upper.height, lower.height))
    if lengths[0] < _ALIKE * lengths[1] or heights[0] < 0.5 * heights[1]:
        return False
    sine = upper.way[0] * lower.way[1] - upper.way[1] * lower.way[0]
    along, across = upper.beside(lower.middle)
    near = max(_NEAR * upper.length, heights[0])
    long, missed = lengths[1], (lengths[1] - lengths[0]) / 2
    return abs(sine) < _PARALLEL and near < across < _FAR * long and abs(along) < _SHIFTED * long + missed


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One way to look at a zone: ``signs`` in a line, ``rows`` lines, and the map from pitches to pixels."""

    signs: int
    rows: int
    step: float  # pitches from line to line
    to_picture: Any  # 3 x 3

    def pixels(self, points: Points) -> Points:
        """Return where points (n, 2), in pitches, stand in the picture."""
        moved = np.column_stack([points, np.ones(len(points))]) @ self.to_picture.T
        return np.asarray(moved[:, :2] / moved[:, 2:], np.float32)


def sight_of(zone: Zone, signs: int, *, stretch: float, turned: bool) -> Sight:
    """Return the map for lines of ``signs`` signs that look ``stretch`` times too flat; ``turned``: the page is upside down."""
    first, last = zone.bands[0], zone.bands[-1]
    ends = [first.start, *_like(first, last), first.end]
    corners = np.array([ends[0], ends[3], ends[2], ends[1]], np.float32)  # first start, first end, last end, last start
    if turned:
        corners = corners[[2, 3, 0, 1]]
    rows = len(zone.bands)
    _, across = first.beside(last.middle)
    step = abs(across) / (rows - 1) / (zone.length / signs) * stretch
    left, right, bottom = -0.42, signs - 0.58, step * (rows - 1)  # a sign's ink ends a little before its cell does
    square = np.array([[left, 0], [right, 0], [right, bottom], [left, bottom]], np.float32)
    return Sight(signs=signs, rows=rows, step=step, to_picture=cv2.getPerspectiveTransform(square, corners))


def refitted(sight: Sight, courses: list[tuple[Any, Any, Any]], stretch: float) -> Sight:
    """Return the map that lays the cells where they were found, ``stretch`` times as high as they were taken to be.

    A course is a line's slides and climbs in pitches, and which of its cells are trusted.
    """
    columns, step = np.arange(sight.signs), sight.step * stretch
    found, wanted = [], []
    for row, (slides, climbs, trusted) in enumerate(courses):
        found.append(np.column_stack([columns + slides, row * sight.step + climbs])[trusted])
        wanted.append(np.column_stack([columns, np.full(sight.signs, row * step)])[trusted])
    if min(len(each) for each in found) < _FEWEST:
        return sight
    to_picture: Any = cv2.findHomography(np.concatenate(wanted), sight.pixels(np.concatenate(found).astype(np.float32)))[0]
    return Sight(signs=sight.signs, rows=sight.rows, step=step, to_picture=to_picture) if to_picture is not None else sight


def _like(first: Band, last: Band) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of ``last`` in the order of ``first``."""
    return (last.start, last.end) if _same_way(first, last) else (last.end, last.start)


def _same_way(first: Band, last: Band) -> bool:
    return first.way[0] * last.way[0] + first.way[1] * last.way[1] > 0
