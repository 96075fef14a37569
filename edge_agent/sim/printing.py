"""The parts a sample card is printed from: paper with waves, text, code, star and silhouette, all in millimetres.

- Nothing here imitates a real emblem, hologram or portrait.
- ``SCALE`` pixels make a millimetre; positions are measured from the card's top left corner.

Example: ``write(card, (29, 20), "Họ và tên / Full name:", 1.9)``
"""

from __future__ import annotations

import math
from hashlib import sha256
from typing import Final, Literal

import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edge_agent.sim.fonts import load_font

Level = Literal["L", "M"]
Ink = tuple[int, int, int]
CARD_MM: Final = (85.6, 53.98)
SCALE: Final = 12  # pixels per millimetre of the drawing
INK: Final[Ink] = (28, 30, 36)
RED: Final[Ink] = (176, 32, 40)
GREY: Final[Ink] = (96, 100, 108)
_SMALLEST_TEXT: Final = 1.2  # mm
_MODULE_PIXELS: Final = 8
_QUIET_MODULES: Final = 2


def qr_modules(payload: str, level: Level) -> NDArray[np.uint8]:
    """Return the code's modules without quiet zone: 1 is dark, shape (n, n)."""
    code = segno.make(payload.encode("utf-8"), error=level, boost_error=False, micro=False, mode="byte")
    return np.array([list(row) for row in code.matrix], np.uint8)


def tint_of(payload: str) -> int:
    """Return 0 to 255, the same for the same card."""
    return sha256(payload.encode()).digest()[0]


def px(millimetres: float) -> int:
    """Return millimetres as pixels of the drawing."""
    return round(millimetres * SCALE)


def paper(payload: str, *, warm: tuple[int, int, int], cool: tuple[int, int, int]) -> Image.Image:
    """Make the card's ground: two tints flowing into each other under fine waves, a little different for each card."""
    width, height = px(CARD_MM[0]), px(CARD_MM[1])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / SCALE
    turn = tint_of(payload) / 255 * math.tau
    flow = 0.5 + 0.5 * np.sin(x / 19 + turn) * np.cos(y / 13 + turn / 2)
    waves = np.sin(math.tau * (y * 0.55 + 1.6 * np.sin(x / 9 + turn) + 0.7 * np.sin((x + y) / 5)))
    ground = flow[..., None] * np.array(warm, np.float32) + (1 - flow[..., None]) * np.array(cool, np.float32)
    ground = ground - 7 * (waves[..., None] > 0.72)  # noqa: PLR2004 -- how thin the printed lines are
    return Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8), "RGB")


def write(
    card: Image.Image, at: tuple[float, float], text: str, height: float, *, bold: bool = False, ink: Ink = INK, fit: float = 80.0
) -> None:
    """Write text ``height`` mm high with its top left ``at``; it is made smaller until it keeps to ``fit`` mm."""
    size = px(height)
    while load_font(size, bold=bold).getlength(text) > px(fit) and size > px(_SMALLEST_TEXT):
        size -= 1
    ImageDraw.Draw(card).text((px(at[0]), px(at[1])), text, font=load_font(size, bold=bold), fill=ink)


def paste_qr(card: Image.Image, payload: str, level: Level, *, at: tuple[float, float], side: float) -> None:
    """Print the code with its own top left ``at`` and ``side`` mm long, a narrow quiet zone of paper round it."""
    modules = qr_modules(payload, level)
    framed = np.pad(1 - modules, _QUIET_MODULES, constant_values=1) * np.uint8(255)
    fine = Image.fromarray(np.kron(framed, np.ones((_MODULE_PIXELS, _MODULE_PIXELS), np.uint8)))
    quiet = side * _QUIET_MODULES / modules.shape[0]
    edge = px(side + 2 * quiet)
    light = np.asarray(fine.resize((edge, edge), Image.Resampling.BOX), np.float32)[..., None] / 255
    dark, blank = np.array([24, 24, 30], np.float32), np.array([250, 250, 247], np.float32)
    card.paste(Image.fromarray((dark + light * (blank - dark)).astype(np.uint8), "RGB"), (px(at[0] - quiet), px(at[1] - quiet)))


def star(card: Image.Image, centre: tuple[float, float], radius: float) -> None:
    """Draw a plain star in a disk where a card has its emblem."""
    draw = ImageDraw.Draw(card)
    x, y = centre
    draw.ellipse([px(x - radius), px(y - radius), px(x + radius), px(y + radius)], fill=(200, 50, 46))
    reach = (radius * 0.72, radius * 0.3)
    turns = [(reach[step % 2], step * math.pi / 5) for step in range(10)]
    draw.polygon([(px(x + r * math.sin(a)), px(y - r * math.cos(a))) for r, a in turns], fill=(246, 208, 74))


def silhouette(card: Image.Image, box: tuple[float, float, float, float], *, tint: int) -> None:
    """Put a faceless figure where a card has its portrait; ``box`` is left, top, right, bottom in millimetres."""
    left, top, right, bottom = box
    wide, high = px(right - left), px(bottom - top)
    picture = Image.new("RGB", (wide, high), (206, 218, 230))
    draw = ImageDraw.Draw(picture)
    coat, skin, hair = (70 + tint % 50, 82, 104 + tint % 40), (186, 166, 152), (44, 38, 40)
    draw.ellipse([wide * 0.23, high * 0.10, wide * 0.77, high * 0.58], fill=hair)
    draw.ellipse([wide * 0.06, high * 0.70, wide * 0.94, high * 1.4], fill=coat)
    draw.rectangle([wide * 0.40, high * 0.52, wide * 0.60, high * 0.76], fill=skin)
    draw.ellipse([wide * 0.27, high * 0.19, wide * 0.73, high * 0.63], fill=skin)
    card.paste(picture, (px(left), px(top)))
