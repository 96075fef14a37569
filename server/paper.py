"""One way to make a PDF: headings, facts, lists and codes on A4, with a font of this machine that has Vietnamese letters.

- Text is text and can be searched and read aloud; the font is embedded, so it looks alike everywhere.
- The same content makes the same bytes: the date in the file is the content's own, never the hour it was printed.
- Codes are drawn from our own text; nothing of a page's input reaches the file but as text.

Example: ``paper = Paper(title="Biên nhận", language="vi", made_at=now)``, ``paper.heading(...)``, ``paper.content()``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

import segno
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from residence.errors import Refused

_ROOT: Final = Path("/usr/share/fonts/truetype")
_PLACES: Final = {
    "": (_ROOT / "dejavu/DejaVuSans.ttf", _ROOT / "noto/NotoSans-Regular.ttf"),
    "B": (_ROOT / "dejavu/DejaVuSans-Bold.ttf", _ROOT / "noto/NotoSans-Bold.ttf"),
}
_FONT: Final = "body"
_MARGIN: Final = 18.0
_CODE: Final = 62.0  # millimetres; a code of 85 modules keeps them at 0.7
_KEY: Final = 52.0


@cache
def _font(style: str) -> Path:
    found = next((place for place in _PLACES[style] if place.is_file()), None)
    if found is None:
        raise Refused("server.font_missing")
    return found


class Paper:
    """A PDF being written, from top to bottom."""

    def __init__(self, *, title: str, language: str, made_at: datetime) -> None:
        self._pdf = FPDF(format="A4")
        self._pdf.set_creation_date(made_at)
        self._pdf.set_title(title)
        self._pdf.set_lang(language)
        self._pdf.set_margin(_MARGIN)
        self._pdf.set_auto_page_break(auto=True, margin=_MARGIN)
        for style in _PLACES:
            self._pdf.add_font(_FONT, style, str(_font(style)))
        self._pdf.add_page()

    def text(self, text: str, *, size: float = 10, bold: bool = False) -> None:
        """Write a paragraph."""
        self._pdf.set_font(_FONT, "B" if bold else "", size)
        self._pdf.multi_cell(0, size * 0.52, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
        self._pdf.ln(size * 0.12)

    def heading(self, text: str, *, size: float = 15) -> None:
        """Write a heading; one that would stand alone at the foot of a page begins the next."""
        if self._pdf.get_y() > self._pdf.eph * 0.9:
            self._pdf.add_page()
        self._pdf.ln(2)
        self.text(text, size=size, bold=True)

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Write names and values, a line each; an empty value is left out."""
        for name, value in facts:
            if not value:
                continue
            top = self._pdf.get_y()
            self._pdf.set_font(_FONT, "B", 9.5)
            self._pdf.multi_cell(_KEY, 5.2, name, new_x=XPos.RIGHT, new_y=YPos.TOP, align="L")
            self._pdf.set_xy(_MARGIN + _KEY, max(top, self._pdf.get_y()))
            self._pdf.set_font(_FONT, "", 9.5)
            self._pdf.multi_cell(0, 5.2, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
        self._pdf.ln(1.5)

    def code(self, text: str, caption: str) -> None:
        """Draw a QR code of ``text``, whole on one page, and what it is beneath."""
        if self._pdf.get_y() + _CODE + 14 > self._pdf.h - _MARGIN:
            self._pdf.add_page()
        matrix = segno.make(text, error="l", micro=False).matrix
        step = _CODE / (len(matrix) + 8)
        left, top = _MARGIN + 4 * step, self._pdf.get_y() + 4 * step
        self._pdf.set_fill_color(0, 0, 0)
        for row, modules in enumerate(matrix):
            for start, length in _runs(modules):
                self._pdf.rect(left + start * step, top + row * step, length * step, step, style="F")
        self._pdf.set_y(top + (len(matrix) + 4) * step)
        self.text(caption, size=8)

    def line(self) -> None:
        """Draw a line across."""
        self._pdf.ln(1)
        top = self._pdf.get_y()
        self._pdf.line(_MARGIN, top, self._pdf.w - _MARGIN, top)
        self._pdf.ln(2)

    def content(self) -> bytes:
        """Return the file."""
        return bytes(self._pdf.output())


def _runs(modules: bytearray) -> Iterable[tuple[int, int]]:
    """Yield (start, length) of dark modules in a row."""
    start = None
    for place, module in enumerate([*modules, 0]):
        if module and start is None:
            start = place
        elif not module and start is not None:
            yield start, place - start
            start = None
