"""Codes from pictures: exact bytes, the cheap stages first, and never a guess."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import segno
import zxingcpp

from edge_agent.scanning.cascade import LARGEST_DOUBLED, QUICK, THOROUGH, Stage, decode, with_second_opinion
from edge_agent.scanning.codes import Code
from edge_agent.scanning.views import View, always
from edge_agent.scanning.zbar import BinaryZbar

PAYLOAD = "079188004321|023456789|Lê Ngọc Bảo Trân|09091988|Nữ|123/45 Lê Văn Sỹ, Phường 13, Quận 3, TP.Hồ Chí Minh|20102021"
# zbar's own guess turns these into half-width katakana (zbar issue 212)
GARBLED_BY_ZBAR = ("Lý Hữu An", "Nguyễn Thị Mỹ Duyên", "Đỗ Thùy Chi|Nữ", "Phạm Quốc Đạt")


def picture_of(payload: bytes, *, module: int = 4, micro: bool = False, level: str = "L") -> np.ndarray:
    code = segno.make(payload, error=None if micro else level, micro=micro, boost_error=False)
    modules = np.array([list(row) for row in code.matrix], np.uint8)
    grey = np.kron(np.where(modules == 1, 20, 235).astype(np.uint8), np.ones((module, module), np.uint8))
    return np.pad(grey, ((60, 90), (80, 120)), constant_values=235)


def test_a_code_comes_back_as_its_exact_bytes_with_its_corners():
    (code,) = decode(picture_of(PAYLOAD.encode()))

    assert code.payload == PAYLOAD.encode()
    assert code.text == PAYLOAD
    assert code.format == "QRCode"
    assert np.allclose(code.corners[0], (80, 60), atol=4)
    assert code.corners[2][0] > code.corners[0][0]


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_card_held_sideways_or_upside_down_is_read(turn):
    assert decode(np.rot90(picture_of(PAYLOAD.encode()), turn))[0].text == PAYLOAD


@pytest.mark.parametrize("stage", ["zxing", "dense", "blur", "half", "twice", "thorough"])
def test_corners_are_in_the_pictures_pixels_also_when_a_stage_enlarged_or_turned_it(stage):
    grey = picture_of(PAYLOAD.encode())
    first = QUICK[0].read(View(grey, always))[0].corners
    codes = next(each for each in THOROUGH if each.name == stage).read(View(grey, always))

    assert np.allclose(codes[0].corners, first, atol=2.5)


def test_small_tilted_codes_need_the_later_stages():
    turn = cv2.getRotationMatrix2D((160, 160), 9, 0.34)  # 1.4 px a module
    small = cv2.warpAffine(cv2.GaussianBlur(picture_of(PAYLOAD.encode()), (0, 0), 1.6), turn, (320, 320), borderValue=235)

    assert decode(small, stages=(QUICK[0], QUICK[5])) == []
    assert decode(small)[0].text == PAYLOAD


def test_light_on_dark_is_read_in_photos_but_not_tried_on_camera_frames():
    inverted = 255 - picture_of(PAYLOAD.encode())

    assert decode(inverted, stages=QUICK) == []
    assert decode(inverted, stages=THOROUGH)[0].text == PAYLOAD


def test_micro_codes_are_not_asked_for_because_blur_turns_into_them():
    micro = picture_of(b"447774", micro=True)

    assert zxingcpp.read_barcodes(micro), "zxing would have read it"
    assert decode(micro, stages=THOROUGH) == []


def test_a_code_without_text_is_delivered_as_bytes():
    (code,) = decode(picture_of(b"\xff\xfe\x00raw"))

    assert code.payload == b"\xff\xfe\x00raw"
    assert code.text is None


@pytest.mark.parametrize("text", GARBLED_BY_ZBAR)
def test_vietnamese_survives_every_stage_and_the_second_opinion(text):
    grey = picture_of(text.encode(), module=6)
    found = [code for stage in THOROUGH for code in stage.read(View(grey, always))] + BinaryZbar().read(grey)

    assert {code.text for code in found} == {text}


def test_the_second_opinion_is_asked_last_and_only_on_request():
    assert [stage.name for stage in QUICK] == [
        "zxing-global", "closer", "half", "closer", "sharper", "soft", "zxing", "closer", "sharper", "soft", "dense", "blur",
    ]  # fmt: skip
    assert with_second_opinion(QUICK)[-1].name == "zbar-binary"


def test_stages_stop_at_the_first_read():
    asked = []
    code = Code(payload=b"x", format="QRCode", reader="b", corners=((0, 0),) * 4)

    def stage(name, codes):
        return Stage(name, lambda _: asked.append(name) or codes)

    assert decode(np.zeros((8, 8), np.uint8), stages=(stage("a", []), stage("b", [code]), stage("c", [code]))) == [code]
    assert asked == ["a", "b"]


def test_a_poster_on_the_wall_does_not_hide_the_card_that_needs_a_later_stage():
    def code(payload):
        return Code(payload=payload, format="QRCode", reader="test", corners=((0, 0),) * 4)

    stages = (
        Stage("a", lambda _: [code(b"poster")]),
        Stage("b", lambda _: [code(b"poster"), code(b"card")]),
        Stage("c", lambda _: 1 / 0),
    )

    found = decode(np.zeros((8, 8), np.uint8), stages=stages, enough=lambda codes: any(each.payload == b"card" for each in codes))

    assert [each.payload for each in found] == [b"poster", b"card"]


def test_without_time_only_the_first_stage_runs():
    asked = []
    stages = tuple(Stage(name, lambda _, name=name: asked.append(name) or []) for name in "abc")

    assert decode(np.zeros((8, 8), np.uint8), stages=stages, time_left=lambda: False) == []
    assert asked == ["a"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (480, 640)])
@pytest.mark.parametrize("fill", [0, 255, "noise"])
def test_pictures_without_a_code_give_nothing(shape, fill):
    grey = np.random.default_rng(1).integers(0, 256, shape, np.uint8) if fill == "noise" else np.full(shape, fill, np.uint8)

    assert decode(grey, stages=THOROUGH) == []


def test_large_photos_are_not_doubled():
    large = np.full((2100, 2100), 200, np.uint8)

    assert large.size > LARGEST_DOUBLED
    assert decode(large) == []
