"""One way to make a PDF: headings, facts, lists and codes on A4, with fonts of this machine that have the letters of all six languages.

- Text is text and can be searched and read aloud; fonts are embedded, as far as their letters are used, so it looks alike everywhere.
- Chinese, Japanese and Korean have a second font (Noto Sans CJK, 20 MB, opened only when such a letter is written), in the shapes of the paper's
  language: one code has other strokes in Japan than in China.
- The same content makes the same bytes: the date in the file is the content's own, never the hour it was printed.
- Codes are drawn from our own text; nothing of a page's input reaches the file but as text.

Example: ``paper = Paper(title="Biên nhận", language="vi", made_at=now)``, ``paper.heading(...)``, ``paper.content()``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Final, cast

import segno
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

from residence.errors import Refused
from server.eastern_lines import fill, is_eastern
from server.languages import Language, lang_tag
from server.paper_fonts import EASTERN, PLACES

# Noto Sans CJK holds one face for each language in one file, in this order; a name in a Vietnamese paper gets the simplified shapes.
_NUMBERS: Final = {"ja": 0, "ko": 1, "zh": 2}
_FONT: Final = "body"
_MARGIN: Final = 18.0
_CODE: Final = 62.0  # millimetres; a code of 85 modules keeps them at 0.7
_KEY: Final = 52.0
_TALLEST_NAME: Final = 3 * 5.2  # three lines


@cache
def _font(style: str) -> Path:
    found = next((place for place in PLACES[style] if place.is_file()), None)
    if found is None:
        raise Refused("server.font_missing")
    return found


class Paper:
    """A PDF being written, from top to bottom."""

    def __init__(self, *, title: str, language: Language, made_at: datetime) -> None:
        self._language, self._has_eastern = language, False
        self._pdf = FPDF(format="A4")
        self._pdf.set_creation_date(made_at)
        self._pdf.set_title(title)
        self._pdf.set_lang(lang_tag(language))
        self._pdf.set_margin(_MARGIN)
        self._pdf.set_auto_page_break(auto=True, margin=_MARGIN)
        for style in PLACES:
            self._pdf.add_font(_FONT, style, str(_font(style)))
        self._pdf.add_page()

    def text(self, text: str, *, size: float = 10, bold: bool = False) -> None:
        """Write a paragraph."""
        self._write(text, width=self._pdf.epw, height=size * 0.52, style="B" if bold else "", size=size)
        self._pdf.ln(size * 0.12)

    def heading(self, text: str, *, size: float = 15) -> None:
        """Write a heading; one that would stand alone at the foot of a page begins the next."""
        if self._pdf.get_y() > self._pdf.eph * 0.9:
            self._pdf.add_page()
        self._pdf.ln(2)
        self.text(text, size=size, bold=True)

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Write names and values, beside each other; an empty value is left out."""
        for name, value in facts:
            if not value:
                continue
            if self._pdf.get_y() + _TALLEST_NAME > self._pdf.h - _MARGIN:
                self._pdf.add_page()
            top, page = self._pdf.get_y(), self._pdf.page
            below = self._cell(name, width=_KEY, style="B")
            self._pdf.set_xy(_MARGIN + _KEY, top)
            end = self._cell(value, width=self._pdf.epw - _KEY, style="")
            self._pdf.set_y(max(below, end) if self._pdf.page == page else end)
        self._pdf.ln(1.5)

    def _cell(self, text: str, *, width: float, style: str) -> float:
        """Write a text into a column that begins here; returns where it ends."""
        self._write(text, width=width, height=5.2, style=style, size=9.5)
        return float(self._pdf.get_y())

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
        made = bytes(self._pdf.output())
        for font in self._pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()
        return made

    def _lines(self, text: str, width: float) -> str:
        """Return a text with the line ends that the library, which knows spaces only, would not find."""
        room = width - 2 * self._pdf.c_margin
        return fill(text, most=room, width_of=self._pdf.get_string_width)

    def _write(self, text: str, *, width: float, height: float, style: str, size: float) -> None:
        """Write a text from here down, line by line.

        The font is said anew for each: after a line in the second font alone the library believes that the first was said.
        """
        self._want(text)
        self._pdf.set_font(_FONT, style, size)
        left = self._pdf.get_x()
        cell = partial(self._pdf.multi_cell, width, height, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if not self._has_eastern:
            cell(text)
            return
        lines = cast("list[str]", cell(self._lines(text, width), dry_run=True, output=MethodReturnValue.LINES))
        for line in lines:
            self._pdf.set_x(left)
            self._pdf.current_font_is_set_on_page = False
            cell(line)

    def _want(self, text: str) -> None:
        """Open the second font before the first letter that needs it."""
        if self._has_eastern or not is_eastern(text):
            return
        if not all(place.is_file() for place in EASTERN.values()):
            if self._language in _NUMBERS:
                raise Refused("server.font_missing")
            return  # one name in a Vietnamese paper: boxes, and the rest can be read
        for style, place in EASTERN.items():
            self._pdf.add_font("eastern", style, str(place), collection_font_number=_NUMBERS.get(self._language, _NUMBERS["zh"]))
        self._pdf.set_fallback_fonts(["eastern"])
        self._has_eastern = True


def _runs(modules: bytearray) -> Iterable[tuple[int, int]]:
    """Yield (start, length) of dark modules in a row."""
    start = None
    for place, module in enumerate([*modules, 0]):
        if module and start is None:
            start = place
        elif not module and start is not None:
            yield start, place - start
            start = None
