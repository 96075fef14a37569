"""Why a code was not read: the measuring set's troubles are told apart, in figures, in words and on the debug sheet."""

from __future__ import annotations

import math
import os
import pty
import signal
import subprocess
import sys
import tty

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from edge_agent.scanning.cascade import decode, examine
from edge_agent.scanning.diagnosis import why_not_read
from edge_agent.scanning.locating import locate
from edge_agent.scanning.sighting import sight
from edge_agent.sim.cards import draw_card
from edge_agent.sim.frames import DIFFICULTIES, CardPrint, Pose, Studio
from edge_agent.sim.printing import qr_modules
from luutru.__main__ import app
from luutru.benchmarks.card_scene import Scene, Subject, render
from luutru.benchmarks.card_set import CATEGORIES, make_still
from luutru.debug_sheet import Seen, draw_debug_sheet
from residence.errors import catalogue

CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
# category, levels that the shipped stages do not read, what is to be said of (nearly) all of their frames
TROUBLES = [
    ("small", (3, 4), "scan.too_small"),
    ("motion", (4,), "scan.too_blurred"),
    ("glare", (2, 3, 4), "scan.glare"),
    ("dim", (4,), "scan.too_dark"),
    ("damage", (3, 4), "scan.damaged_code"),
]


def out_of_focus(number):
    """A frame whose lens stands far off: no reader reads it."""
    return cv2.GaussianBlur(make_still(21, "defocus", level=0, number=number).grey, (0, 0), 3.3)


def test_a_frame_out_of_focus_is_too_blurred():
    assert {why_not_read(grey, locate(examine(grey)[1])).code for grey in map(out_of_focus, range(4))} == {"scan.too_blurred"}


@pytest.mark.parametrize(("category", "levels", "reason"), TROUBLES, ids=[each[0] for each in TROUBLES])
def test_each_trouble_of_the_measuring_set_is_called_by_its_name(category, levels, reason):
    said = [
        why_not_read(still.grey, locate(examine(still.grey)[1])).code
        for level in levels
        for number in range(3)
        if not decode((still := make_still(21, category, level=level, number=number)).grey)
    ]

    assert said
    assert said.count(reason) / len(said) >= 0.65, said


def test_a_readable_code_is_seen_where_it_is_with_its_true_size_and_tilt():
    rng = np.random.default_rng(5)
    for module_px, tilt in ((5.0, 0), (3.5, 20), (2.5, 40)):
        scene = Scene(module_px=module_px, tilt=tilt, cx=640, cy=360)
        subject = Subject(scene, rng)
        grey, corners = render(scene, subject, rng)

        (seen,) = [each for each in locate(examine(grey)[1]) if each.read]

        assert np.allclose(seen.corners, corners, atol=1.5 * module_px)
        assert seen.version == (subject.modules - 17) // 4
        assert seen.module_px == pytest.approx(module_px * math.cos(math.radians(tilt)), rel=0.12)
        assert abs(seen.tilt_degrees - tilt) < 14
        assert seen.whole
        assert seen.saturated == 0
        assert seen.sharpness > 0.6


@settings(max_examples=25, deadline=None)
@given(turn=st.floats(0, 360), scale=st.floats(2.5, 8), shrink=st.floats(0.3, 1))
def test_size_and_tilt_do_not_depend_on_how_the_card_is_turned(turn, scale, shrink):
    side, angle = 45 * scale, math.radians(turn)
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * side / 2 * [1, shrink]
    spin = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    corners = tuple(map(tuple, square @ spin.T + 320))

    seen = sight(np.full((640, 640), 128, np.uint8), corners, version=7)

    assert seen.module_px == pytest.approx(scale * shrink, rel=0.01)
    assert math.cos(math.radians(seen.tilt_degrees)) == pytest.approx(shrink, rel=0.02)


@pytest.mark.parametrize(
    "corners",
    [
        ((5, 5),) * 4,
        ((0, 0), (300, 0), (0, 300), (300, 300)),
        ((0, 0), (2, 0), (2, 2), (0, 2)),
        ((0, 0), (99, 0), (50, 1), (0, 99)),
    ],
    ids=["a point", "crossed", "a speck", "dented"],
)
def test_corners_that_bound_no_code_give_no_sighting(corners):
    assert sight(np.zeros((400, 400), np.uint8), corners) is None


def test_a_code_that_reaches_out_of_the_picture_is_said_to_be_cut_off():
    seen = sight(np.full((200, 200), 200, np.uint8), ((-20, 10), (120, 10), (120, 150), (-20, 150)), version=5)

    assert why_not_read(np.full((200, 200), 200, np.uint8), [seen]).code == "scan.cut_off"


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (480, 640)])
@pytest.mark.parametrize("fill", [128, 255, "noise", "print"])
def test_nothing_that_looks_like_a_code_is_seen_where_there_is_none(shape, fill):
    grey = np.full(shape, fill if isinstance(fill, int) else 220, np.uint8)
    if fill == "noise":
        grey = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    if fill == "print":
        for line in range(12, shape[0], 24):
            cv2.putText(grey, "Noi cu tru / Place of residence 0123456789", (4, line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 20, 1)

    assert locate(examine(grey)[1]) == []
    assert why_not_read(grey, []).code == "scan.nothing_like_a_code"


def test_black_frames_are_too_dark_and_an_empty_lobby_shows_nothing():
    assert why_not_read(np.zeros((480, 640), np.uint8), []).code == "scan.too_dark"
    for seed in range(4):
        lobby = Studio(size=(1280, 720), seed=seed).empty(DIFFICULTIES[0], shot=seed)
        assert locate(examine(lobby)[1]) == []


def scan(*arguments):
    result = CliRunner().invoke(app, ["scan", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder with a readable card, a blurred one, and something else."""
    folder = tmp_path_factory.mktemp("photos")
    good = Studio(seed=1).render(CardPrint(draw_card(CARD)), Pose(x=640, y=350, spin=4), DIFFICULTIES[1], shot=0)
    cv2.imwrite(str(folder / "a-good.png"), good)
    cv2.imwrite(str(folder / "b-blurred.png"), out_of_focus(0))
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_folder_stands_for_its_pictures_and_each_unread_one_has_its_reason(photos):
    status, output = scan("--jsonl", photos)
    good, blurred = (msgspec.json.decode(line) for line in output.splitlines())

    assert status == 1
    assert good["file"].endswith("a-good.png")
    assert (good["codes"][0]["text"], good["problems"]) == (CARD, [])
    assert [each["code"] for each in blurred["problems"]] == ["scan.no_code", "scan.too_blurred"]
    assert [each["severity"] for each in blurred["problems"]] == ["error", "warning"]


def test_people_are_told_the_figure_and_what_to_do(tmp_path):
    path = tmp_path / "small.png"
    far = cv2.resize(make_still(21, "small", level=4, number=1).grey, None, fx=0.85, fy=0.85, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), far)

    status, output = scan(path)

    assert status == 1
    assert "Mã quá nhỏ" in output
    assert "1.1 pixels a module, about 1.5 are needed" in output


def test_a_clip_that_was_not_read_says_why_its_last_frame_was_not(tmp_path):
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), out_of_focus(2))

    _, output = scan("--clip", "--jsonl", tmp_path)

    assert [each["code"] for each in msgspec.json.decode(output)["problems"]] == ["scan.no_code", "scan.too_blurred"]


def test_the_debug_sheets_show_read_codes_in_green_and_unread_ones_in_orange(photos, tmp_path):
    status, _ = scan("--debug-sheet", tmp_path / "why.png", photos)
    first, second = (np.asarray(Image.open(tmp_path / name)) for name in ("why.png", "why-2.png"))

    assert status == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["why-2.png", "why.png"]
    green, orange = (24, 150, 70), (226, 110, 10)
    assert [int((sheet == colour).all(axis=2).sum() > 500) for sheet in (first, second) for colour in (green, orange)] == [
        1,
        0,
        0,
        1,
    ]


def test_the_straightened_code_on_the_sheet_is_the_code_itself(photos):
    grey = cv2.imread(str(photos / "a-good.png"), cv2.IMREAD_GRAYSCALE)
    sheet = draw_debug_sheet(Seen(grey=grey, codes=tuple(decode(grey)), sightings=tuple(locate(examine(grey)[1])), problems=()))

    panel = np.asarray(sheet.crop((1040, 20, 1340, 320)).convert("L"))
    modules = qr_modules(CARD, "M")
    cells = cv2.resize(panel, modules.shape, interpolation=cv2.INTER_AREA) < panel.mean()
    assert (cells == modules).mean() > 0.9


@pytest.mark.parametrize("category", [*CATEGORIES, "empty"])
def test_a_sheet_can_be_drawn_of_anything(category):
    grey = np.zeros((3, 5), np.uint8) if category == "empty" else make_still(22, category, level=4, number=2).grey

    sheet = draw_debug_sheet(Seen(grey=grey, codes=tuple(decode(grey)), sightings=tuple(locate(examine(grey)[1])), problems=()))

    assert sheet.width > 1500


WRONG = [
    ("--camera", "0", "x.jpg"),
    ("--camera", "0", "--serial", "/dev/x"),
    ("--serial", "/dev/x", "--debug-sheet", "y.png"),
    ("--clip", "--debug-sheet", "y.png", "x.mp4"),
    ("--serial", "/dev/x", "--baud", "0"),
]


@pytest.mark.parametrize("arguments", WRONG, ids=[" ".join(each) for each in WRONG])
def test_what_does_not_go_together_is_status_2(arguments):
    assert scan(*arguments)[0] == 2


def test_a_debug_sheet_that_cannot_be_written_is_status_1(photos, tmp_path):
    status, output = scan("--debug-sheet", tmp_path / "nowhere" / "why.png", photos)

    assert status == 1
    assert "cannot write" in output


def test_a_serial_scanner_is_read_live_until_ctrl_c_and_bytes_that_are_no_text_are_said_to_be_none():
    scanner, line = pty.openpty()
    tty.setraw(line)
    command = [sys.executable, "-m", "luutru", "scan", "--serial", os.ttyname(line), "--baud", "115200", "--jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert "works" in run.stderr.readline()
        found = []
        for payload in (CARD.encode(), b"Nguy\xe1n V\xb0n An 0123", b"https://example.org/pay", b"_SET_CODE_OFF"):
            os.write(scanner, payload + b"\r\n")
            found.append(msgspec.json.decode(run.stdout.readline()))
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0
        run.stderr.read()
    os.close(line)
    os.close(scanner)

    assert [each["codes"][0]["text"] for each in found] == [CARD, None, "https://example.org/pay", "_SET_CODE_OFF"]
    assert found[0]["codes"][0]["reader"] == "serial:scanner"
    refused = [[(each["code"], each["pointer"]) for each in one["problems"]] for one in found]
    assert refused == [[], *([(code, "/codes/0")] for code in ("scan.not_text", "payload.unknown", "payload.scanner_setup"))]


def test_a_serial_port_that_is_not_there_is_status_1():
    status, output = scan("--serial", "/dev/no-such-scanner", "--seconds", "0.2")

    assert status == 1
    assert "The reader was not found" in output


def test_every_reason_has_its_sentences():
    reasons = {
        "nothing_like_a_code",
        "too_small",
        "too_blurred",
        "glare",
        "too_dark",
        "too_tilted",
        "too_pale",
        "cut_off",
        "damaged_code",
    }

    assert {f"scan.{each}" for each in reasons} <= catalogue().keys()
