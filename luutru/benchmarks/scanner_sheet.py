"""The picture sheet of what is still missed: around each unread code, its category and level, and the first thing to mend.

- One tile a frame, in the order of the set; ``category level.number`` makes the very frame again.
- After ``MOST`` tiles the sheet ends and its head says how many there were.
- Everything on it is invented; no text of a code is written out.

Example: ``draw_missed(measured.missed, seed=1).save("missed.png")``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw

from edge_agent.sim.fonts import load_font
from luutru.benchmarks.scanner_stills import Missed

TILE: Final = 200
COLUMNS: Final = 8
MOST: Final = 400
_CAPTION: Final = 42
_GAP: Final = 10
_HEAD: Final = 64
_INK: Final = (30, 34, 44)


def draw_missed(missed: Sequence[Missed], *, seed: int) -> Image.Image:
    """Draw the sheet."""
    shown = missed[:MOST]
    rows = -(-len(shown) // COLUMNS)
    sheet = Image.new("RGB", (_GAP + COLUMNS * (TILE + _GAP), _HEAD + rows * (TILE + _CAPTION + _GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    for line, text in enumerate(head_of(missed, seed=seed)):
        draw.text((_GAP, 8 + 24 * line), text, font=load_font(16, bold=not line), fill=_INK)
    for position, each in enumerate(shown):
        left = _GAP + position % COLUMNS * (TILE + _GAP)
        top = _HEAD + position // COLUMNS * (TILE + _CAPTION + _GAP)
        sheet.paste(_tile(each), (left, top))
        for line, text in enumerate(caption_of(each)):
            draw.text((left, top + TILE + 2 + 18 * line), text, font=load_font(14), fill=_INK)
    return sheet


def head_of(missed: Sequence[Missed], *, seed: int) -> tuple[str, str]:
    """Return the two lines over the tiles: how many, and of which categories."""
    counts = Counter(each.category for each in missed)
    shown = f", the first {MOST} shown" if len(missed) > MOST else ""
    return f"seed {seed}: {len(missed)} frames not read{shown}", " · ".join(f"{name} {count}" for name, count in counts.items())


def caption_of(missed: Missed) -> tuple[str, str]:
    """Return the two lines under a tile: which frame, and why."""
    reason = missed.reason
    return f"{missed.category} {missed.level}.{missed.number}", f"{reason.code.removeprefix('scan.')} {reason.figure}".strip()


def _tile(missed: Missed) -> Image.Image:
    tile = Image.new("RGB", (TILE, TILE), (220, 222, 226))
    picture = Image.fromarray(missed.picture)
    scale = TILE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    tile.paste(picture.resize(size, Image.Resampling.LANCZOS), ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return tile
