"""The MRZ measuring set: passports (TD3) and cards (TD1, TD2) in fourteen categories of trouble at five levels, from a seed.

- The ladder is that of ``card_set.py``: same categories, same figures, same camera, with the width of a printed stroke in the place of
  a QR module. Exceptions, for text has no spare codewords and print that is gone cannot be read: ``worn`` rubs off less than the cards'
  damage, and ``dirty`` lays dark matter on it instead (specks, hairs), a quarter as much: more than twice as many points change by it as by the
  wear, for nine tenths of a zone are paper; the two share one category's number of pictures. A glare burns the print out from level 3 on only, no finger covers it. ``turned`` is any angle,
  as large as fits.
- A document that would not fit into the frame is held further away. Every sixth still is 640x480 and shows a TD1 card.
- In ``none`` there is no zone: an ordinary page, or one with its zone missing. Anything read there is wrong.
- A picture depends only on (seed, category, level, number). New categories go at the end.

Example: ``make_zone_still(1, "mixed", level=2, number=0).grey``
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np

from luutru.benchmarks.card_scene import Grey, Scene, render
from luutru.benchmarks.card_set import CATEGORIES as CARD_CATEGORIES
from luutru.benchmarks.card_set import LEVELS
from luutru.benchmarks.mrz_page import PITCH, Page
from luutru.benchmarks.mrz_zones import make_lines
from residence.credentials.mrz_layout import SHAPES, MrzFormat

FORMATS: Final[tuple[MrzFormat, ...]] = ("TD3", "TD2", "TD1")
WEAR: Final = (0.002, 0.005, 0.01, 0.02, 0.04)  # of the zone's area
DIRT: Final = tuple(each / 4 for each in WEAR)
_OF_CARDS: Final = ("clean", "small", "tilt", "motion", "defocus", "dim", "jpeg", "screen", "shadow", "none")
_MARGIN: Final = 1.06  # the zone and a little paper round it stay in view
Rng = np.random.Generator
Change = Callable[[Scene, int, Rng], Scene]


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneStill:
    """One frame and the lines that may be read in it; none means nothing may."""

    category: str
    level: int
    form: MrzFormat
    lines: tuple[str, ...]
    grey: Grey


def _turned(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, spin=r.uniform(0, 360), module_px=(3.2, 2.5, 2.0, 1.7, 1.45)[k], tilt=r.uniform(0, 20))


def _glare(s: Scene, k: int, r: Rng) -> Scene:
    radius = (0.07, 0.10, 0.13, 0.16, 0.20)[k] * r.uniform(0.9, 1.1)
    return replace(s, glare=radius, glare_peak=(0.15, 0.3, 0.45, 0.8, 1.4)[k] * r.uniform(0.8, 1.2))


def _mixed(s: Scene, k: int, r: Rng) -> Scene:
    s = CARD_CATEGORIES["mixed"](s, k, r)
    return replace(s, glare_peak=s.glare_peak * 0.3)


def _of_the_page(s: Scene, _k: int, _r: Rng) -> Scene:
    return s  # what is rubbed off or lies on it is the page's business


CATEGORIES: Final[dict[str, Change]] = {name: CARD_CATEGORIES[name] for name in _OF_CARDS} | {
    "turned": _turned,
    "worn": _of_the_page,
    "glare": _glare,
    "mixed": _mixed,
    "dirty": _of_the_page,
}


DAMAGE: Final = ("worn", "dirty")  # together they are the ladder's one category of damage, scratched or dirty


def pictures_of(categories: Iterable[str], each: int) -> Iterator[tuple[str, int, int]]:
    """Name the pictures (category, level, number) of a set with ``each`` of every category and level; worn and dirty share their number."""
    for number in range(each):
        for category in categories:
            if number < (each + 1) // 2 or category not in DAMAGE:
                yield from ((category, level, number) for level in range(LEVELS))


def make_zone_still(seed: int, category: str, *, level: int, number: int) -> ZoneStill:
    """Make one frame."""
    key = [seed, 7000 + list(CATEGORIES).index(category), level, number]
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
    form = FORMATS[number % 3]
    lines = make_lines(rng, form)
    scene = CATEGORIES[category](_usual(rng, small=number % 6 == 5), level, rng)
    scene = _placed(replace(scene, damage=0.0, finger=0.0, phone=False), form, rng)
    wear, dirt = WEAR[level] if category == "worn" else 0.0, DIRT[level] if category == "dirty" else 0.0
    grey, _ = render(scene, Page(scene, rng, lines=lines, wear=wear, dirt=dirt), rng)
    shown = () if scene.absent else lines
    return ZoneStill(category=category, level=level, form=form, lines=shown, grey=_through_jpeg(grey, scene.jpeg))


def _usual(rng: Rng, *, small: bool) -> Scene:
    s = Scene(width=640 if small else 1280, height=480 if small else 720)
    s = replace(s, module_px=rng.uniform(2.8, 4.0), tilt=rng.uniform(0, 14), tilt_axis=rng.uniform(0, 360))
    s = replace(s, spin=rng.uniform(-14, 14), light=rng.uniform(0.55, 0.9), ink=rng.uniform(0.03, 0.08))
    s = replace(s, noise=rng.uniform(0.002, 0.006), sharpen=rng.uniform(0.0, 0.6), motion_angle=rng.uniform(0, 180))
    return replace(s, defocus=rng.uniform(0.0, 0.12), jpeg=int(rng.integers(80, 95)))


def _placed(scene: Scene, form: MrzFormat, rng: Rng) -> Scene:
    """Return the scene with the document as near as asked or as fits, and the zone somewhere wholly in view."""
    rows, signs = next(shape for shape, each in SHAPES.items() if each == form)
    long, tall = PITCH * signs * _MARGIN, PITCH * (2.6 * (rows - 1) + 1.5)
    turn, lean = math.radians(scene.spin), 1 + 0.7 * math.sin(math.radians(scene.tilt))  # a tilted page's near side is larger
    wide = (abs(math.cos(turn)) * long + abs(math.sin(turn)) * tall) * lean
    high = (abs(math.sin(turn)) * long + abs(math.cos(turn)) * tall) * lean
    px = min(scene.module_px, scene.width / wide, scene.height / high)
    slack = np.array([max(0.0, scene.width - wide * px), max(0.0, scene.height - high * px)])
    centre = np.array([scene.width, scene.height]) / 2 + slack * rng.uniform(-0.5, 0.5, 2)
    return replace(scene, module_px=px, cx=float(centre[0]), cy=float(centre[1]))


def _through_jpeg(grey: Grey, quality: int) -> Grey:
    data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    decoded: Any = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return np.asarray(decoded, np.uint8)


__all__ = ["CATEGORIES", "FORMATS", "LEVELS", "ZoneStill", "make_zone_still", "pictures_of"]
