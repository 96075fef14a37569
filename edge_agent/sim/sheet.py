"""The installer's test sheet: an A4 page in true size with specimen cards, a ladder of module sizes and a ruler, as PDF.

- Black on white at 600 dots an inch, one bit a dot, stored without loss: what a printer gets is what is drawn here. A module's
  edges are rounded to dots one by one, so a code's side is true to half a dot and no error adds up.
- Three cards of 85.6 x 53.98 mm with codes of 14, 15 and 18 mm, in the versions that a long, real payload gives.
- The person is invented: the number begins with 000, which is no province, so it can be nobody's; the place does not exist; every
  card says so in both languages. ``luutru card parse`` therefore warns of the place, and of nothing else.
- The ladder's codes are of one version and say their own module size, so that what is read tells how small one can go.
- The ruler is for checking that the printer did not scale the page. Drawing needs a font with Vietnamese letters.

Example: ``sheet_pdf(draw_sheet(), made_at=clock.now())``
"""

from __future__ import annotations

import io
import time
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edge_agent.sim.fonts import load_font
from edge_agent.sim.printing import CARD_MM, Level, qr_modules

DOTS: Final = 600  # an inch
A4_MM: Final = (210.0, 297.0)
RULER_MM: Final = 100
LADDER_MM: Final = (0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.17)
_INCH: Final = 25.4
_LEFT: Final = 15.0
_QUIET: Final = 4  # modules of white that the standard asks for; real cards leave less
_PLACE: Final = "Số 0 Đường Không Có Thật, Khu Thử Nghiệm, Xã Mẫu, Huyện Mẫu, Tỉnh Mẫu"


class Specimen(msgspec.Struct, frozen=True, kw_only=True):
    """One card of the sheet: where its top left corner is, its code's side, and what the code says."""

    at: tuple[float, float]
    side: float
    payload: str
    level: Level = "L"


SPECIMENS: Final = (  # of the versions that docs/optics.md plans for
    Specimen(
        at=(15, 62),
        side=14,
        payload="000095000014||Nguyễn Văn Thẻ Mẫu|01021995|Nam|Số 0 Đường Không Có Thật, Xã Mẫu, Tỉnh Mẫu|15082021",
        level="M",
    ),
    Specimen(at=(109.4, 62), side=15, payload=f"000195000015|000123456|Trần Thị Thẻ Mẫu|01021995|Nữ|{_PLACE}, Nước Mẫu|15082021"),
    Specimen(
        at=(15, 122),
        side=18,
        payload=f"000095000018|000123456|Lê Hoàng Văn Thẻ Mẫu|01021995|Nam|{_PLACE}, Nước Không Có Thật|04102024||||",
        level="M",
    ),
)


def rung_text(module: float) -> str:
    """Return what the ladder's code of this module size says."""
    return f"LUUTRU TEST {module:.2f} mm. This code names nobody and only shows how small a code your camera reads. " + "." * 24


def draw_sheet() -> Image.Image:
    """Draw the page: mode "1", ``DOTS`` an inch."""
    page = Image.new("1", (dots(A4_MM[0]), dots(A4_MM[1])), 1)
    _heading(page)
    _ruler(page, (_LEFT, 50))
    for each in SPECIMENS:
        _card(page, each)
    _notes(page, (109.4, 124))
    _ladder(page, (_LEFT, 196))
    return page


def sheet_pdf(page: Image.Image, *, made_at: datetime) -> bytes:
    """Return the page as a PDF of one A4 page."""
    out = io.BytesIO()
    stamp: time.struct_time = made_at.timetuple()
    page.save(
        out, "PDF", resolution=DOTS, title="Luutru test sheet, specimen", creationDate=stamp, modDate=stamp, producer="luutru"
    )
    return out.getvalue()


def dots(millimetres: float) -> int:
    """Return millimetres as dots of the page."""
    return round(millimetres * DOTS / _INCH)


def code_dots(payload: str, level: Level, *, side: float) -> NDArray[np.bool_]:
    """Return a code ``side`` mm long as dots: False is black. Each module's edges are rounded on their own."""
    modules = qr_modules(payload, level)
    count = modules.shape[0]
    edges = [dots(side * step / count) for step in range(count + 1)]
    widths = np.diff(edges)
    return np.repeat(np.repeat(modules == 0, widths, axis=0), widths, axis=1)


def _heading(page: Image.Image) -> None:
    _say(page, (_LEFT, 12), "Luutru · tờ thử đầu đọc · scanner test sheet", 5.0, bold=True)
    lines = (
        "MẪU THỬ, KHÔNG PHẢI GIẤY TỜ: người và địa chỉ đều bịa ra. · SPECIMEN, NOT A DOCUMENT: person and address are invented.",
        "In ở 100 %, không thu phóng cho vừa trang, 600 dpi. · Print at 100 %, never fitted to the page, at 600 dpi or better.",
        "Thước dưới đây phải dài đúng 100 mm; nếu không, bỏ tờ này. · The ruler must measure 100 mm; if it does not, discard the sheet.",
        "Cắt thẻ theo viền. · Cut the cards along their outlines.",
    )
    for row, text in enumerate(lines):
        _say(page, (_LEFT, 21 + 5.2 * row), text, 2.7)


def _ruler(page: Image.Image, at: tuple[float, float]) -> None:
    draw = ImageDraw.Draw(page)
    x, y = at
    draw.rectangle([dots(x), dots(y), dots(x + RULER_MM), dots(y + 0.25)], fill=0)
    for step in range(RULER_MM + 1):
        tall = 5.0 if step % 10 == 0 else 3.5 if step % 5 == 0 else 2.0
        edge = dots(x + step)
        draw.rectangle([edge - 2, dots(y), edge + 1, dots(y + tall)], fill=0)
        if step % 10 == 0:
            _say(page, (x + step - 1.5, y + 5.2), str(step), 2.2)
    _say(page, (x + RULER_MM + 4, y + 1.5), "100 mm", 3.0, bold=True)


def _card(page: Image.Image, card: Specimen) -> None:
    draw = ImageDraw.Draw(page)
    x, y = card.at
    wide, high = CARD_MM
    number, _, name, birth, _, residence, _ = card.payload.split("|")[:7]
    draw.rounded_rectangle([dots(x), dots(y), dots(x + wide), dots(y + high)], radius=dots(3.18), outline=0, width=dots(0.2))
    _say(page, (x + 4, y + 4), "THẺ MẪU · SPECIMEN", 4.2, bold=True)
    _say(page, (x + 4, y + 9.4), "KHÔNG CÓ GIÁ TRỊ · NOT VALID", 3.0, bold=True)
    rows = (number, name, f"{birth[:2]}/{birth[2:4]}/{birth[4:]}")
    for row, text in enumerate(rows):
        _say(page, (x + 4, y + 17 + 4.6 * row), text, 3.2)
    for row, text in enumerate(_halves(residence)):
        _say(page, (x + 4, y + 31 + 4.0 * row), text, 2.5)
    code = code_dots(card.payload, card.level, side=card.side)
    version = (qr_modules(card.payload, card.level).shape[0] - 17) // 4
    module = card.side / (17 + 4 * version)
    about = f"mã {card.side:g} mm · phiên bản / version {version}-{card.level} · {module:.3f} mm / module"
    _say(page, (x + 4, y + 46), about, 2.5)
    _paste(page, code, (x + wide - card.side - 4.2, y + 4.2))


def _notes(page: Image.Image, at: tuple[float, float]) -> None:
    lines = (
        "Cách thử · How to try",
        "1. luutru scan --camera 0",
        "2. Giữ từng thẻ trước máy quay. · Hold each card before it.",
        "3. Cả ba thẻ nên đọc được trong một giây.",
        "   All three should be read within a second.",
        "4. Sau đó giơ từng mã của bậc thang, từ lớn đến nhỏ.",
        "   Then show the ladder, one code at a time.",
        "5. Không đọc được? · Not read?",
        "   luutru scan --debug-sheet why.png photo.jpg",
    )
    for row, text in enumerate(lines):
        _say(page, (at[0], at[1] + 5.4 * row), text, 2.8, bold=not row)


def _ladder(page: Image.Image, at: tuple[float, float]) -> None:
    _say(page, at, "Bậc thang cỡ ô · ladder of module sizes", 3.2, bold=True)
    x, y = at[0], at[1] + 8
    for module in LADDER_MM:
        side = module * qr_modules(rung_text(module), "L").shape[0]
        _paste(page, code_dots(rung_text(module), "L", side=side), (x, y))
        _say(page, (x, y + side + 1.2), f"{module:.2f} mm", 2.5)
        x += side + max(6.0, 2 * _QUIET * module)


def _paste(page: Image.Image, code: NDArray[np.bool_], at: tuple[float, float]) -> None:
    page.paste(Image.fromarray(code), (dots(at[0]), dots(at[1])))


def _say(page: Image.Image, at: tuple[float, float], text: str, size: float, *, bold: bool = False) -> None:
    ImageDraw.Draw(page).text((dots(at[0]), dots(at[1])), text, font=load_font(dots(size), bold=bold), fill=0)


def _halves(text: str) -> list[str]:
    parts = text.split(", ")
    half = (len(parts) + 1) // 2
    return [", ".join(parts[:half]) + ",", ", ".join(parts[half:])]
