"""Draws sample identity cards from a QR payload: who they name is invented, and every card says that it is a sample.

- The layout follows what the circulars and the press say of the two cards: 85.6 x 53.98 mm; the 2021 card carries its QR of
  about 15 mm on the front, top right; the 2024 card an 18 mm one on the back, with the machine-readable zone below.
- The printed fields are the payload's fields, so screen and card always agree. Eleven fields make a 2024 card.
- The QR holds the payload's exact UTF-8 bytes in byte mode without ECI, level L or M, as real cards are believed to.
- No emblem, hologram or portrait of a real card is imitated: a plain star, a silhouette and waves stand in their places.
- Any other payload becomes a paper slip with just its code, to try what the kiosk says to a wrong code.

Example: ``draw_card("001095000117||Trần Văn An|01021995|Nam|Láng Hạ, Đống Đa, Hà Nội|15082021").save("card.png")``
"""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from edge_agent.sim.printing import CARD_MM, GREY, RED, Level, paper, paste_qr, px, silhouette, star, tint_of, write

_FRONT_QR_MM: Final = 15.0
_BACK_QR_MM: Final = 18.0
_CARD_FIELDS: Final = (7, 11)
_DATE_DIGITS: Final = 8
_BLUE: Final = ((205, 226, 238), (224, 236, 224))
_ROSE: Final = ((238, 226, 214), (214, 230, 236))


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintedFields:
    """What a card shows in print, taken from its payload; empty text where the payload has none."""

    number: str
    name: str
    birth: str
    sex: str
    residence: str
    issued: str
    is_2024: bool


def printed_fields(payload: str) -> PrintedFields | None:
    """Split a card payload into what is printed, or None when it is no card payload."""
    parts = payload.split("|")
    if len(parts) not in _CARD_FIELDS:
        return None
    number, _, name, birth, sex, residence, issued = parts[:7]
    return PrintedFields(
        number=number,
        name=name.upper(),
        birth=_with_slashes(birth),
        sex=sex,
        residence=residence,
        issued=_with_slashes(issued),
        is_2024=len(parts) == max(_CARD_FIELDS),
    )


def draw_card(payload: str, *, level: Level = "M") -> Image.Image:
    """Draw the side of the card that carries the code, ``SCALE`` pixels a millimetre, in colour."""
    fields = printed_fields(payload)
    if fields is None:
        return _draw_slip(payload, level)
    return _draw_back(payload, fields, level) if fields.is_2024 else _draw_front(payload, fields, level)


def card_png(payload: str, *, width: int = 640) -> bytes:
    """Return the card as PNG bytes for a page's "show this card" button; nothing is written to disk."""
    card = draw_card(payload)
    out = io.BytesIO()
    card.resize((width, round(card.height * width / card.width)), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _with_slashes(date: str) -> str:
    return f"{date[:2]}/{date[2:4]}/{date[4:]}" if len(date) == _DATE_DIGITS else date


def _draw_front(payload: str, fields: PrintedFields, level: Level) -> Image.Image:
    card = paper(payload, warm=_BLUE[0], cool=_BLUE[1])
    star(card, (11.5, 10.5), 6.0)
    write(card, (21, 4.2), "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 2.1, bold=True, fit=42.0)
    write(card, (29.5, 7.0), "Độc lập - Tự do - Hạnh phúc", 1.9, bold=True, fit=30.0)
    write(card, (22.5, 10.4), "CĂN CƯỚC CÔNG DÂN", 3.3, bold=True, ink=RED, fit=40.0)
    write(card, (25.5, 14.6), "Citizen Identity Card · THẺ MẪU", 1.8, ink=RED, fit=36.0)
    silhouette(card, (4.5, 19.5, 25.5, 46.5), tint=tint_of(payload))
    write(card, (28.5, 19.2), "Số / No.:", 2.0, ink=GREY)
    write(card, (38.5, 18.2), fields.number, 3.5, bold=True, fit=26.0)
    write(card, (28.5, 24.4), "Họ và tên / Full name:", 1.8, ink=GREY)
    write(card, (28.5, 26.6), fields.name, 2.9, bold=True, fit=52.0)
    write(card, (28.5, 31.2), "Ngày sinh / Date of birth:", 1.8, ink=GREY)
    write(card, (52.0, 30.9), fields.birth, 2.3, bold=True)
    write(card, (28.5, 34.5), "Giới tính / Sex:", 1.8, ink=GREY)
    write(card, (42.5, 34.2), fields.sex, 2.3, bold=True)
    write(card, (51.0, 34.5), "Quốc tịch / Nationality:", 1.8, ink=GREY)
    write(card, (71.5, 34.2), "Việt Nam", 2.3, bold=True, fit=12.0)
    write(card, (28.5, 38.4), "Nơi thường trú / Place of residence:", 1.8, ink=GREY)
    for line, text in enumerate(_in_two_lines(fields.residence)):
        write(card, (28.5, 40.7 + 3.3 * line), text, 2.3, bold=True, fit=54.0)
    write(card, (4.5, 48.0), f"Ngày cấp / Date of issue: {fields.issued}", 1.8, ink=GREY)
    write(card, (49.5, 49.6), "THẺ MẪU, KHÔNG CÓ GIÁ TRỊ · SPECIMEN", 1.7, bold=True, ink=RED, fit=33.0)
    paste_qr(card, payload, level, at=(CARD_MM[0] - _FRONT_QR_MM - 4.2, 3.6), side=_FRONT_QR_MM)
    return _with_round_corners(card)


def _draw_back(payload: str, fields: PrintedFields, level: Level) -> Image.Image:
    card = paper(payload, warm=_ROSE[0], cool=_ROSE[1])
    write(card, (5, 4.0), "Nơi cư trú / Place of residence:", 1.9, ink=GREY)
    for line, text in enumerate(_in_two_lines(fields.residence)):
        write(card, (5, 6.4 + 3.3 * line), text, 2.3, bold=True, fit=54.0)
    write(card, (5, 14.0), "Ngày, tháng, năm cấp / Date of issue:", 1.9, ink=GREY)
    write(card, (42.5, 13.6), fields.issued, 2.4, bold=True, fit=18.0)
    write(card, (5, 18.0), "BỘ CÔNG AN / MINISTRY OF PUBLIC SECURITY", 1.9, bold=True, fit=52.0)
    write(card, (5, 21.2), "THẺ MẪU, KHÔNG CÓ GIÁ TRỊ · SPECIMEN", 2.1, bold=True, ink=RED, fit=52.0)
    _chip(card, (8.0, 25.2))
    paste_qr(card, payload, level, at=(CARD_MM[0] - _BACK_QR_MM - 4.4, 4.4), side=_BACK_QR_MM)
    for line, text in enumerate(_zone_like(fields)):
        write(card, (5.5, 38.0 + 4.6 * line), " ".join(text), 2.9, fit=74.5)
    return _with_round_corners(card)


def _draw_slip(payload: str, level: Level) -> Image.Image:
    card = Image.new("RGB", (px(CARD_MM[0]), px(CARD_MM[1])), (246, 246, 243))
    write(card, (6, 8), "Giấy in có mã QR", 3.0, bold=True)
    write(card, (6, 13), "A printed slip, not a card", 2.4, ink=GREY)
    paste_qr(card, payload, level, at=(CARD_MM[0] - 34, 12), side=26.0)
    return card


def _chip(card: Image.Image, at: tuple[float, float]) -> None:
    draw = ImageDraw.Draw(card)
    left, top, wide, high = px(at[0]), px(at[1]), px(12.0), px(9.6)
    draw.rounded_rectangle(
        [left, top, left + wide, top + high], radius=px(1.4), fill=(214, 184, 108), outline=(120, 98, 50), width=2
    )
    for share in (0.33, 0.67):
        draw.line([left, top + high * share, left + wide, top + high * share], fill=(120, 98, 50), width=2)
    draw.rectangle([left + wide * 0.36, top + high * 0.2, left + wide * 0.64, top + high * 0.8], outline=(120, 98, 50), width=2)


def _in_two_lines(text: str) -> list[str]:
    parts = text.split(", ")
    half = (len(parts) + 1) // 2
    return [line for line in (", ".join(parts[:half]), ", ".join(parts[half:])) if line]


def _zone_like(fields: PrintedFields) -> list[str]:
    """Make three lines that look like a machine-readable zone; its document number is nobody's, so check digits are blank."""
    plain = unicodedata.normalize("NFD", fields.name.replace("Đ", "D")).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Z ]", "", plain).split() or ["X"]
    name = "<<".join((words[0], "<".join(words[1:])))
    birth = fields.birth[8:10] + fields.birth[3:5] + fields.birth[:2]
    sex = "F" if fields.sex.lower().startswith("nữ") else "M"
    lines = (f"IDVNM000000000<{fields.number}", f"{birth}<{sex}<<<<<<<VNM", name)
    return [line[:30].ljust(30, "<") for line in lines]


def _with_round_corners(card: Image.Image) -> Image.Image:
    mask = Image.new("L", card.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle([0, 0, card.width - 1, card.height - 1], radius=px(3.2), fill=255)
    card.putalpha(mask)
    return card
