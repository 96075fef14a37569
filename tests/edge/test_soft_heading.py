"""A part of a structured append too damaged for the own reader: another decoder's text tells by its place that it is one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import segno
from soft_parts import CARD, bits, drawn, grey_picture, soft_values

from edge_agent.scanning.cascade import QUICK, examine, refusal_of
from edge_agent.scanning.soft.codewords import decode
from edge_agent.scanning.soft.heading import is_a_part
from edge_agent.scanning.soft.layout import layout_of
from edge_agent.scanning.soft.looking import look

PART, UTF8 = ((3, 4), (1, 8), (7, 8)), ((7, 4), (26, 8))
NUMBER = [(int(CARD[at : at + 3]), 10) for at in (0, 3, 6, 9)]
HEADINGS = {"whole": (), "that names its characters": UTF8, "part": PART, "part that names its characters": (*PART, *UTF8)}


def whole(version: int) -> tuple:
    return (4, 4), (len(CARD), 8 if version < 10 else 16), CARD


def digits_first(version: int) -> tuple:
    small = version < 10
    return (1, 4), (12, 10 if small else 12), *NUMBER, (4, 4), (len(CARD) - 12, 8 if small else 16), CARD[12:]


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("cut", [whole, digits_first])
@pytest.mark.parametrize("version", [9, 10])
def test_a_text_in_a_symbol_beyond_repair_tells_what_stood_before_it(heading, cut, version):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        soft = soft_values(drawn(bits(*HEADINGS[heading], *cut(version), (0, 4)), version))
        wrong = rng.random(soft.shape) < 0.25
        wrong[-4:, -2:] = True  # where the first modes stand
        soft[wrong] *= -rng.random(int(wrong.sum())).astype(np.float32)

        assert decode(soft, layout_of(version)) is None
        assert is_a_part(soft, layout_of(version), CARD) is heading.startswith("part")


def test_a_text_that_stands_nowhere_in_the_symbol_is_judged_by_its_first_mode():
    for stream, part in (((*PART, *whole(9)), True), (whole(9), False)):
        soft = soft_values(drawn(bits(*stream, (0, 4)), 9))

        for text in (np.random.default_rng(1).bytes(len(CARD)), b"1234567", b""):
            assert is_a_part(soft, layout_of(9), text) is part


def bent(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture of paper that is not flat, with two blots, a little blurred."""
    rows, columns = np.indices(picture.shape, np.float32)
    aside = columns + 8 * np.sin(rows / picture.shape[0] * 5 + rng.uniform(0, 6))
    lifted = rows + 14 * np.sin(columns / picture.shape[1] * np.pi + rng.uniform(0, 3))
    picture = cv2.remap(
        picture, aside.astype(np.float32), lifted.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    for place in rng.integers(50, picture.shape[0] - 50, (2, 2)).tolist():
        cv2.circle(picture, place, int(rng.integers(3, 10)), int(rng.integers(0, 256)), -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.0)


@pytest.mark.parametrize("part", [True, False])
def test_a_bent_and_blotted_code_that_only_zxing_reads_is_refused_when_it_is_a_part(part):
    rng, only_zxing = np.random.default_rng(3), 0
    whole = segno.make(CARD, error="q", eci=True, boost_error=False)
    code = segno.make_sequence(CARD * 2, symbol_count=2, error="q", boost_error=False)[0] if part else whole
    flat = grey_picture(np.array([list(row) for row in code.matrix]) == 1)
    for _ in range(25):
        codes, view = examine(bent(flat, rng), stages=QUICK[:4])
        seen = [look(view.grey, place.corners, place.version) for place in view.read]
        only_zxing += any(found is not None and found.decoded is None for found in seen)
        assert [refusal_of(view, each) for each in codes] == ["qr.structured_append" if part else ""] * len(codes)

    assert only_zxing > 5, "some of these must be beyond the own reader, or the test shows nothing"
