"""Looking closely: a code is read exactly however it is held or hidden, and where there is none nothing is read."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soft_parts import CARD, OTHER, corners_of, grey_picture, symbol

from edge_agent.scanning.cascade import QUICK, THOROUGH, decode, soft
from edge_agent.scanning.soft.looking import look
from edge_agent.scanning.views import Candidate, View, always

VERSION = 8
MINE, THEIRS = symbol(CARD, VERSION, "L", 2), symbol(OTHER, VERSION, "L", 2)
CORNERS = corners_of(MINE)
SIDE = 4 * len(MINE)
LEFT, TOP = (int(each + 0.5) for each in CORNERS[0])
FINDER = 4 * 8


def text_at(grey, corners=CORNERS, version=VERSION):
    found = look(np.ascontiguousarray(grey), np.asarray(corners, float), version)
    return found and found.decoded and found.decoded.payload


def moved(corners, grey=None):
    """The picture as seen when the code's corners are at ``corners``."""
    grey = grey_picture(MINE) if grey is None else grey
    turn = cv2.getPerspectiveTransform(CORNERS.astype(np.float32), np.asarray(corners, np.float32))
    low = np.asarray(corners).max(axis=0) + 60
    return cv2.warpPerspective(grey, turn, (int(low[0]), int(low[1])), flags=cv2.INTER_AREA, borderValue=230)


def rolled(radius):
    """The picture as seen on a cylinder of ``radius`` pixels whose axis stands upright, and where the corners are then."""
    grey, middle = grey_picture(MINE), CORNERS[:, 0].mean()
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]].astype(np.float32)
    along = np.arcsin(np.clip((columns - middle) / radius, -0.99, 0.99)) * radius + middle
    corners = CORNERS.copy()
    corners[:, 0] = middle + radius * np.sin((CORNERS[:, 0] - middle) / radius)
    return cv2.remap(grey, along.astype(np.float32), rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), corners


@pytest.mark.parametrize("version", range(1, 41))
def test_every_version_is_read_from_a_picture(version):
    said = f"version {version}".encode()
    dark = symbol(said, version, "LMQH"[version % 4], version % 8)

    assert text_at(grey_picture(dark, 3), corners_of(dark, 3) + 0.8, version) == said


@pytest.mark.parametrize("degrees", [7, 45, 90, 133, 180, 271])
def test_a_turned_code_is_read(degrees):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = (CORNERS - CORNERS.mean(axis=0)) @ turn + 240

    assert text_at(moved(corners), corners + 1.5) == CARD


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_a_strongly_tilted_code_is_read(share):
    corners = CORNERS + np.array([(share / 3, share / 2), (-share / 3, share / 2), (0, 0), (0, 0)]) * SIDE

    assert text_at(moved(corners), corners + 0.7) == CARD


def test_a_mirrored_code_is_read():
    # flipped left to right; the corner without a finder, third in the order, is now the bottom left one
    corners = np.roll(CORNERS, -1, axis=0)

    assert text_at(grey_picture(MINE)[:, ::-1], corners) == CARD
    assert decode(np.ascontiguousarray(grey_picture(MINE)[:, ::-1]))[0].payload == CARD


def test_light_on_dark_is_read():
    assert text_at(255 - grey_picture(MINE)) == CARD


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0)], ids=["top left", "top right", "bottom left"])
@pytest.mark.parametrize("paint", [230, 60, 255])
def test_a_code_with_one_finder_painted_over_is_read(corner, paint):
    grey = grey_picture(MINE)
    top, left = (start + (SIDE - FINDER) * end for start, end in zip((TOP, LEFT), corner, strict=True))
    grey[top : top + FINDER, left : left + FINDER] = paint

    assert text_at(grey, CORNERS + 0.6) == CARD


def test_a_lamp_on_the_code_is_taken_for_a_lamp():
    grey = grey_picture(MINE)
    cv2.circle(grey, (LEFT + 130, TOP + 110), 30, 255, -1)

    assert text_at(cv2.GaussianBlur(grey, (0, 0), 1.0)) == CARD
    assert decode(cv2.GaussianBlur(grey, (0, 0), 1.0))[0].payload == CARD


@pytest.mark.parametrize("radius", [600, 300, 200, 160])
def test_a_code_on_a_cylinder_is_read(radius):
    grey, corners = rolled(radius)

    assert text_at(grey, corners) == CARD


@pytest.mark.parametrize(("level", "scratches"), [("L", 4), ("M", 7), ("Q", 12)])
def test_scratches_are_mended_by_the_check_codewords(level, scratches):
    said, rng = b"scratched, and still the same", np.random.default_rng(3)
    grey = grey_picture(symbol(said, VERSION, level, 2))
    for _ in range(scratches):
        ends = rng.integers(LEFT + 40, LEFT + SIDE - 40, (2, 2))
        cv2.line(grey, tuple(map(int, ends[0])), tuple(map(int, ends[1])), int(rng.integers(0, 2)) * 230, 3)

    assert text_at(grey) == said


@given(st.integers(0, 2**32), st.floats(0, 90), st.floats(0, 2.5))
@settings(max_examples=40, deadline=None)
def test_however_noisy_and_blurred_it_is_the_text_or_nothing(seed, noise, blur):
    grey = grey_picture(MINE).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.1 + blur) + np.random.default_rng(seed).normal(scale=noise, size=grey.shape)

    assert text_at(np.clip(grey, 0, 255).astype(np.uint8)) in {None, CARD}


def joined(share, *, upright):
    """The first part of one code and the rest of another."""
    cut = round(share * len(MINE))
    both = MINE.copy()
    (both.T if upright else both)[cut:] = (THEIRS.T if upright else THEIRS)[cut:]
    return grey_picture(both)


@given(st.floats(0.05, 0.95), st.booleans(), st.floats(0, 1.2))
@settings(max_examples=10, deadline=None)
def test_a_code_put_together_of_two_is_one_of_them_or_nothing(share, upright, blur):
    assert text_at(cv2.GaussianBlur(joined(share, upright=upright), (0, 0), 0.1 + blur)) in {None, CARD, OTHER}


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_neither_do_the_stages_make_a_third_text_of_two(share):
    assert {each.payload for each in decode(joined(share, upright=True), stages=QUICK)} <= {CARD, OTHER}


def checks(rng):
    return np.kron(rng.integers(0, 2, (120, 160), np.uint8) * 200, np.ones((4, 4), np.uint8))


def print_like(rng):
    page = np.full((480, 640), 240, np.uint8)
    for line in range(24):
        words = " ".join("".join(rng.choice(list("aeghilmnortu"), int(rng.integers(2, 8)))) for _ in range(9))
        cv2.putText(page, words, (10, 20 + 19 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 20, 1)
    return page


def stripes(rng):
    return ((np.mgrid[:480, :640].sum(axis=0) // int(rng.integers(2, 9)) % 2) * 255).astype(np.uint8)


def finders_only(rng):
    known = rng.integers(0, 2, MINE.shape) == 1  # real finders around modules that nobody encoded
    for rows, columns in ((slice(0, 9), slice(0, 9)), (slice(0, 9), slice(-8, None)), (slice(-8, None), slice(0, 9))):
        known[rows, columns] = MINE[rows, columns]
    return grey_picture(known)


def noise(rng):
    return rng.integers(0, 256, (480, 640), np.uint8)


@pytest.mark.parametrize("texture", [noise, checks, print_like, stripes, finders_only], ids=lambda each: each.__name__)
def test_where_there_is_no_code_nothing_is_read(texture):
    for seed in range(3):
        grey = texture(np.random.default_rng(seed))
        assert decode(grey, stages=THOROUGH if not seed else QUICK) == []
        assert text_at(grey) is None


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_real_finders_and_format_around_random_modules_say_nothing(seed):
    assert text_at(finders_only(np.random.default_rng(seed))) is None


@pytest.mark.parametrize(
    "corners", [CORNERS * 0, CORNERS + 5000, CORNERS - 5000, CORNERS[::-1], CORNERS[[0, 0, 0, 0]], CORNERS[[0, 1, 0, 1]]]
)
def test_absurd_corners_find_nothing_and_raise_nothing(corners):
    assert text_at(grey_picture(MINE), corners) is None


def test_large_broken_codes_neither_fill_the_memory_nor_hold_a_kiosk_up():
    tracemalloc.start()
    try:
        for version in (8, 16, 24, 32, 40):
            dark = symbol(b"x" * 60, version)
            spoilt = dark.copy()
            spoilt[len(dark) // 2 :, len(dark) // 3 :] ^= (
                np.random.default_rng(version).random(spoilt[len(dark) // 2 :, len(dark) // 3 :].shape) < 0.3
            )
            look(grey_picture(spoilt, module=3), corners_of(dark, module=3), version)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 80_000_000


def test_a_kiosk_does_not_look_closely_at_codes_larger_than_any_card():
    dark = symbol(b"x" * 60, 24)
    grey = grey_picture(dark, module=3)
    view = View(grey, always, candidates=[Candidate(corners_of(dark, module=3), 24)])

    assert soft(view) == []
    assert view.tried == []
    assert soft(view, largest=40)[0].payload == b"x" * 60


def test_a_look_without_time_ends_after_its_first_step():
    dark = symbol(CARD)
    blurred = cv2.GaussianBlur(grey_picture(dark, module=2.5), (0, 0), 1.5)
    corners, version = corners_of(dark, module=2.5), (len(dark) - 17) // 4

    assert look(blurred, corners, version).decoded is not None
    assert look(blurred, corners, version, time_left=lambda: False).decoded is None


def bent(dark, *, depth):
    """The symbol on a curved card, a little blurred."""
    grey = grey_picture(dark, module=6)
    ys, xs = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]].astype(np.float32)
    across = (xs - grey.shape[1] / 2) / (3 * len(dark))
    curved = cv2.remap(grey, xs, ys + (depth * (across**2 - 0.3)).astype(np.float32), cv2.INTER_LINEAR, borderValue=230)
    return cv2.GaussianBlur(cv2.resize(curved, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA), (0, 0), 0.8)


@pytest.mark.parametrize("depth", [3, 5, 6])
def test_a_mirrored_code_on_a_bent_card_is_read_as_well_as_an_upright_one(depth):
    dark = symbol(CARD)
    upright, version = bent(dark, depth=depth), (len(dark) - 17) // 4
    corners = (corners_of(dark, module=6) + 0.5) * 0.4 - 0.5
    mirrored = np.ascontiguousarray(upright[:, ::-1])
    turned = np.stack([upright.shape[1] - 1 - corners[:, 0], corners[:, 1]], axis=1)[[0, 3, 2, 1]]

    assert look(upright, corners, version).decoded.payload == CARD
    assert look(mirrored, turned, version).decoded.payload == CARD
