"""Zones in pictures: every format, turned and tilted, read to the sign; nothing read where nothing is; doubt said aloud."""

from __future__ import annotations

from datetime import date

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from edge_agent.mrz_reading.bands import Band, find_bands
from edge_agent.mrz_reading.correcting import Exchange
from edge_agent.mrz_reading.glyphs import NO_SIGN, SIGNS, TALL, WIDE, weigh
from edge_agent.mrz_reading.reading import SeenZone, outcome_of, read_zone
from edge_agent.mrz_reading.zones import zones_of
from luutru.benchmarks.mrz_set import CATEGORIES, FORMATS, make_zone_still

TODAY = date(2026, 7, 10)
LINES = ("P<UTOOSTER<<LINA<BO<<<<<<<<<<<<<<<<<<<<<<<<<", "X0S8217632UTO8108153F3207040<<<<<<<<<<<<<<06")
CARD = ("I<UTOX0S8217632<<<<<<<<<<<<<<<", "8108153F3207040UTO<<<<<<<<<<<6", "OSTER<<LINA<BO<<<<<<<<<<<<<<<<")


@pytest.mark.parametrize("number", range(3), ids=FORMATS)
@pytest.mark.parametrize("category", ["clean", "motion", "shadow", "turned"])
def test_every_format_is_read_to_the_sign(category, number):
    still = make_zone_still(1, category, level=0, number=number)
    seen = read_zone(still.grey)

    assert seen is not None
    assert seen.lines == still.lines
    assert outcome_of(seen, reader="test", today=TODAY).ok


MISSED_ENDS = {
    "the first signs of a line are blurred": ("defocus", 0, 3),
    "two digits stand alone behind the fillers": ("dim", 0, 3),
    "a glare parts the last sign from its line": ("mixed", 0, 4),
}


@pytest.mark.parametrize("case", MISSED_ENDS)
def test_a_line_whose_end_was_missed_is_read_all_the_same(case):
    category, level, number = MISSED_ENDS[case]
    still = make_zone_still(3, category, level=level, number=number)
    assert read_zone(still.grey).lines == still.lines


ASKANCE = {
    "lines that a tilt brings near to each other": (6, "tilt", 1, 5),
    "signs that a tilt makes narrow": (6, "tilt", 2, 5),
    "a screen with bands and waves": (41, "screen", 2, 3),
}


@pytest.mark.parametrize("case", ASKANCE)
def test_a_zone_held_askance_or_shown_on_a_screen_is_read(case):
    seed, category, level, number = ASKANCE[case]
    still = make_zone_still(seed, category, level=level, number=number)
    seen = read_zone(still.grey)
    assert seen.lines == still.lines
    assert outcome_of(seen, reader="test", today=TODAY).ok


def test_a_sign_cut_by_the_edge_of_the_picture_is_unsure_though_what_is_left_looks_like_another():
    still = make_zone_still(12, "tilt", level=3, number=23)  # of an N the picture shows what looks like a V
    seen = read_zone(still.grey)
    assert (len(seen.lines) - 1, 0) in seen.unsure
    assert not outcome_of(seen, reader="test", today=TODAY).ok


DAMAGED = {"an O that reads as C": (12, "worn", 2, 25), "an I that reads as T": (12, "worn", 4, 6)}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_letter_rubbed_to_another_in_a_clear_zone_is_never_accepted(case):
    seed, category, level, number = DAMAGED[case]
    still = make_zone_still(seed, category, level=level, number=number)
    assert not outcome_of(read_zone(still.grey), reader="test", today=TODAY).ok


FIRST_LOOKS = 14
RUBBED = {
    "an E rubbed to an F, of which the seventh look is sure": (20, 4, 6),
    "an I of a number rubbed to a T, for which the check digits would take a plain 8 for a B": (7, 3, 21),
    "a P of a nationality rubbed to an F": (23, 2, 9),
    "a B rubbed to an E in a name": (2, 2, 8),
    "a zero rubbed to a U in a number, which its check digit cannot tell": (3, 4, 2),
}


@pytest.mark.parametrize("case", RUBBED)
def test_a_sign_rubbed_to_another_is_not_accepted(case):
    seed, level, number = RUBBED[case]
    still = make_zone_still(seed, "worn", level=level, number=number)
    left = iter([True] * FIRST_LOOKS)
    seen = read_zone(still.grey, time_left=lambda: next(left, False))
    assert seen.lines == still.lines or not outcome_of(seen, reader="test", today=TODAY).ok


@pytest.mark.parametrize("turns", [1, 2, 3], ids=["on its side", "upside down", "on its other side"])
def test_a_document_is_read_whichever_way_it_is_held(turns):
    still = make_zone_still(1, "clean", level=1, number=1)
    assert read_zone(np.rot90(still.grey, turns).copy()).lines == still.lines


@pytest.mark.parametrize("level", range(3))
def test_where_no_zone_is_none_is_accepted(level):
    seen = read_zone(make_zone_still(1, "none", level=level, number=0).grey)
    assert seen is None or not outcome_of(seen, reader="test", today=TODAY).ok


PLAIN_PICTURES = {
    "nothing": np.full((480, 640), 200, np.uint8),
    "black": np.zeros((480, 640), np.uint8),
    "noise": np.random.default_rng(1).integers(0, 256, (480, 640)).astype(np.uint8),
    "stripes": np.tile(np.repeat(np.array([20, 230], np.uint8), 8), (640, 30)).T.copy(),
    "a single pixel": np.zeros((1, 1), np.uint8),
    "one row": np.zeros((1, 5000), np.uint8),
    "one column": np.zeros((5000, 1), np.uint8),
    "a narrow strip": np.random.default_rng(2).integers(0, 256, (33, 3000)).astype(np.uint8),
}


@pytest.mark.parametrize("case", PLAIN_PICTURES)
def test_a_picture_of_nothing_gives_nothing(case):
    assert read_zone(PLAIN_PICTURES[case]) is None


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), wide=st.integers(32, 400), high=st.integers(32, 300))
def test_any_picture_is_answered(seed, wide, high):
    noise = np.random.default_rng(seed).integers(0, 256, (high, wide)).astype(np.uint8)
    seen = read_zone(cv2.GaussianBlur(noise, (0, 0), 1.5))
    assert seen is None or not outcome_of(seen, reader="test", today=TODAY).ok


def test_a_reader_that_has_no_time_stops_after_the_first_size():
    asked = []
    read_zone(make_zone_still(1, "none", level=0, number=0).grey, time_left=lambda: bool(asked.append(1)))
    assert asked == [1]


def test_a_line_of_print_is_found_with_its_ends():
    grey = np.full((200, 700), 210, np.uint8)
    for column in range(60):
        grey[95:105, 50 + 10 * column : 57 + 10 * column] = 30
    (band,) = find_bands(grey)
    assert band.start == pytest.approx((50, 99.5), abs=3)
    assert band.end == pytest.approx((647, 99.5), abs=3)


def test_an_empty_cell_holds_no_sign():
    told = weigh(np.full((1, TALL, WIDE), 180, np.float32))
    assert told[0].argmax() == NO_SIGN
    assert np.exp(told[0]).sum() == pytest.approx(1, abs=1e-3)
    assert told.shape[1] == len(SIGNS) + 1


@pytest.mark.parametrize(("lines", "row"), [(LINES, 0), (CARD, 2)], ids=["passport", "card"])
def test_that_no_check_digit_covers_the_name_is_always_said(lines, row):
    outcome = outcome_of(SeenZone(lines=lines), reader="test", today=TODAY)
    assert outcome.ok
    assert [(each.code, each.severity, each.pointer) for each in outcome.problems] == [
        ("mrz.name_unconfirmed", "warning", f"/lines/{row}")
    ]


def test_an_exchanged_sign_is_a_warning_that_names_both_signs():
    exchange = Exchange(row=1, column=2, seen="5", taken="S", confirmed=True)
    outcome = outcome_of(SeenZone(lines=LINES, exchanges=(exchange,)), reader="test", today=TODAY)
    (told,) = [each for each in outcome.problems if each.code == "mrz.sign_corrected"]
    assert outcome.ok
    assert (told.severity, told.pointer) == ("warning", "/lines/1")
    assert "Character 3 looked like 5" in told.message.en
    assert "it is S" in told.message.en


def test_a_sign_left_open_refuses_the_zone():
    outcome = outcome_of(SeenZone(lines=LINES, unsure=((0, 4), (0, 9))), reader="test", today=TODAY)
    assert not outcome.ok
    assert outcome.reading is None
    (told,) = [each for each in outcome.problems if each.severity == "error"]
    assert (told.code, told.pointer) == ("mrz.sign_unsure", "/lines/0")
    assert "5, 10" in told.message.en


def test_a_wrong_check_digit_refuses_the_zone():
    wrong = (LINES[0], LINES[1][:9] + "4" + LINES[1][10:])
    assert not outcome_of(SeenZone(lines=wrong), reader="test", today=TODAY).ok


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_picture_of_the_measuring_set_depends_on_its_numbers_only(category):
    first, again = (make_zone_still(3, category, level=1, number=5) for _ in range(2))
    assert np.array_equal(first.grey, again.grey)
    assert first.grey.shape == (480, 640)
    assert bool(first.lines) == (category != "none")


def band(y, *, length=800):
    return Band(start=(100.0, float(y)), end=(100.0 + length, float(y)), height=20.0)


def test_lines_with_another_line_between_them_are_of_two_documents():
    assert [zone.bands for zone in zones_of([band(100), band(140)])] == [(band(100), band(140))]
    groups = {zone.bands for zone in zones_of([band(100), band(140), band(180)])}
    assert (band(100), band(180)) not in groups
    assert (band(100), band(140)) in groups
    assert (band(100), band(140), band(180)) in groups


OTHER = "P<UTOLAM<<MINH<ANH<<<<<<<<<<<<<<<<<<<<<<<<<<"
PITCH = 24  # pixels from sign to sign
OCR_B = "/usr/share/fonts/opentype/ocr-b/OCRB.otf"


def shown(lines, *, below=()):
    """Return a sharp picture of lines, each as many signs below the first as ``below`` says."""
    picture = Image.new("L", (48 * PITCH, round((max(below) + 6) * PITCH)), 215)
    font = ImageFont.truetype(OCR_B, round(PITCH * 1.3833))
    for line, step in zip(lines, below, strict=True):
        for column, sign in enumerate(line):
            ImageDraw.Draw(picture).text(((2 + column) * PITCH, (3 + step) * PITCH), sign, font=font, fill=25, anchor="ls")
    return cv2.GaussianBlur(np.asarray(picture), (0, 0), 0.8)


@pytest.mark.parametrize("step", [4.2, 5.0])
def test_lines_of_two_documents_are_no_zone_though_the_one_between_is_covered(step):
    assert read_zone(shown(LINES, below=(0, 2.5))).lines == LINES
    seen = read_zone(shown((OTHER, LINES[1]), below=(0, step)))
    assert seen is None or not outcome_of(seen, reader="test", today=TODAY).ok


def test_a_mark_between_two_lines_does_not_part_them():
    assert (band(100), band(180)) in {zone.bands for zone in zones_of([band(100), band(140, length=260), band(180)])}


def test_a_picture_full_of_dashes_keeps_nobody_busy():
    grey = np.full((1700, 1700), 220, np.uint8)
    for y in range(8, 1690, 16):
        for x in range(4 + y // 16 % 2 * 20, 1660, 44):
            grey[y : y + 4, x : x + 24] = 40
    assert len(find_bands(grey, size=0.75)) <= 300
