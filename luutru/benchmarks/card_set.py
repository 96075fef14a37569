"""The measuring set: card-like frames in fourteen categories of trouble at five levels each, and clips, all from a seed.

- A picture depends only on (seed, category, level, number), a clip on (seed, number): a larger set contains the smaller one,
  and another seed is another set of the same difficulty. New categories go at the end, or all later ones change.
- Every third still is 640x480, the rest 1280x720; three codes in ten have level M, the rest L.
- In ``none`` there is no readable code: anything read there is wrong.
- A clip is a card brought in from far and blurred, held by a trembling hand while the autofocus hunts; severity = number modulo 5.
- Frames are made in memory and handed over as the camera's JPEG decodes; none is stored.

Example: ``make_still(1, "mixed", level=2, number=0).grey``
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from luutru.benchmarks.card_scene import Grey, Scene, Subject, render

LEVELS: Final = 5
CLIP_RATE: Final = 30.0
Rng = np.random.Generator


@dataclass(frozen=True, kw_only=True, slots=True)
class Still:
    """One frame, what may be read in it (nothing when empty), and the code's corners (4, 2) in the code's own order."""

    category: str
    level: int
    payload: str
    grey: Grey
    corners: NDArray[np.float64]


def _clean(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, module_px=(5.5, 4.5, 3.8, 3.2, 2.8)[k], tilt=r.uniform(0, 6))


def _small(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, module_px=(2.2, 1.8, 1.5, 1.3, 1.15)[k] * r.uniform(0.97, 1.03), tilt=r.uniform(0, 6), defocus=0.0)


def _tilt(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, tilt=(30, 40, 50, 58, 65)[k] + r.uniform(-3, 3), module_px=r.uniform(3.2, 4.4))


def _rotate(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, spin=r.uniform(0, 360), module_px=(3.2, 2.5, 2.0, 1.7, 1.45)[k], tilt=r.uniform(0, 20))


def _motion(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, motion=(0.6, 0.9, 1.2, 1.5, 1.9)[k] * r.uniform(0.9, 1.1))


def _defocus(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, defocus=(0.35, 0.5, 0.65, 0.8, 0.95)[k] * r.uniform(0.95, 1.05))


def _glare(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, glare=(0.07, 0.10, 0.13, 0.16, 0.20)[k] * r.uniform(0.9, 1.1), glare_peak=r.uniform(1.0, 2.5))


def _dim(s: Scene, k: int, r: Rng) -> Scene:
    veil = (0.0, 0.01, 0.01, 0.015, 0.02)[k] * r.uniform(0.5, 1.5)
    return replace(
        s, light=(0.30, 0.16, 0.09, 0.055, 0.035)[k], veil=veil, noise=(0.006, 0.008, 0.009, 0.010, 0.011)[k], shot=0.0015
    )


def _jpeg(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, jpeg=(26, 16, 10, 7, 5)[k], module_px=r.uniform(1.9, 3.0))


def _screen(s: Scene, k: int, r: Rng) -> Scene:
    grid, bands = (0.10, 0.2, 0.32, 0.45, 0.6)[k], (0.1, 0.25, 0.4, 0.55, 0.7)[k]
    veil, glare = r.uniform(0.01, 0.06), r.uniform(0.1, 0.3)
    return replace(
        s, phone=True, grid=grid, bands=bands, veil=veil, glare=glare, glare_peak=(0.05, 0.1, 0.2, 0.3, 0.4)[k], ink=0.02
    )


def _shadow(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, shadow=(0.45, 0.28, 0.18, 0.11, 0.06)[k] * r.uniform(0.9, 1.1), light=r.uniform(0.8, 1.15))


def _damage(s: Scene, k: int, r: Rng) -> Scene:
    return replace(s, damage=(0.02, 0.05, 0.09, 0.13, 0.18)[k], finger=(0, 0.05, 0.1, 0.15, 0.2)[k] if r.random() < 0.5 else 0.0)


def _mixed(s: Scene, k: int, r: Rng) -> Scene:
    motion = (0.2, 0.35, 0.5, 0.65, 0.8)[k] * r.uniform(0.6, 1.2)
    defocus = (0.15, 0.22, 0.3, 0.38, 0.45)[k] * r.uniform(0.6, 1.2)
    s = replace(s, module_px=(2.9, 2.6, 2.35, 2.15, 1.95)[k], motion=motion, defocus=defocus, shot=0.0012, grid=0.05)
    s = replace(s, noise=r.uniform(0.004, 0.012), light=r.uniform(0.2, 0.9), veil=r.uniform(0, 0.04), tilt=r.uniform(0, 30))
    s = replace(s, spin=r.uniform(-40, 40), shadow=r.uniform(0.35, 1.0), glare=r.uniform(0, 0.08), glare_peak=r.uniform(0.2, 1.2))
    return replace(
        s, jpeg=int(r.integers(45, 85)), damage=r.uniform(0, 0.02), phone=bool(r.random() < 0.25), bands=r.uniform(0, 0.25)
    )


def _none(s: Scene, _k: int, r: Rng) -> Scene:
    return replace(s, absent=True, phone=bool(r.random() < 0.3), module_px=r.uniform(2.0, 5.0), spin=r.uniform(0, 360))


CATEGORIES: Final[dict[str, Callable[[Scene, int, Rng], Scene]]] = {
    "clean": _clean,
    "small": _small,
    "tilt": _tilt,
    "rotate": _rotate,
    "motion": _motion,
    "defocus": _defocus,
    "glare": _glare,
    "dim": _dim,
    "jpeg": _jpeg,
    "screen": _screen,
    "shadow": _shadow,
    "damage": _damage,
    "mixed": _mixed,
    "none": _none,
}


def make_still(seed: int, category: str, *, level: int, number: int) -> Still:
    """Make one frame."""
    rng = _generator(seed, list(CATEGORIES).index(category), level, number)
    scene = CATEGORIES[category](_usual(rng, number), level, rng)
    subject = Subject(scene, rng)
    grey, corners = render(scene, subject, rng)
    return Still(category=category, level=level, payload=subject.payload, grey=_through_jpeg(grey, scene.jpeg), corners=corners)


def make_clip(seed: int, number: int) -> tuple[str, Iterator[Grey]]:
    """Return a clip's payload and its endless frames at ``CLIP_RATE`` a second; take as many as the clip shall last."""
    rng = _generator(seed, 1000, number)
    scene = _clip_scene(rng)
    subject = Subject(scene, rng)
    return subject.payload, _clip_frames(scene, subject, number % LEVELS, rng)


def _generator(*key: int) -> Rng:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(list(key))))


def _through_jpeg(grey: Grey, quality: int) -> Grey:
    data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    decoded: NDArray[np.uint8] = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)  # type: ignore[assignment]
    return decoded


def _usual(rng: Rng, number: int) -> Scene:
    small = number % 3 == 2
    s = Scene(width=640 if small else 1280, height=480 if small else 720, level="LM"[int(rng.random() < 0.3)])
    s = replace(
        s, module_px=rng.uniform(2.8, 4.0), tilt=rng.uniform(0, 14), tilt_axis=rng.uniform(0, 360), spin=rng.uniform(-14, 14)
    )
    s = replace(s, light=rng.uniform(0.55, 0.9), ink=rng.uniform(0.03, 0.08), noise=rng.uniform(0.002, 0.006))
    s = replace(s, sharpen=rng.uniform(0.0, 0.6), motion_angle=rng.uniform(0, 180), defocus=rng.uniform(0.0, 0.12))
    return replace(s, jpeg=int(rng.integers(80, 95)))


def _clip_scene(rng: Rng) -> Scene:
    s = Scene(level="LM"[int(rng.random() < 0.3)], phone=bool(rng.random() < 0.25), light=rng.uniform(0.45, 0.9))
    s = replace(s, ink=rng.uniform(0.03, 0.08), noise=rng.uniform(0.003, 0.008), shot=0.001, sharpen=rng.uniform(0, 0.5))
    s = replace(s, damage=rng.uniform(0, 0.02), jpeg=int(rng.integers(60, 90)))
    return replace(s, grid=rng.uniform(0.03, 0.15), bands=rng.uniform(0, 0.3), ink=0.02) if s.phone else s


def _clip_frames(s: Scene, subject: Subject, severity: int, rng: Rng) -> Iterator[Grey]:
    hold = (3.2, 2.8, 2.5, 2.25, 2.05)[severity] * rng.uniform(0.96, 1.04)
    shake = (0.6, 1.0, 1.5, 2.1, 2.8)[severity]  # pixels per frame while held
    blur_rest = (0.1, 0.2, 0.28, 0.36, 0.44)[severity]
    hunt = (0.8, 1.0, 1.2, 1.4, 1.6)[severity]
    shutter = (0.3, 0.4, 0.5, 0.6, 0.75)[severity]  # share of the frame time the sensor is open
    settle = rng.uniform(0.25, 0.45)  # seconds
    centre = np.array([s.width, s.height]) * rng.uniform(0.38, 0.62, 2)
    way = rng.uniform(0, 2 * math.pi)
    start = np.array([math.cos(way), math.sin(way)]) * s.width * 0.5
    tilt, spin, jitter = np.array([rng.uniform(-25, 25), rng.uniform(-25, 25)]), rng.uniform(-20, 20), np.zeros(2)
    swing, phase, hum = np.zeros(2), rng.uniform(0, 6), rng.uniform(1.2, 2.2)
    glare, last, number = rng.uniform(0.05, 0.12), None, 0
    while True:
        t = number / CLIP_RATE
        fade = math.exp(-t / settle)
        jitter = 0.8 * jitter + rng.normal(0, shake, 2)
        swing = 0.9 * swing + rng.normal(0, 0.5 + 0.35 * severity, 2)
        at = centre + start * fade + jitter
        lean = tilt * (0.35 + 0.65 * fade) + swing
        speed = np.zeros(2) if last is None else at - last
        last, px = at, hold * (1 - 0.45 * fade)
        scene = replace(
            s,
            cx=float(at[0]),
            cy=float(at[1]),
            module_px=px,
            tilt=float(np.hypot(*lean)),
            tilt_axis=math.degrees(math.atan2(lean[1], lean[0])),
            spin=spin * (0.4 + 0.6 * fade),
            motion=float(np.hypot(*speed)) * shutter / px,
            motion_angle=math.degrees(math.atan2(speed[1], speed[0])),
            defocus=blur_rest * (0.75 + 0.25 * math.sin(2 * math.pi * hum * t + phase)) + hunt * fade,
            glare=glare,
            glare_peak=1.2,
        )
        subject.glare_at = np.array([0.1, -0.1]) + lean[::-1] / 22
        grey, _ = render(scene, subject, rng)
        yield _through_jpeg(grey, s.jpeg)
        number += 1
