"""The installer's side: how large a code is for a camera, and a test sheet that is true in size and readable by our own decoder."""

from __future__ import annotations

import io
import re
import struct
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from edge_agent.scanning.cascade import THOROUGH, decode
from edge_agent.scanning.optics import (
    DENSE_CARD,
    TABLES,
    Print,
    View,
    dioptres,
    farthest,
    horizontal_angle,
    module_px,
    motion_modules,
    view_width,
)
from edge_agent.sim import fonts
from edge_agent.sim.printing import CARD_MM, qr_modules
from edge_agent.sim.sheet import (
    A4_MM,
    DOTS,
    LADDER_MM,
    RULER_MM,
    SPECIMENS,
    code_dots,
    dots,
    draw_sheet,
    rung_text,
    sheet_pdf,
)
from luutru.__main__ import app
from residence.credentials.reading import read_payload
from residence.errors import Refused

# what the design notes computed on their own: pixels across, millimetres away, pixels a module
KNOWN = [(1280, 100, 3.4), (1280, 150, 2.3), (1280, 200, 1.7), (1280, 250, 1.4), (1920, 200, 2.5), (1920, 250, 2.0)]
NAMES = [f"{each.side:g} mm" for each in SPECIMENS]


@pytest.mark.parametrize(("width", "distance", "px"), KNOWN)
def test_pixels_a_module_are_those_of_a_pinhole(width, distance, px):
    assert round(module_px(View(width=width, angle=60), DENSE_CARD, distance=distance), 1) == px


@settings(deadline=None)
@given(
    width=st.integers(160, 8000),
    angle=st.floats(10, 120),
    side=st.floats(5, 60),
    version=st.integers(1, 40),
    distance=st.floats(20, 2000),
)
def test_the_farthest_distance_is_where_the_wanted_pixels_are_just_reached(width, angle, side, version, distance):
    view, code = View(width=width, angle=angle), Print(side=side, version=version)
    px = module_px(view, code, distance=distance)

    assert farthest(view, code, px=px) == pytest.approx(distance)
    assert module_px(view, code, distance=2 * distance) == pytest.approx(px / 2)
    assert px * view_width(view, distance=distance) == pytest.approx(width * code.module)


def test_a_diagonal_angle_is_turned_into_the_smaller_horizontal_one():
    assert 60 < horizontal_angle(68) < 68
    assert horizontal_angle(90, wide=1, high=0) == pytest.approx(90)


def test_smear_and_focus_are_in_the_units_the_controls_take():
    assert motion_modules(DENSE_CARD, speed=30.6, exposure=0.01) == pytest.approx(1, rel=0.01)
    assert dioptres(100) == 10


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_as_many_cells_in_each_row_as_in_its_head(name):
    assert len({line.count("|") for line in TABLES[name]()}) == 1


@pytest.fixture(scope="module")
def pdf():
    return sheet_pdf(draw_sheet(), made_at=datetime(2026, 11, 27, tzinfo=UTC))


@pytest.fixture(scope="module")
def printed(pdf):
    """The page as a printer gets it: the fax data of the PDF, in a TIFF header so that Pillow reads it."""
    width, height = (int(re.search(rb"/%s (\d+)" % name, pdf)[1]) for name in (b"Columns", b"Rows"))
    at = pdf.index(b"stream\n", pdf.index(b"/CCITTFaxDecode")) + len(b"stream\n")
    data = pdf[at : pdf.index(b"endstream", at)]
    tags = [
        (256, width),
        (257, height),
        (258, 1),
        (259, 4),
        (262, 1),
        (273, 8 + 2 + 9 * 12 + 4),
        (277, 1),
        (278, height),
        (279, len(data)),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return Image.open(io.BytesIO(b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + data)).convert("1")


def cut(page, at, size, *, margin=2.0):
    box = [at[0] - margin, at[1] - margin, at[0] + size[0] + margin, at[1] + size[1] + margin]
    return page.crop([dots(each) for each in box]).convert("L")


def test_the_pdf_is_one_page_of_a4_and_holds_exactly_what_was_drawn(pdf, printed):
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") == 1
    box = [float(each) for each in re.search(rb"MediaBox \[ ([\d. ]+)\]", pdf)[1].split()]
    assert box[2] / 72 * 25.4 == pytest.approx(A4_MM[0], abs=0.05)
    assert box[3] / 72 * 25.4 == pytest.approx(A4_MM[1], abs=0.05)
    assert np.array_equal(np.asarray(printed), np.asarray(draw_sheet()))


@pytest.mark.parametrize("card", SPECIMENS, ids=NAMES)
def test_each_specimen_is_a_card_in_true_size_whose_code_our_decoder_reads(printed, card):
    picture = cut(printed, card.at, CARD_MM)
    black = np.argwhere(np.asarray(picture) == 0)
    high, wide = (black.max(0) - black.min(0) + 1) / DOTS * 25.4

    assert (wide, high) == (pytest.approx(CARD_MM[0], abs=0.1), pytest.approx(CARD_MM[1], abs=0.1))
    (code,) = decode(np.asarray(picture.resize((picture.width // 3, picture.height // 3), Image.Resampling.BOX)))
    assert code.text == card.payload
    (left, top), _, (right, bottom), _ = code.corners
    assert (right - left) * 3 / DOTS * 25.4 == pytest.approx(card.side, abs=0.5)
    assert (bottom - top) * 3 / DOTS * 25.4 == pytest.approx(card.side, abs=0.5)


@pytest.mark.parametrize("card", SPECIMENS, ids=NAMES)
def test_each_specimen_is_nobody_and_says_so(card):
    outcome = read_payload(card.payload.encode(), reader="test", today=date(2026, 11, 27))

    assert outcome.ok
    assert [each.code for each in outcome.problems] == ["personal-number.unknown_place"]
    assert "Mẫu" in outcome.fields.full_name
    assert outcome.fields.personal_number.startswith("000")


def test_the_specimens_codes_are_as_dense_as_those_the_guide_plans_for():
    assert [(qr_modules(each.payload, each.level).shape[0] - 17) // 4 for each in SPECIMENS] == [7, 8, 10]
    assert [each.side for each in SPECIMENS] == [14, 15, 18]


@pytest.mark.parametrize("module", LADDER_MM)
def test_a_rung_of_the_ladder_is_true_in_size_and_says_its_own(printed, module):
    code = code_dots(rung_text(module), "L", side=module * qr_modules(rung_text(module), "L").shape[0])
    at = find(np.asarray(printed), code)

    assert at is not None, "it is on the page"
    assert code.shape[0] / DOTS * 25.4 == pytest.approx(module * 41, abs=0.03)
    assert [
        each.text for each in decode(np.pad(np.where(code, 255, 0).astype(np.uint8), 40, constant_values=255), stages=THOROUGH)
    ] == [rung_text(module)]


def find(page, code):
    """Where the code's first row of dots stands exactly on the page."""
    page = page.astype(np.uint8)  # Pillow writes True as 255
    row = code[0].tobytes()
    for top in range(dots(180), page.shape[0] - code.shape[0]):
        left = page[top].tobytes().find(row)
        if left >= 0 and np.array_equal(page[top : top + code.shape[0], left : left + code.shape[1]], code):
            return left, top
    return None


def test_the_ruler_is_a_hundred_millimetres_from_its_first_line_to_its_last(printed):
    row = np.asarray(printed)[dots(50.1), dots(14) : dots(118)]
    black, line = np.flatnonzero(~row), 4 / DOTS * 25.4

    assert (black.max() - black.min() + 1) / DOTS * 25.4 == pytest.approx(RULER_MM + line, abs=0.05)


def test_the_command_writes_the_sheet_and_says_how_to_print_it(tmp_path, pdf):
    path = tmp_path / "sheet.pdf"
    result = CliRunner().invoke(app, ["card", "test-sheet", "--out", str(path)])

    assert result.exit_code == 0
    assert "100 %" in result.output
    assert path.read_bytes().startswith(b"%PDF-")
    assert abs(path.stat().st_size - len(pdf)) < 100


def test_where_it_cannot_write_or_has_no_font_it_says_so(tmp_path, monkeypatch):
    missing = tmp_path / "nowhere" / "sheet.pdf"
    assert CliRunner().invoke(app, ["card", "test-sheet", "--out", str(missing)]).exit_code == 1

    def no_font(*_, **__):
        raise Refused("sim.font_missing", "", "install fonts-dejavu-core")

    monkeypatch.setattr("edge_agent.sim.sheet.load_font", no_font)
    result = CliRunner().invoke(app, ["card", "test-sheet", "--out", str(tmp_path / "sheet.pdf")])
    assert result.exit_code == 1
    assert "sim.font_missing" in result.output
    assert fonts.find_font(bold=True).is_file()
