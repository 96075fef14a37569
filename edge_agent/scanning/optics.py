"""How large a code is for a camera: pixels a module, blur and focus, from lens, distance and print, for installers and the docs.

- A pinhole: ``width`` pixels across a lens of ``angle`` degrees see ``2 * distance * tan(angle / 2)`` millimetres. The angle is
  the horizontal one; makers often print the diagonal one, which ``horizontal_angle`` turns into it.
- A module's side is the code's side over 17 + 4 x version. The code's side is what the ruler says, without the quiet zone.
- What can be read is measured, not computed: the limits below come from ``luutru bench scanner`` (category "small").
- Nothing of a real lens is in it: no distortion, no lost sharpness towards the corners. Plan with ``COMFORTABLE_PX``.

>>> round(module_px(View(width=1280, angle=60), Print(side=15, version=8), distance=100), 1)
3.4
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

SMALLEST_PX: Final = 1.1  # the smallest in the measuring set; below it nothing is known to be read
DOUBTFUL_PX: Final = 1.5  # below it a frame is read only when all else is good
COMFORTABLE_PX: Final = 2.5  # leaves room for tilt, blur and a trembling hand

_TABLE_DISTANCES: Final = (80, 100, 120, 150, 200, 250, 300)
_WIDTHS: Final = (640, 1280, 1920)
_ANGLES: Final = (45, 60, 78)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One camera: pixels across its picture and degrees across its lens, both horizontal."""

    width: int
    angle: float


class Print(msgspec.Struct, frozen=True, kw_only=True):
    """One printed code: millimetres a side and version."""

    side: float
    version: int

    @property
    def module(self) -> float:
        """Return the side of one module in millimetres."""
        return self.side / modules_of(self.version)


DENSE_CARD: Final = Print(side=15, version=8)  # a long address on a chip card of 2021
EXAMPLES: Final = (Print(side=14, version=7), DENSE_CARD, Print(side=18, version=10))


def modules_of(version: int) -> int:
    """Return how many modules a code of this version has a side."""
    return 17 + 4 * version


def horizontal_angle(diagonal: float, *, wide: int = 16, high: int = 9) -> float:
    """Return the horizontal angle of a lens whose diagonal angle is given.

    >>> round(horizontal_angle(78))
    70
    """
    across = math.tan(math.radians(diagonal) / 2) * wide / math.hypot(wide, high)
    return math.degrees(2 * math.atan(across))


def view_width(view: View, *, distance: float) -> float:
    """Return how many millimetres the picture is wide at this distance."""
    return 2 * distance * math.tan(math.radians(view.angle) / 2)


def module_px(view: View, code: Print, *, distance: float) -> float:
    """Return how many pixels one module of a flat, facing code takes."""
    return view.width / view_width(view, distance=distance) * code.module


def farthest(view: View, code: Print, *, px: float = COMFORTABLE_PX) -> float:
    """Return the distance in millimetres at which a module still takes ``px`` pixels."""
    return module_px(view, code, distance=1) / px


def motion_modules(code: Print, *, speed: float, exposure: float) -> float:
    """Return over how many modules a card smears that moves ``speed`` mm a second for ``exposure`` seconds.

    >>> round(motion_modules(DENSE_CARD, speed=50, exposure=1 / 250), 2)
    0.65
    """
    return speed * exposure / code.module


def dioptres(distance: float) -> float:
    """Return the focus for a distance in millimetres, in the unit of a camera's lens position.

    >>> dioptres(125)
    8.0
    """
    return 1000 / distance


def distance_table() -> list[str]:
    """Return the guide's table, as lines of Markdown: pixels a module of ``DENSE_CARD`` by camera and distance."""
    heads = [f"{distance / 10:g} cm" for distance in _TABLE_DISTANCES]
    lines = [
        f"| pixels across | lens, horizontal | {' | '.join(heads)} | {COMFORTABLE_PX:g} px up to |",
        "|---|---|" + "---|" * (len(heads) + 1),
    ]
    for width in _WIDTHS:
        for angle in _ANGLES:
            view = View(width=width, angle=angle)
            cells = [_cell(module_px(view, DENSE_CARD, distance=distance)) for distance in _TABLE_DISTANCES]
            reach = farthest(view, DENSE_CARD) / 10
            lines.append(f"| {width} | {angle}° | {' | '.join(cells)} | {reach:.0f} cm |")
    return lines


def code_table() -> list[str]:
    """Return the table of printed codes: their modules, and what they ask of a camera of 1280 pixels and 60 degrees."""
    view = View(width=1280, angle=60)
    lines = ["| code | version | modules a side | one module | 2.5 px up to | 1.5 px up to |", "|---|---|---|---|---|---|"]
    for code in EXAMPLES:
        reach = [f"{farthest(view, code, px=px) / 10:.0f} cm" for px in (COMFORTABLE_PX, DOUBTFUL_PX)]
        modules = modules_of(code.version)
        lines.append(f"| {code.side:g} mm | {code.version} | {modules} | {code.module:.3f} mm | {reach[0]} | {reach[1]} |")
    return lines


def motion_table() -> list[str]:
    """Return the table of smear: modules of ``DENSE_CARD`` a moving card passes while the shutter is open."""
    shutters, speeds = (1 / 30, 1 / 60, 1 / 125, 1 / 250, 1 / 500, 1 / 1000), (20, 50, 100)
    heads = " | ".join(f"1/{round(1 / shutter)} s" for shutter in shutters)
    lines = [f"| card moves | {heads} |", "|---|" + "---|" * len(shutters)]
    for speed in speeds:
        cells = [f"{motion_modules(DENSE_CARD, speed=speed, exposure=shutter):.2f}" for shutter in shutters]
        lines.append(f"| {speed / 10:g} cm a second | {' | '.join(cells)} |")
    return lines


TABLES: Final = {"distance": distance_table, "codes": code_table, "motion": motion_table}


def _cell(px: float) -> str:
    if px >= COMFORTABLE_PX:
        return f"**{px:.1f}**"
    return f"{px:.1f}" if px >= DOUBTFUL_PX else f"({px:.1f})"
