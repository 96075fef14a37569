"""Renders camera-like grey frames of a card in a hand: perspective, focus, motion, light, glare, shadow and noise.

- Cheap enough for a kiosk: one 1280x720 frame takes some ten milliseconds; all in 8 bit. (The measuring set of
  ``luutru/benchmarks/card_set.py`` renders in linear light, with every nuisance at five levels, at twenty times the cost.)
- A frame depends only on its card, its ``Pose``, the ``Difficulty`` and a seed; the same numbers give the same picture.
- Difficulty 0 is a well-lit, well-focused kiosk; 4 is far, shaken, dim and glaring, and often unreadable for a second or two.

Example: ``Studio(size=(1280, 720), seed=7).render(CardPrint(draw_card(payload)), Pose(x=640, y=360), DIFFICULTIES[1], shot=3)``
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_agent.sim.printing import CARD_MM

Grey = NDArray[np.uint8]
_SHADOW_SHRINK: Final = 8
_NOISE_MARGIN: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Difficulty:
    """What the camera and the hand do to a card that is held still."""

    width_share: float  # card's width as a share of the frame's
    shake: float  # pixels between two frames
    blur: float  # Gaussian sigma in pixels when the focus rests
    motion: float  # motion blur in pixels for each pixel of shake
    noise: float  # grey levels
    light: float  # exposure, 1 is just right
    glare: float  # strength of the lamp's reflection, 0 to 1


DIFFICULTIES: Final = (
    Difficulty(width_share=0.68, shake=0.8, blur=0.5, motion=0.3, noise=2.0, light=1.0, glare=0.0),
    Difficulty(width_share=0.64, shake=1.6, blur=0.7, motion=0.4, noise=3.5, light=0.95, glare=0.25),
    Difficulty(width_share=0.58, shake=2.6, blur=0.9, motion=0.5, noise=5.0, light=0.8, glare=0.45),
    Difficulty(width_share=0.50, shake=3.6, blur=1.0, motion=0.6, noise=7.0, light=0.6, glare=0.6),
    Difficulty(width_share=0.44, shake=5.0, blur=1.2, motion=0.7, noise=9.0, light=0.42, glare=0.75),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """Where the card is: centre in pixels, size against its held size, tilts and spin in degrees, extra blur and motion in pixels."""

    x: float
    y: float
    scale: float = 1.0
    tilt_x: float = 0.0
    tilt_y: float = 0.0
    spin: float = 0.0
    blur: float = 0.0
    motion: float = 0.0
    motion_angle: float = 0.0


class CardPrint:
    """A drawn card as grey texture and coverage, with the thumb that holds it."""

    def __init__(self, drawing: Image.Image) -> None:
        colours = np.asarray(drawing.convert("RGBA"))
        self.grey: Grey = cv2.cvtColor(np.ascontiguousarray(colours[..., :3]), cv2.COLOR_RGB2GRAY)  # type: ignore[assignment]
        self.cover: Grey = np.ascontiguousarray(colours[..., 3])
        self._hold()

    def _hold(self) -> None:
        """Add a thumb over the bottom edge, left of the middle, and let it reach out of the card."""
        height, width = self.grey.shape
        below = height // 2
        self.grey = np.pad(self.grey, ((0, below), (0, 0)))
        self.cover = np.pad(self.cover, ((0, below), (0, 0)))
        centre, axes = (int(width * 0.155), int(height * 1.29)), (int(width * 0.056), int(height * 0.42))
        thumb = np.zeros_like(self.grey)
        cv2.ellipse(thumb, centre, axes, 8, 0, 360, 255, -1)
        shade = cv2.GaussianBlur(thumb, (0, 0), width * 0.012).astype(np.float32) / 255
        self.grey = (self.grey * (1 - 0.35 * shade)).astype(np.uint8)
        skin = 118 + 60 * cv2.GaussianBlur(thumb, (0, 0), width * 0.02).astype(np.float32) / 255
        self.grey = np.where(thumb > 0, skin, self.grey).astype(np.uint8)
        self.cover = np.maximum(self.cover, thumb)
        nail = (centre[0] + int(width * 0.032), int(height * 0.945))
        cv2.ellipse(self.grey, nail, (int(width * 0.027), int(height * 0.048)), 8, 0, 360, 196, -1, cv2.LINE_AA)

    @property
    def card_height(self) -> float:
        """Return the height of the card itself, without the thumb below it, in texture pixels."""
        return float(self.grey.shape[1] * CARD_MM[1] / CARD_MM[0])


class Studio:
    """A lobby behind the card, a lamp, and the camera's noise; made once from a seed."""

    def __init__(self, *, size: tuple[int, int] = (1280, 720), seed: int = 0) -> None:
        self.size: Final = size
        chance = np.random.default_rng([seed, 1])
        width, height = size
        self._room = _lobby(chance, width, height)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        lamp = 1.08 - 0.35 * np.hypot((x - width * 0.4) / width, (y - height * 0.25) / height)
        self._lamp = np.clip(lamp * 200, 0, 255).astype(np.uint8)
        spread = chance.standard_normal((height + _NOISE_MARGIN, width + _NOISE_MARGIN)).astype(np.float32)
        self._noise = spread * 32

    def empty(self, difficulty: Difficulty, *, shot: int) -> Grey:
        """Render the lobby with nobody in front of the camera."""
        return self._expose(self._room, difficulty, shot)

    def render(self, card: CardPrint, pose: Pose, difficulty: Difficulty, *, shot: int) -> Grey:
        """Render one frame (uint8, height by width); ``shot`` picks the noise."""
        warp = self._projection(card, pose, difficulty)
        picture = cv2.warpPerspective(card.grey, warp, self.size, flags=cv2.INTER_LINEAR)
        cover = cv2.warpPerspective(card.cover, warp, self.size, flags=cv2.INTER_LINEAR)
        scene = self._with_shadow(cover)
        scene = cv2.add(cv2.multiply(picture, cover, scale=1 / 255), cv2.multiply(scene, 255 - cover, scale=1 / 255))
        scene = self._with_glare(scene, pose, difficulty)
        scene = cv2.GaussianBlur(scene, (0, 0), max(0.4, difficulty.blur + pose.blur))
        if pose.motion > 1:
            scene = cv2.filter2D(scene, -1, _line(pose.motion, pose.motion_angle), borderType=cv2.BORDER_REFLECT)
        return self._expose(scene, difficulty, shot)

    def _projection(self, card: CardPrint, pose: Pose, difficulty: Difficulty) -> NDArray[np.float64]:
        """Return the homography from texture pixels to frame pixels of a pinhole camera 53 degrees wide."""
        width, height = self.size
        focal = float(width)
        rotation = (
            cv2.Rodrigues(np.radians([pose.tilt_x, pose.tilt_y, 0.0]))[0] @ cv2.Rodrigues(np.radians([0.0, 0.0, pose.spin]))[0]
        )
        distance = focal / (difficulty.width_share * pose.scale * width)  # in card widths
        centre = np.array([(pose.x - width / 2) / focal * distance, (pose.y - height / 2) / focal * distance, distance])
        camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
        plane = camera @ np.column_stack([rotation[:, 0], rotation[:, 1], centre])
        across = card.grey.shape[1]
        to_plane = np.array([[1 / across, 0, -0.5], [0, 1 / across, -0.5 * card.card_height / across], [0, 0, 1.0]])
        return np.asarray(plane @ to_plane)

    def _with_shadow(self, cover: Any) -> Any:
        """Darken the room a little behind and below the card."""
        width, height = self.size
        small = cv2.resize(cover, (width // _SHADOW_SHRINK, height // _SHADOW_SHRINK), interpolation=cv2.INTER_AREA)
        small = np.roll(cv2.GaussianBlur(small, (0, 0), 4), (3, 3), (0, 1))
        soft = cv2.resize(255 - (small // 3), (width, height), interpolation=cv2.INTER_LINEAR)
        return cv2.multiply(self._room, soft, scale=1 / 255)

    def _with_glare(self, scene: Any, pose: Pose, difficulty: Difficulty) -> Any:
        """Add the lamp's reflection, which wanders over the card as it tilts."""
        if not difficulty.glare:
            return scene
        width, height = self.size
        spot = np.zeros((height // _SHADOW_SHRINK, width // _SHADOW_SHRINK), np.uint8)
        at = (pose.x + width * (0.16 + pose.tilt_y / 60), pose.y - height * (0.02 - pose.tilt_x / 50))
        centre = (int(at[0] / _SHADOW_SHRINK), int(at[1] / _SHADOW_SHRINK))
        cv2.ellipse(spot, centre, (width // 90, height // 70), 25, 0, 360, int(255 * difficulty.glare), -1)
        spot = cv2.GaussianBlur(spot, (0, 0), width / 240)  # type: ignore[assignment]
        return cv2.add(scene, cv2.resize(spot, (width, height), interpolation=cv2.INTER_LINEAR))

    def _expose(self, scene: Any, difficulty: Difficulty, shot: int) -> Grey:
        lit = cv2.multiply(scene, self._lamp, scale=difficulty.light / 200)
        width, height = self.size
        left, top = shot * 29 % _NOISE_MARGIN, shot * 17 % _NOISE_MARGIN
        grain = self._noise[top : top + height, left : left + width]
        noisy: Grey = cv2.addWeighted(lit, 1.0, grain, difficulty.noise / 32, 0, dtype=cv2.CV_8U)  # type: ignore[assignment]
        return noisy


def _line(length: float, angle: float) -> NDArray[np.float32]:
    side = (math.ceil(length) + 2) | 1
    kernel = np.zeros((side, side), np.float32)
    middle = side // 2
    step = length / 2 * np.array([math.cos(angle), math.sin(angle)])
    start, end = ((round(middle + way * step[0]), round(middle + way * step[1])) for way in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA)
    return kernel / np.float32(kernel.sum())


def _lobby(chance: np.random.Generator, width: int, height: int) -> Grey:
    """Paint a lobby out of focus: a wall, a floor, a door, a window and some things in the way."""
    room = np.full((height, width), 96, np.float32)
    room[int(height * 0.72) :] = 62
    window, door = (0.70, 0.06, 0.96, 0.50), (0.08, 0.14, 0.30, 0.74)
    for (left, top, right, bottom), tone in ((window, 205.0), (door, 48.0)):
        corner, opposite = (int(left * width), int(top * height)), (int(right * width), int(bottom * height))
        cv2.rectangle(room, corner, opposite, tone, -1)
        cv2.rectangle(room, corner, opposite, tone * 0.6, 9)
    for _ in range(7):
        x, y = int(chance.uniform(0, width)), int(chance.uniform(0.55, 0.95) * height)
        wide, high = int(chance.uniform(0.02, 0.09) * width), int(chance.uniform(0.05, 0.22) * height)
        cv2.rectangle(room, (x, y - high), (x + wide, y), float(chance.uniform(25, 150)), -1)
    blurred = cv2.GaussianBlur(room, (0, 0), width / 110)
    return np.clip(blurred, 0, 255).astype(np.uint8)
