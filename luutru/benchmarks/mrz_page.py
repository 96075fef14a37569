"""The paper of the MRZ measuring set: an invented passport page or card with its zone printed in OCR-B, in linear light.

- One module is the width of a stroke; ``PITCH`` modules go from one sign to the next, so blur and size mean what they mean in
  ``card_set.py``, whose camera takes the pictures.
- What Doc 9303 leaves open, or we have no citation for, varies: the distance of the lines, the weight of print, how far the zone
  stands from the edges, the ground under it.
- The OCR-B font is Debian's ``fonts-ocr-b``; without it nothing can be drawn (``mrz.font_missing``).

Example: ``Page(Scene(), rng, lines=make_lines(rng, "TD3"))``
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from luutru.benchmarks.card_scene import Scene, Subject
from luutru.benchmarks.card_texture import TEXEL, Plane, backdrop, make_payload, smooth_noise
from residence.errors import Refused

PITCH: Final = 6.5  # modules (strokes) from one sign to the next
_FONTS: Final = Path("/usr/share/fonts/opentype/ocr-b")
_FACES: Final = ("OCRB.otf", "OCRBS.otf")  # round and sharp stroke ends
_PITCH_MM: Final = 2.54  # ten signs to the inch
_PAGE_MM: Final = {44: (125.0, 88.0), 36: (105.0, 74.0), 30: (85.6, 53.98)}
_CELL: Final = TEXEL * PITCH  # texels from one sign to the next
_EM: Final = 1.3833  # the font's em, in pitches: one sign then takes exactly one pitch


class Page(Subject):
    """One document before the camera; ``zone`` is its printed text."""

    def __init__(
        self, scene: Scene, rng: np.random.Generator, *, lines: tuple[str, ...], wear: float = 0.0, dirt: float = 0.0
    ) -> None:
        # Not Subject's own constructor: that one draws a card with a QR code.
        self.zone = lines
        self.payload = "" if scene.absent else "\n".join(lines)
        self.modules = round(PITCH * len(lines[0]))
        self.texture, self.at = _page(rng, () if scene.absent else lines, len(lines[0]), ink=scene.ink, marks=(wear, dirt))
        self.back = backdrop(rng, scene.height, scene.width)
        self.shadow_cut = rng.uniform(-0.3, 0.3)
        self.shadow_angle = rng.uniform(0, 360)
        self.glare_at = np.array([rng.uniform(-0.42, 0.42), rng.uniform(-0.12, 0.12)])
        self.glare_shape = (rng.uniform(0.5, 1.6), rng.uniform(0, 180))
        self.finger_edge, self.finger_slide = 0, 0.0
        self.grid_pitch = rng.uniform(0.8, 2.4)
        self.band_period = rng.uniform(40, 160)


@cache
def ocr_b(face: str, pitch: float) -> ImageFont.FreeTypeFont:
    """Return the font with signs ``pitch`` pixels apart, or raise ``Refused("mrz.font_missing")``."""
    try:
        return ImageFont.truetype(str(_FONTS / face), round(pitch * _EM * 100) / 100)
    except OSError as error:
        raise Refused("mrz.font_missing", "", str(error)) from error


def _page(
    rng: np.random.Generator, lines: tuple[str, ...], width: int, *, ink: float, marks: tuple[float, float]
) -> tuple[Plane, tuple[int, int]]:
    """Return the page's texture and the top left texel of the square that is centred on the zone and as wide."""
    wide, high = (round(each / _PITCH_MM * _CELL) for each in _PAGE_MM[width])
    plane = _ground(rng, high, wide)
    _print_upper_part(rng, plane, width)
    step, count = float(rng.uniform(1.9, 2.6)), 3 if width == 30 else 2
    left = (wide - width * _CELL) / 2 + rng.uniform(-0.3, 0.3) * _CELL
    bottom = high - rng.uniform(1.2, 2.2) * _CELL
    middle = bottom - step * (count - 1) / 2 * _CELL - 0.5 * _CELL
    if lines:
        _print_zone(rng, plane, lines, at=(left, bottom, step), ink=ink, marks=marks)
    side = round(PITCH * width) * TEXEL
    return plane, (round(left + (width * _CELL - side) / 2), round(middle - side / 2))


def _ground(rng: np.random.Generator, high: int, wide: int) -> Plane:
    wave = smooth_noise(rng, high, wide, 6)
    yy, xx = np.mgrid[0:high, 0:wide].astype(np.float32) / _CELL
    curls = 0.5 + 0.5 * np.sin(2 * np.pi * (yy * rng.uniform(0.4, 1.2) + 2.5 * wave + 0.3 * np.sin(xx / 3)))
    return np.asarray(0.92 * (0.84 + 0.10 * wave - rng.uniform(0.0, 0.09) * curls), np.float32)


def _print_upper_part(rng: np.random.Generator, plane: Plane, width: int) -> None:
    """Print a portrait's place and lines of ordinary text above the zone: what a reader must not take for it."""
    high, wide = plane.shape
    top, bottom, left, right = (int(each) for each in (0.16 * high, 0.62 * high, 0.04 * wide, 0.28 * wide))
    plane[top:bottom, left:right] = 0.25 + 0.35 * smooth_noise(rng, bottom - top, right - left, 5)
    mask = Image.new("L", (wide, high), 0)
    draw = ImageDraw.Draw(mask)
    for row in range(6 if width == 30 else 8):
        text = make_payload(rng).replace("|", "  ")[: int(rng.integers(12, 34))].upper()
        size = _CELL * rng.uniform(0.7, 1.1)
        at = (0.33 * wide, (0.08 + 0.065 * row) * high)
        draw.text(at, text.encode("ascii", "ignore").decode(), font=ImageFont.load_default(size=size), fill=230)
    plane += np.asarray(mask, np.float32) / 255 * (0.08 - plane)


def _print_zone(
    rng: np.random.Generator,
    plane: Plane,
    lines: tuple[str, ...],
    *,
    at: tuple[float, float, float],
    ink: float,
    marks: tuple[float, float],
) -> None:
    """Print the lines, the last one's foot at ``at`` (left, bottom, distance of lines in pitches); ``marks``: shares rubbed off and dirty."""
    left, bottom, step = at
    font = ocr_b(_FACES[int(rng.integers(len(_FACES)))], _CELL)
    mask = Image.new("L", plane.shape[::-1], 0)
    draw = ImageDraw.Draw(mask)
    for row, line in enumerate(lines):
        y = bottom - (len(lines) - 1 - row) * step * _CELL
        for column, sign in enumerate(line):
            draw.text((left + column * _CELL, y), sign, font=font, fill=255, anchor="ls")
    alpha = _weighted(rng, np.asarray(mask))
    box = (left, bottom - step * (len(lines) - 1) * _CELL - _CELL, len(lines[0]) * _CELL)
    wear, dirt = marks
    if wear:
        alpha = np.asarray(alpha * (1 - _marks(rng, alpha.shape, wear, box=box)), np.float32)
    plane += alpha * (ink - plane)
    if dirt:
        plane += _marks(rng, alpha.shape, dirt, box=box) * float(rng.uniform(0.5, 1.0)) * (ink - plane)


def _weighted(rng: np.random.Generator, mask: Any) -> Plane:
    """Return the print a little bolder or thinner than the font, with a soft edge and uneven ink."""
    weight = rng.uniform(-1.3, 1.6)  # texels; a stroke is six
    size = 2 * round(abs(weight)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    inked: Any = (cv2.dilate if weight > 0 else cv2.erode)(mask, kernel)
    soft: Any = cv2.GaussianBlur(inked.astype(np.float32) / 255, (0, 0), float(rng.uniform(0.5, 1.4)))
    return np.asarray(soft * (0.8 + 0.2 * smooth_noise(rng, mask.shape[0], mask.shape[1], 24)), np.float32)


def _marks(rng: np.random.Generator, shape: tuple[int, int], share: float, *, box: tuple[float, float, float]) -> Plane:
    """Return specks and scratches (0 to 1) that cover the ``share`` of the zone."""
    left, top, width = box
    marked = np.zeros(shape, np.uint8)
    high = shape[0] - top
    target = share * width * high
    while marked.sum() < target:
        x, y = left + rng.random() * width, top + rng.random() * high
        if rng.random() < 0.6:
            axes = (rng.uniform(0.04, 0.3, 2) * _CELL).astype(int) + 1
            cv2.ellipse(marked, (int(x), int(y)), axes.tolist(), rng.uniform(0, 180), 0, 360, 1, -1)
        else:
            end = (int(x + rng.normal(0, 3) * _CELL), int(y + rng.normal(0, 1) * _CELL))
            cv2.line(marked, (int(x), int(y)), end, 1, max(1, round(rng.uniform(0.2, 0.7) * TEXEL)))
    soft: Any = cv2.GaussianBlur(marked.astype(np.float32), (0, 0), 1.0)
    return np.asarray(soft, np.float32)
