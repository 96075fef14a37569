"""How a slip looks: receipt codes with their QR codes, where each declaration is, and how to look it up.

- The three stations are printed with a mark for what has happened, so that "kept" is never taken for "accepted".
- It is drawn in the language of the visit, with the fonts of this machine; without a font for it ``Refused("printer.no_font")``.

Example: ``drawn(slip, width=384)`` is a one-bit picture as wide as the paper.
"""

from __future__ import annotations

import io
import re
import subprocess
from functools import cache
from typing import Final

import segno
from PIL import Image, ImageDraw, ImageFont

from edge_agent.kiosk.slip import Slip, SlipEntry
from edge_agent.kiosk.states import Standing
from edge_agent.kiosk.texts import Texts
from firmware_config.profiles import Language
from residence.errors import Refused

# What fontconfig calls the language whose letters a face must have.
_FACES: Final[dict[Language, str]] = {"vi": "vi", "en": "vi", "ru": "ru", "zh": "zh-cn", "ko": "ko", "ja": "ja"}
_UNBROKEN: Final = frozenset({"vi", "en", "ru", "ko"})  # break between words; the others anywhere
_TEXT, _LARGE, _GAP = 22, 34, 10
_STATIONS: Final = ("kept", "received", "settled")


def drawn(slip: Slip, *, width: int) -> Image.Image:
    """Return the slip as a one-bit picture."""
    texts = Texts(slip.language)
    parts: list[Image.Image] = [_line(slip, texts("app.title"), width, _LARGE), _line(slip, slip.place, width, _TEXT)]
    for number, entry in enumerate(slip.entries, start=1):
        if len(slip.entries) > 1:
            parts.append(_rule(width))  # whose codes end here and whose begin
            parts.append(_line(slip, texts("party.person", number=number), width, _TEXT))
        parts.append(_line(slip, texts("result.case" if slip.case else "result.code"), width, _TEXT))
        parts.append(_line(slip, entry.code, width, _LARGE))
        parts.append(_code(entry.about, width))
        parts += [_line(slip, text, width, _TEXT) for text in _stations(entry.standing, texts)]
        if entry.log:
            parts.append(_line(slip, texts("slip.log", place=entry.log), width, _TEXT))
        if entry.own_code:
            parts += _own(slip, entry, texts, width)
    if len(slip.entries) > 1:
        parts.append(_rule(width))
    parts.append(_line(slip, texts("slip.as_of", time=texts.clock(slip.at)), width, _TEXT))
    if slip.case:
        parts.append(_line(slip, texts("result.case_text"), width, _TEXT))
    parts.append(_line(slip, texts("result.check_url" if slip.check_url else "result.check"), width, _TEXT))
    if slip.check_url:
        parts.append(_line(slip, _typed_address(slip.check_url), width, _TEXT))
    whole = Image.new("1", (width, sum(each.height + _GAP for each in parts) + _GAP), 1)
    top = _GAP
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height + _GAP
    return whole


def _own(slip: Slip, entry: SlipEntry, texts: Texts, width: int) -> list[Image.Image]:
    """Draw the code that opens the page of this stay, apart from the receipt's, with the word that it is one's own."""
    return [
        _line(slip, texts("slip.own_code"), width, _TEXT),
        _line(slip, entry.own_code, width, _LARGE),
        _code(entry.own_about, width),
        _line(slip, texts("slip.own_how"), width, _TEXT),
        _line(slip, slip.stay_url, width, _TEXT),
    ]


def _stations(standing: Standing, texts: Texts) -> list[str]:
    """Return the three stations, each with a mark, and the end in its own word where it is not *accepted*."""
    reached = {"kept": 1, "sent": 1, "received": 2}.get(standing, 3)
    marks = [f"[{'x' if at < reached else ' '}] {texts(f'track.{each}')}" for at, each in enumerate(_STATIONS)]
    return [*marks[:2], f"[!] {texts(f'result.{standing}')}"] if standing in {"refused", "conflicting"} else marks


def _line(slip: Slip, text: str, width: int, size: int) -> Image.Image:
    font = _font(slip.language, size)
    lines = _wrapped(text, font, width, whole_words=slip.language in _UNBROKEN)
    height = sum(font.getmetrics())
    picture = Image.new("1", (width, height * len(lines)), 1)
    pen = ImageDraw.Draw(picture)
    for at, line in enumerate(lines):
        pen.text((width // 2, at * height), line, font=font, fill=0, anchor="ma")
    return picture


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int, *, whole_words: bool) -> list[str]:
    lines, space = [""], " " if whole_words else ""
    for piece in text.split(" ") if whole_words else list(text):
        longer = f"{lines[-1]}{space}{piece}" if lines[-1] else piece
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(piece)
    return [part for line in lines for part in _cut(line, font, width)]


def _cut(line: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Cut a single word that is wider than the paper, such as an address."""
    parts = [""]
    for letter in line:
        if font.getlength(parts[-1] + letter) > width:
            parts.append("")
        parts[-1] += letter
    return parts


def _rule(width: int) -> Image.Image:
    """Draw a dashed line across the paper."""
    picture = Image.new("1", (width, 3), 1)
    pen = ImageDraw.Draw(picture)
    for left in range(0, width, 16):
        pen.rectangle((left, 0, left + 9, 2), fill=0)
    return picture


def _typed_address(url: str) -> str:
    """Return an address as somebody types it: the page that asks for the code, without the place the code would take in it."""
    return re.split(r"[?{]", url, maxsplit=1)[0]


def _code(about: str, width: int) -> Image.Image:
    code = segno.make(about, error="m", micro=False)
    drawing = io.BytesIO()
    code.save(drawing, kind="png", border=2, scale=max(2, min(6, (width * 2 // 3) // code.symbol_size(border=2)[0])))
    symbol = Image.open(drawing).convert("1")
    picture = Image.new("1", (width, symbol.height), 1)
    picture.paste(symbol, ((width - symbol.width) // 2, 0))
    return picture


@cache
def _font(language: Language, size: int) -> ImageFont.FreeTypeFont:
    file, index = _face(_FACES[language])
    return ImageFont.truetype(file, size, index=index)


@cache
def _face(letters: str) -> tuple[str, int]:
    """Return the font file, and the face in it, that fontconfig has for a language; only one that does have its letters."""
    ask = ["fc-list", f":lang={letters}:scalable=true", "-f", "%{file}\t%{index}\t%{family[0]}\t%{style[0]}\n"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        answer = ""
    faces = sorted((_rank(each.split("\t")), each) for each in answer.splitlines() if each.count("\t") == 3)  # noqa: PLR2004 - four parts
    if not faces:
        raise Refused("printer.no_font", "/printer", letters)
    file, index, *_ = faces[0][1].split("\t")
    return file, int(index)


def _rank(face: list[str]) -> tuple[bool, bool]:
    """Prefer upright sans-serif letters of usual weight."""
    return "Sans" not in face[2] or "Mono" in face[2], face[3] not in {"Regular", "Book"}
