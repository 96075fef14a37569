"""One frame of the measuring set: a card in 3-D before a pinhole camera, in linear light, through a real camera's chain.

- The order is the one in which things happen to light: plane, fingertip, shadow, exposure, bands, glare, veil, defocus,
  motion, lens, shot and read noise, gamma, sharpening. JPEG follows in ``card_set.py``.
- ``module`` is the side of one QR module; sizes of blur and blemishes are given in modules, so that levels mean the same for
  every code.
- Not in the model: bent cards, lens distortion, rolling-shutter skew, colour, several codes in view.

Example: ``render(Scene(module_px=2.5), Subject(Scene(), rng), rng)``
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from luutru.benchmarks.card_texture import TEXEL, Plane, backdrop, card_texture, make_payload, make_qr, smooth_noise

Grey = NDArray[np.uint8]
_SUPER: Final = 3  # supersampling of the projection
_GAMMA: Final = 2.2


@dataclass
class Scene:
    """Everything that may be wrong with a frame."""

    width: int = 1280
    height: int = 720
    level: str = "L"
    phone: bool = False
    module_px: float = 3.3  # camera pixels per module where the code is, before tilt
    tilt: float = 0.0  # degrees away from the camera
    tilt_axis: float = 0.0  # degrees
    spin: float = 0.0  # degrees in the image plane
    motion: float = 0.0  # blur length, in modules
    motion_angle: float = 0.0
    defocus: float = 0.0  # blur disk radius, in modules
    light: float = 0.85  # exposure of white paper, 1 = clipping
    veil: float = 0.0  # stray light added everywhere
    ink: float = 0.045
    shadow: float = 1.0  # what is left of the light inside the shadow
    glare: float = 0.0  # glare spot radius, as a share of the code's side
    glare_peak: float = 0.0
    noise: float = 0.004  # read noise in linear light
    shot: float = 0.0006  # shot noise: variance per unit of light
    sharpen: float = 0.3
    grid: float = 0.0  # visibility of the phone screen's pixel grid (moire)
    bands: float = 0.0  # rolling bands of a dimmed screen or of mains-driven light
    damage: float = 0.0  # share of the code's area scratched or dirty
    finger: float = 0.0  # how far a fingertip reaches over the code, as a share of its side
    jpeg: int = 92
    absent: bool = False  # no readable code in the frame
    cx: float = -1.0  # where the code's centre is, -1 = anywhere
    cy: float = -1.0


class Subject:
    """What does not change between the frames of one clip: payload, code, card, backdrop."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.payload = make_payload(rng)
        self.qr = make_qr(self.payload, scene.level)
        self.modules = self.qr.shape[0]
        self.texture, self.at = card_texture(rng, self.qr, damage=scene.damage, paper=0.92, ink=scene.ink, phone=scene.phone)
        if scene.absent:
            self._spoil(rng)
        self.back = backdrop(rng, scene.height, scene.width)
        self.shadow_cut = rng.uniform(-0.3, 0.3)
        self.shadow_angle = rng.uniform(0, 360)
        self.glare_at = rng.uniform(-0.42, 0.42, 2)
        self.glare_shape = (rng.uniform(0.5, 1.6), rng.uniform(0, 180))
        self.finger_edge, self.finger_slide = int(rng.integers(4)), rng.uniform(-0.3, 0.3)
        self.grid_pitch = rng.uniform(0.8, 2.4)
        self.band_period = rng.uniform(40, 160)

    def _spoil(self, rng: np.random.Generator) -> None:
        """Leave no readable code: blank it, scramble it, or cover its right part with one finder."""
        side = TEXEL * self.modules
        x, y = self.at
        patch = self.texture[y : y + side, x : x + side]
        kind = rng.integers(3)
        if kind == 0:
            patch[:] = 0.4 + 0.4 * smooth_noise(rng, side, side, 7)
        elif kind == 1:
            data = (rng.random((self.modules, self.modules)) < 0.5).astype(np.float32)
            patch[:] = np.kron(np.where(data > 0, 0.05, 0.9), np.ones((TEXEL, TEXEL))).astype(np.float32)
        else:
            patch[:, int(side * rng.uniform(0.35, 0.6)) :] = 0.5
        self.payload = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _View:
    """One frame under construction: the homography from code plane to pixels, and pixel coordinates."""

    scene: Scene
    subject: Subject
    plane_to_pixel: NDArray[np.float64]
    corners: NDArray[np.float64]
    yy: Plane
    xx: Plane

    @property
    def side_px(self) -> float:
        return float(self.scene.module_px * self.subject.modules)

    def at(self, points: Any) -> NDArray[np.float64]:
        """Return where points of the plane (in modules, origin at the code's centre) stand in the picture."""
        return _project(self.plane_to_pixel, points)


def render(scene: Scene, subject: Subject, rng: np.random.Generator) -> tuple[Grey, NDArray[np.float64]]:
    """Return one frame (uint8 grey) and the code's four corners in it (top left, top right, bottom right, bottom left)."""
    n = subject.modules
    square = np.array([[-n / 2, -n / 2], [n / 2, -n / 2], [n / 2, n / 2], [-n / 2, n / 2]])
    plane_to_pixel = _pose(scene, _centre(scene, square, rng))
    yy, xx = np.mgrid[0 : scene.height, 0 : scene.width].astype(np.float32)
    view = _View(
        scene=scene, subject=subject, plane_to_pixel=plane_to_pixel, corners=_project(plane_to_pixel, square), yy=yy, xx=xx
    )
    light = _illuminated(view, _reflected(view), rng)
    return _sensed(scene, _through_lens(scene, light), rng), view.corners


def _centre(scene: Scene, square: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    if scene.cx >= 0:
        return scene.cx, scene.cy
    w, h = scene.width, scene.height  # anywhere, but wholly in view
    probe = _project(_pose(scene, (w / 2, h / 2)), square * 1.1) - [w / 2, h / 2]
    low, high = -probe.min(0) + 4, np.array([w, h]) - probe.max(0) - 4
    middle = (low + high) / 2
    low, high = np.minimum(low, middle), np.maximum(high, middle)
    x, y = low + (high - low) * rng.random(2)
    return float(x), float(y)


def _pose(scene: Scene, centre: tuple[float, float]) -> NDArray[np.float64]:
    """Return the homography from plane coordinates (modules, origin at the code's centre) to pixels."""
    f = scene.width * 1.0
    tilt, axis, spin = (math.radians(value) for value in (scene.tilt, scene.tilt_axis, scene.spin))
    lean, _ = cv2.Rodrigues(np.array([math.cos(axis), math.sin(axis), 0.0]) * tilt)
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.0, spin]))
    rotation = lean @ turn
    z = f / scene.module_px
    t = np.array([(centre[0] - scene.width / 2) / f * z, (centre[1] - scene.height / 2) / f * z, z])
    camera = np.array([[f, 0, scene.width / 2], [0, f, scene.height / 2], [0, 0, 1.0]])
    return np.asarray(camera @ np.column_stack([rotation[:, 0], rotation[:, 1], t]))


def _project(homography: NDArray[np.float64], points: Any) -> NDArray[np.float64]:
    q = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(q[:, :2] / q[:, 2:])


def _reflected(view: _View) -> Any:
    """Return what the plane, a finger on it and the backdrop reflect: texture, supersampled, then down to sensor pixels."""
    scene, subject, n = view.scene, view.subject, view.subject.modules
    x, y = subject.at
    to_plane = np.array([[1 / TEXEL, 0, -x / TEXEL - n / 2], [0, 1 / TEXEL, -y / TEXEL - n / 2], [0, 0, 1]])
    half = np.array([[_SUPER, 0, (_SUPER - 1) / 2], [0, _SUPER, (_SUPER - 1) / 2], [0, 0, 1]])
    full = half @ view.plane_to_pixel @ to_plane
    big, size = (scene.width * _SUPER, scene.height * _SUPER), (scene.width, scene.height)

    def seen(texture: Any) -> Any:
        return cv2.resize(cv2.warpPerspective(texture, full, big, flags=cv2.INTER_LINEAR), size, interpolation=cv2.INTER_AREA)

    plane = seen(subject.texture)
    alpha = seen(np.full(subject.texture.shape, 255, np.uint8)).astype(np.float32) / 255
    if scene.grid:
        plane *= _screen_grid(view)
    if scene.finger:
        mask = _finger(view)
        plane += mask * (0.38 - plane)
    return plane * alpha + subject.back * (1 - alpha)


def _screen_grid(view: _View) -> Any:
    """Return the screen's pixels, sampled as the sensor samples them."""
    inv = np.linalg.inv(view.plane_to_pixel).astype(np.float32)
    d = inv[2, 0] * view.xx + inv[2, 1] * view.yy + inv[2, 2]
    u = (inv[0, 0] * view.xx + inv[0, 1] * view.yy + inv[0, 2]) / d
    v = (inv[1, 0] * view.xx + inv[1, 1] * view.yy + inv[1, 2]) / d
    pitch, grid = view.scene.module_px * view.subject.grid_pitch, view.scene.grid
    return (1 + grid * np.cos(2 * np.pi * pitch * u)) * (1 + grid * np.cos(2 * np.pi * pitch * v)) / (1 + grid) ** 2


def _finger(view: _View) -> Any:
    """Return the mask of a fingertip reaching in over one edge of the code."""
    scene, subject, n = view.scene, view.subject, view.subject.modules
    reach, half_width = n * (scene.finger - 0.5), 0.16 * n
    arc = np.linspace(-math.pi / 2, math.pi / 2, 19)
    tip = np.column_stack([reach - half_width + half_width * np.cos(arc), half_width * np.sin(arc)])
    aside = np.array([0, subject.finger_slide * n])
    outline = np.vstack([[-3 * n, -half_width], tip, [-3 * n, half_width]]) + aside
    a = subject.finger_edge * math.pi / 2
    outline = outline @ np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    mask = np.zeros((scene.height, scene.width), np.float32)
    cv2.fillPoly(mask, [view.at(outline).round().astype(np.int32)], 1.0)
    return cv2.GaussianBlur(mask, (0, 0), max(0.8, scene.module_px * 0.6))


def _illuminated(view: _View, light: Any, rng: np.random.Generator) -> Any:
    scene, subject = view.scene, view.subject
    if scene.shadow < 1:
        centre, angle = view.corners.mean(0), math.radians(subject.shadow_angle)
        along = (view.xx - centre[0]) * math.cos(angle) + (view.yy - centre[1]) * math.sin(angle)
        distance = along - subject.shadow_cut * view.side_px
        edge = np.clip(distance / (0.08 * view.side_px) + 0.5, 0, 1)
        light *= scene.shadow + (1 - scene.shadow) * edge
        light *= np.clip(1 - 0.25 * distance / view.side_px, 0.5, 1.25)
    light *= scene.light
    if scene.bands:
        light *= 1 - scene.bands * (0.5 + 0.5 * np.sin(2 * np.pi * (view.yy / subject.band_period + rng.random())))
    if scene.glare:
        light += _glare(view)
    light += scene.veil
    return light


def _glare(view: _View) -> Any:
    spot = view.at((view.subject.glare_at * view.subject.modules)[None])[0]
    ratio, turn = view.subject.glare_shape
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    gx, gy = (view.xx - spot[0]) * c + (view.yy - spot[1]) * s, (view.yy - spot[1]) * c - (view.xx - spot[0]) * s
    radius = view.scene.glare * view.side_px
    return view.scene.glare_peak * np.exp(-((gx / radius / ratio) ** 2 + (gy / radius * ratio) ** 2) / 2)


def _through_lens(scene: Scene, light: Any) -> Any:
    if scene.defocus:
        light = cv2.filter2D(light, -1, _disk(scene.defocus * scene.module_px), borderType=cv2.BORDER_REFLECT)
    if scene.motion:
        light = cv2.filter2D(
            light, -1, _streak(scene.motion * scene.module_px, scene.motion_angle), borderType=cv2.BORDER_REFLECT
        )
    return cv2.GaussianBlur(light, (0, 0), 0.45)  # lens and anti-alias filter


def _sensed(scene: Scene, light: Any, rng: np.random.Generator) -> Grey:
    sigma = np.sqrt(scene.noise**2 + scene.shot * np.clip(light, 0, 1))
    light = light + sigma * rng.standard_normal((scene.height, scene.width), np.float32)
    grey: Any = np.clip(light, 0, 1) ** (1 / _GAMMA) * 255
    if scene.sharpen:
        grey = grey + scene.sharpen * (grey - cv2.GaussianBlur(grey, (0, 0), 1.1))
    return np.asarray(np.clip(grey, 0, 255).round().astype(np.uint8))


def _streak(length: float, angle: float) -> Plane:
    n = (math.ceil(length) + 2) | 1
    big = np.zeros((n * 8, n * 8), np.float32)
    c, d = n * 4, length * 4
    dx, dy = d * math.cos(math.radians(angle)), d * math.sin(math.radians(angle))
    cv2.line(big, (round(c - dx), round(c - dy)), (round(c + dx), round(c + dy)), 1.0, 8)
    kernel: Any = cv2.resize(big, (n, n), interpolation=cv2.INTER_AREA)
    return np.asarray(kernel / kernel.sum())


def _disk(radius: float) -> Plane:
    n = 2 * math.ceil(radius) + 3
    big = np.zeros((n * 8, n * 8), np.float32)
    cv2.circle(big, (n * 4, n * 4), max(1, round(radius * 8)), 1.0, -1)
    kernel: Any = cv2.resize(big, (n, n), interpolation=cv2.INTER_AREA)
    return np.asarray(kernel / kernel.sum())
