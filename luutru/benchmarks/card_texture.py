"""Textures of the measuring set: an invented card's text, its code, a card or a phone that carries it, dirt and a backdrop.

- All in linear light from 0 to 1; ``TEXEL`` texture pixels make a QR module.
- Every draw comes from the generator passed in, in a fixed order, so that a seed names a picture for ever.
- Names, numbers and addresses are put together at random; nobody is meant.

Example: ``make_payload(np.random.default_rng(1))``
"""

# ruff: noqa: SIM905 -- lists of names read better as one line of words
from __future__ import annotations

import math
import unicodedata
from typing import Any, Final

import cv2
import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Plane = NDArray[np.float32]
TEXEL: Final = 6
CARD_MM: Final = (85.6, 53.98)
PHONE_MM: Final = (71.0, 147.0)

_FAMILY: Final = "Nguyễn Trần Lê Phạm Huỳnh Hoàng Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trương Tô Mạc".split()
_MIDDLE_M: Final = "Văn Hữu Đức Minh Quốc Thành Công Xuân Gia Anh Trọng Đình Hoàng Nhật Ngọc".split()
_MIDDLE_F: Final = "Thị Ngọc Thu Minh Thanh Kim Hồng Mỹ Bích Diệu Phương Quỳnh Khánh Thùy Ánh".split()
_GIVEN_M: Final = "An Bình Cường Dũng Đạt Hải Hùng Khôi Long Nam Phúc Quân Sơn Tuấn Vũ Thịnh Kiệt Lộc Nghĩa Tâm".split()
_GIVEN_F: Final = "Anh Châu Chi Dung Giang Hằng Hương Lan Linh Mai Nga Nhung Oanh Phượng Thảo Trang Uyên Vân Yến Thủy".split()
_STREET: Final = (
    "Lý Thường Kiệt|Ba Tháng Hai|Cách Mạng Tháng Tám|Nguyễn Tri Phương|Tô Hiến Thành|Sư Vạn Hạnh|Hùng Vương|"
    "Điện Biên Phủ|Đường Số 7|Trần Hưng Đạo|Lê Lợi|Ngô Gia Tự|Thành Thái|Vĩnh Viễn|Hòa Hảo"
).split("|")
_WARD: Final = (
    "Phường 7|Phường 12|Phường 15|Phường Bình Hưng Hòa B|Phường Hiệp Bình Chánh|Xã Vĩnh Lộc A|Phường Trúc Bạch|"
    "Thị trấn Đông Anh|Phường Thạch Thang|Xã Tân Thạnh Đông|Phường Mỹ Đình 2"
).split("|")
_DISTRICT: Final = (
    ("079", "Quận 10, TP.Hồ Chí Minh"),
    ("079", "Quận Bình Tân, TP.Hồ Chí Minh"),
    ("079", "TP Thủ Đức, TP.Hồ Chí Minh"),
    ("001", "Quận Ba Đình, Hà Nội"),
    ("001", "Huyện Đông Anh, Hà Nội"),
    ("048", "Quận Hải Châu, Đà Nẵng"),
    ("092", "Quận Ninh Kiều, Cần Thơ"),
    ("066", "TP.Buôn Ma Thuột, Đắk Lắk"),
    ("046", "TP.Huế, Thừa Thiên Huế"),
)


def make_payload(rng: np.random.Generator) -> str:
    """Return an invented card text: number, old number, name, birth, sex, residence, issue date."""
    female = rng.random() < 0.5
    year = int(rng.integers(1940, 2011))
    century_sex = (0 if year < 2000 else 2) + int(female)
    province, district = _DISTRICT[rng.integers(len(_DISTRICT))]
    number = f"{province}{century_sex}{year % 100:02d}{rng.integers(10**6):06d}"
    old = f"{rng.integers(10**8, 10**9)}" if year < 2000 and rng.random() < 0.6 else ""
    middles, givens = (_MIDDLE_F, _GIVEN_F) if female else (_MIDDLE_M, _GIVEN_M)
    middle = [middles[i] for i in rng.choice(len(middles), rng.choice([1, 1, 1, 2]), replace=False)]
    name = " ".join([_FAMILY[rng.integers(len(_FAMILY))], *middle, givens[rng.integers(len(givens))]])
    house = f"{rng.integers(1, 400)}" + (f"/{rng.integers(1, 60)}" if rng.random() < 0.5 else "")
    parts = [f"{house} {_STREET[rng.integers(len(_STREET))]}"]
    if rng.random() < 0.5:
        parts.append(f"Khu phố {rng.integers(1, 9)}")
    parts += [_WARD[rng.integers(len(_WARD))], district]
    birth = f"{rng.integers(1, 29):02d}{rng.integers(1, 13):02d}{year}"
    issue = f"{rng.integers(1, 29):02d}{rng.integers(1, 13):02d}{rng.integers(2021, 2026)}"
    return "|".join([number, old, name, birth, "Nữ" if female else "Nam", ", ".join(parts), issue])


def make_qr(payload: str, level: str) -> NDArray[np.uint8]:
    """Return the code's modules, dark is 1, without quiet zone; UTF-8 bytes, no ECI header."""
    code = segno.make(payload.encode("utf-8"), error=level, boost_error=False, micro=False, mode="byte")
    return np.array([list(row) for row in code.matrix], np.uint8)


def smooth_noise(rng: np.random.Generator, height: int, width: int, cells: int) -> Plane:
    """Return soft clouds from 0 to 1, about ``cells`` of them from top to bottom."""
    small = rng.random((cells + 1, max(2, round(cells * width / height)) + 1)).astype(np.float32)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def card_texture(
    rng: np.random.Generator, modules: NDArray[np.uint8], *, damage: float, paper: float, ink: float, phone: bool
) -> tuple[Plane, tuple[int, int]]:
    """Return a card's (or a phone's) texture and the top left texel of the code in it."""
    side_mm = float(rng.uniform(34, 48)) if phone else float(rng.choice([14.0, 15.0, 18.0]))
    scale = TEXEL * modules.shape[0] / side_mm
    draw = _phone if phone else _card
    plane, (x, y) = draw(rng, scale, side=TEXEL * modules.shape[0], side_mm=side_mm, paper=paper)
    _print_words(rng, plane, scale, phone=phone)
    quiet = TEXEL * (4 if phone else int(rng.integers(2, 5)))
    side = TEXEL * modules.shape[0]
    plane[max(0, y - quiet) : y + side + quiet, x - quiet : min(plane.shape[1], x + side + quiet)] = paper
    code: Any = np.kron(np.where(modules == 1, ink, paper).astype(np.float32), np.ones((TEXEL, TEXEL), np.float32))
    if damage:
        _damage(rng, code, damage)
    plane[y : y + side, x : x + side] = code
    return plane, (x, y)


def backdrop(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Return whatever is behind the card: soft light, furniture-like shapes, out of focus."""
    plane = (0.05 + 0.5 * smooth_noise(rng, height, width, 4)).astype(np.float32)
    for _ in range(int(rng.integers(6, 18))):
        start, end = (rng.random((2, 2)) * [width, height]).astype(int)
        tone = float(rng.uniform(0.02, 0.8))
        if rng.random() < 0.6:
            cv2.rectangle(plane, start.tolist(), end.tolist(), tone, int(rng.choice([-1, 2, 4])))
        else:
            cv2.line(plane, start.tolist(), end.tolist(), tone, int(rng.integers(1, 9)))
    return cv2.GaussianBlur(plane, (0, 0), float(rng.uniform(1, 5)))  # type: ignore[return-value]


def _phone(
    _rng: np.random.Generator,
    scale: float,
    *,
    side: int,
    side_mm: float,  # noqa: ARG001 -- as ``_card``
    paper: float,
) -> tuple[Plane, tuple[int, int]]:
    width, height = round(PHONE_MM[0] * scale), round(PHONE_MM[1] * scale)
    plane = np.full((height, width), 0.02, np.float32)
    edge = round(3 * scale)
    plane[edge:-edge, edge:-edge] = paper * 0.9
    plane[edge : round(18 * scale), edge:-edge] = 0.12
    at = np.array([(width - side) / 2, height * 0.36 - side / 2]).round().astype(int)
    return plane, (int(at[0]), int(at[1]))


def _card(rng: np.random.Generator, scale: float, *, side: int, side_mm: float, paper: float) -> tuple[Plane, tuple[int, int]]:  # noqa: ARG001
    width, height = round(CARD_MM[0] * scale), round(CARD_MM[1] * scale)
    wave = smooth_noise(rng, height, width, 6)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32) / scale
    lines = 0.5 + 0.5 * np.sin(2 * np.pi * (yy * 0.9 + 2.5 * wave + 0.3 * np.sin(xx / 4)))
    plane = (paper * (0.82 + 0.10 * wave - 0.07 * lines)).astype(np.float32)
    left, top, right, bottom = (np.array([4, 20, 24, 50]) * scale).astype(int)
    face = plane[top:bottom, left:right]
    face[:] = 0.25 + 0.35 * smooth_noise(rng, face.shape[0], face.shape[1], 5)
    middle, axes = (face.shape[1] // 2, int(face.shape[0] * 0.42)), (int(face.shape[1] * 0.27), int(face.shape[0] * 0.28))
    cv2.ellipse(face, middle, axes, 0, 0, 360, float(rng.uniform(0.3, 0.5)), -1)
    cv2.circle(plane, (int(12 * scale), int(10 * scale)), int(6 * scale), 0.3, -1)
    at = (np.array([CARD_MM[0] - side_mm - 4.5, 4.0]) * scale).round().astype(int)
    return plane, (int(at[0]), int(at[1]))


def _print_words(rng: np.random.Generator, plane: Plane, scale: float, *, phone: bool) -> None:
    words = [_plain(make_payload(rng)).replace("|", "  ") for _ in range(7)]
    tops = np.linspace(0.58, 0.92, 7) * PHONE_MM[1] if phone else np.linspace(22, 49, 7)
    for top, text in zip(tops, words, strict=True):
        at = (scale * (8 if phone else 28), scale * top)
        _paste_text(plane, at, text[: int(rng.integers(16, 44))], scale * (3.2 if phone else 2.4), ink=0.06)
    if not phone:
        _paste_text(plane, (28 * scale, 5 * scale), "SPECIMEN  IDENTITY CARD", 3.0 * scale, ink=0.09)


def _plain(text: str) -> str:
    text = text.replace("Đ", "D").replace("đ", "d")
    return unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()


def _paste_text(plane: Plane, at: tuple[float, float], text: str, height: float, *, ink: float) -> None:
    font = ImageFont.load_default(size=max(6, round(height)))
    mask = Image.new("L", (plane.shape[1], max(8, round(height * 1.5))), 0)
    ImageDraw.Draw(mask).text((at[0], 0), text, font=font, fill=255)
    top = int(max(0, min(plane.shape[0] - mask.height, at[1])))
    alpha = np.asarray(mask, np.float32)[: plane.shape[0] - top] / 255
    band = plane[top : top + alpha.shape[0]]
    band += alpha * (ink - band)


def _damage(rng: np.random.Generator, code: Plane, amount: float) -> None:
    """Scratch, wear off and dirty about the share ``amount`` of the code's area."""
    side = code.shape[0]
    target, hit = amount * side * side, np.zeros((side, side), np.uint8)
    while hit.sum() < target:
        stroke = _stroke(rng, side)
        tone = rng.uniform(0.55, 0.8) if rng.random() < 0.75 else rng.uniform(0.03, 0.12)
        soft: Any = cv2.GaussianBlur(stroke.astype(np.float32), (0, 0), 1.0)
        code += soft * (tone - code)
        hit |= stroke


def _stroke(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    stroke = np.zeros((side, side), np.uint8)
    kind = rng.choice(["scratch", "blob", "crease"], p=[0.5, 0.35, 0.15])
    ends = rng.random((2, 2)) * side
    if kind == "blob":
        axes = (rng.uniform(0.01, 0.06, 2) * side).astype(int) + 2
        cv2.ellipse(stroke, ends[0].astype(int).tolist(), axes.tolist(), rng.uniform(0, 180), 0, 360, 1, -1)
        return stroke
    if kind == "crease":
        angle = rng.uniform(0, math.pi)
        reach = 2 * side * np.array([math.cos(angle), math.sin(angle)])
        ends = np.array([ends[0] - reach, ends[0] + reach])
    width = max(1, round(TEXEL * rng.uniform(0.2, 0.7)))
    cv2.line(stroke, ends[0].astype(int).tolist(), ends[1].astype(int).tolist(), 1, width)
    return stroke
