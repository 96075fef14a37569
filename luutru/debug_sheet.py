"""The debug sheet: one annotated picture that shows an installer what the scanner saw and why it read nothing.

- Left the frame with an outline round every code: green when read, orange when not. Right each code as seen from straight above,
  with its figures, the stage that read it, or the first thing to mend.
- What a code says is never written on the sheet. The frame itself is on it, so it is as private as the photo: use specimens
  (``luutru card test-sheet``), and delete it afterwards. No kiosk ever draws one.
- Needs a font with Vietnamese letters, as the sample cards do.

Example: ``draw_debug_sheet(Seen(grey=grey, codes=codes, sightings=locate(view), problems=problems)).save("why.png")``
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from edge_agent.scanning.codes import Code
from edge_agent.scanning.diagnosis import why_unread
from edge_agent.scanning.optics import modules_of
from edge_agent.scanning.sighting import USUAL_VERSION, Grey, Sighting, sight, straightened
from edge_agent.sim.fonts import load_font
from residence.errors import Problem, problem

FRAME_WIDTH: Final = 1000
PANEL: Final = 300
MOST_CODES: Final = 6
_TEXT_WIDTH: Final = 560
_LINE: Final = 22
_COLUMNS: Final = 66
_GREEN: Final = (24, 150, 70)
_ORANGE: Final = (226, 110, 10)
_INK: Final = (30, 34, 44)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One picture, what was read in it, what was only seen, and the problems told."""

    grey: Grey
    codes: tuple[Code, ...]
    sightings: tuple[Sighting, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """One code of the sheet: how it stands, and the stage that read it, if one did."""

    sighting: Sighting
    stage: str | None

    @property
    def colour(self) -> tuple[int, int, int]:
        return _GREEN if self.stage else _ORANGE


def draw_debug_sheet(seen: Seen) -> Image.Image:
    """Draw the sheet."""
    rows = _rows(seen)[:MOST_CODES]
    scale = FRAME_WIDTH / seen.grey.shape[1]
    frame_height = max(1, round(seen.grey.shape[0] * scale))
    height = max(frame_height + 120, (PANEL + 20) * max(1, len(rows)) + 20)
    sheet = Image.new("RGB", (FRAME_WIDTH + PANEL + _TEXT_WIDTH + 60, height), "white")
    frame = Image.fromarray(seen.grey).convert("RGB").resize((FRAME_WIDTH, frame_height), Image.Resampling.LANCZOS)
    sheet.paste(frame, (20, 20))
    for number, row in enumerate(rows, 1):
        _outline(sheet, row, number, scale)
        _panel(sheet, seen.grey, row, number)
    _summary(sheet, seen, (20, frame_height + 32))
    return sheet


def _rows(seen: Seen) -> list[_Row]:
    """Put the stage that read it to each sighting; a code read by a later stage alone is measured where it stood."""
    rows = []
    left = list(seen.sightings)
    for code in seen.codes:
        same = next((each for each in left if _overlap(each, code)), None)
        if same is not None:
            left.remove(same)
        place = same or sight(seen.grey, code.corners)
        if place is not None:
            rows.append(_Row(sighting=place, stage=code.reader))
    return rows + [_Row(sighting=each, stage=None) for each in left]


def _overlap(sighting: Sighting, code: Code) -> bool:
    here, there = (np.mean(corners, axis=0) for corners in (sighting.corners, code.corners))
    side = float(np.ptp(np.array(code.corners)[:, 0]))
    return bool(np.hypot(*(here - there)) < side / 4)


def _outline(sheet: Image.Image, row: _Row, number: int, scale: float) -> None:
    draw = ImageDraw.Draw(sheet)
    points = [(20 + x * scale, 20 + y * scale) for x, y in row.sighting.corners]
    draw.polygon(points, outline=row.colour, width=4)
    for x, y in points:
        draw.ellipse([x - 6, y - 6, x + 6, y + 6], outline=row.colour, width=3)
    x, y = points[0]
    draw.text((max(22, x - 26), max(22, y - 34)), str(number), font=load_font(28, bold=True), fill=row.colour)


def _panel(sheet: Image.Image, grey: Grey, row: _Row, number: int) -> None:
    left, top = FRAME_WIDTH + 40, 20 + (PANEL + 20) * (number - 1)
    flat = straightened(grey, row.sighting.corners, modules=modules_of(row.sighting.version or USUAL_VERSION))
    picture = Image.fromarray(flat).resize((PANEL, PANEL), Image.Resampling.NEAREST).convert("RGB")
    sheet.paste(picture, (left, top))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle([left, top, left + PANEL, top + PANEL], outline=row.colour, width=3)
    for line, text in enumerate(_words(row, number)):
        bold = line == 0
        draw.text((left + PANEL + 16, top + _LINE * line), text, font=load_font(16, bold=bold), fill=row.colour if bold else _INK)


def _words(row: _Row, number: int) -> list[str]:
    seen = row.sighting
    version = f"version {seen.version}" if seen.version else f"version not known, {USUAL_VERSION} assumed"
    lines = [
        f"{number}  {'read by ' + row.stage if row.stage else 'not read'}",
        f"{seen.module_px:.2f} pixels a module · {version}",
        f"tilt {seen.tilt_degrees:.0f}° · sharpness {seen.sharpness:.2f} · contrast {seen.contrast:.0%}",
        f"paper at {seen.light:.0%} · washed out {seen.saturated:.1%} · {'whole' if seen.whole else 'not wholly'} in view",
    ]
    if row.stage is None:
        reason = why_unread(seen)
        said = problem(reason.code, "", figure=reason.figure, limit=reason.limit).message
        lines += [*textwrap.wrap(said.vi, _COLUMNS), *textwrap.wrap(said.en, _COLUMNS), f"[{reason.code}]"]
    return lines


def _summary(sheet: Image.Image, seen: Seen, at: tuple[int, int]) -> None:
    draw = ImageDraw.Draw(sheet)
    high, wide = seen.grey.shape
    lines = [f"{wide} x {high} pixels · {len(seen.codes)} read · {len(seen.sightings)} seen"]
    lines += [f"{each.message.en} [{each.code}]" for each in seen.problems]
    for number, text in enumerate(lines[:4]):
        draw.text((at[0], at[1] + _LINE * number), text[:130], font=load_font(16, bold=not number), fill=_INK)
