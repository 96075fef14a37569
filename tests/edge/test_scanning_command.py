"""``luutru scan``: the public contract of its objects, rubbish among the files, clips and exit statuses."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib

import cv2
import msgspec
import numpy as np
import pytest
import segno
from typer.testing import CliRunner

from edge_agent.sim.cards import draw_card
from edge_agent.sim.frames import DIFFICULTIES, CardPrint, Pose, Studio
from luutru.__main__ import app

CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
STILL_KEYS = {"file", "codes", "problems", "ms"}
CLIP_KEYS = {"file", "text", "first_read_ms", "frames_seen", "ms_per_frame"}


def scan(*arguments):
    result = CliRunner().invoke(app, ["scan", *map(str, arguments)])
    return result.exit_code, result.output


def objects(*arguments):
    status, output = scan("--jsonl", *arguments)
    return status, [msgspec.json.decode(line) for line in output.splitlines()]


def code_picture(payload: bytes) -> np.ndarray:
    modules = np.array([list(row) for row in segno.make(payload, micro=False).matrix], np.uint8)
    return np.pad(np.kron(np.where(modules == 1, 20, 235).astype(np.uint8), np.ones((4, 4), np.uint8)), 40, constant_values=235)


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "card.jpg"
    cv2.imwrite(str(path), Studio(seed=1).render(CardPrint(draw_card(CARD)), Pose(x=640, y=350, spin=4), DIFFICULTIES[1], shot=0))
    return path


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_a_photo_gives_its_code_to_the_letter_of_the_contract(photo):
    status, (found,) = objects(photo)

    assert status == 0
    assert set(found) == STILL_KEYS
    assert found["file"] == str(photo)
    assert found["problems"] == []
    assert found["ms"] > 0
    (code,) = found["codes"]
    assert set(code) == {"text", "bytes_hex", "format", "reader"}
    assert code["text"] == CARD
    assert bytes.fromhex(code["bytes_hex"]) == CARD.encode()


def test_people_see_the_reading_with_its_evidence_level(photo):
    status, output = scan(photo)

    assert status == 0
    assert "Trần Văn An" in output
    assert "1 card text: a photo or a print of a card would read the same" in output


HOSTILE = {
    "a web address": (b"https://example.org/pay", "payload.unknown"),
    "a scanner's setup code": (b"_SET_CODE_OFF", "payload.scanner_setup"),
    "rubbish that is no text": (b"\xff\xfe\xfd", "scan.not_text"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_code_that_is_no_cards_is_refused_by_its_code_and_place(case, tmp_path):
    payload, refusal = HOSTILE[case]
    cv2.imwrite(str(tmp_path / "code.png"), code_picture(payload))

    status, (found,) = objects(tmp_path / "code.png")

    assert status == 1
    assert [(each["code"], each["pointer"]) for each in found["problems"]] == [(refusal, "/codes/0")]
    assert scan(tmp_path / "code.png")[1].count(f"[{refusal}]") == 1


RUBBISH = {
    "an empty file": (b"", "scan.empty_file"),
    "a text file": (b"hello, this is no picture", "scan.not_a_picture"),
    "postscript, which would start an interpreter": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "scan.not_a_picture"),
    "a header of 20,000 x 20,000": (png_header(20_000, 20_000), "scan.too_large"),
    "a header of 1 x 40,000": (png_header(1, 40_000), "scan.too_large"),
    "a header of 10,000 x 9,000": (png_header(10_000, 9_000), "scan.too_large"),
    "a picture whose data is missing": (png_header(600, 400), "scan.damaged_file"),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_a_problem_of_its_own_and_the_others_go_on(tmp_path, photo, name):
    content, code = RUBBISH[name]
    rubbish = tmp_path / "rubbish.png"
    rubbish.write_bytes(content)

    status, (bad, good) = objects(rubbish, photo)

    assert status == 1
    assert bad["codes"] == []
    assert [each["code"] for each in bad["problems"]] == [code]
    assert {"code", "severity", "pointer", "message"} == set(bad["problems"][0])
    assert good["codes"][0]["text"] == CARD


def test_a_photo_cut_off_in_the_middle_is_named_damaged(tmp_path, photo):
    whole = photo.read_bytes()
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole[: len(whole) // 3])

    assert objects(cut)[1][0]["problems"][0]["code"] == "scan.damaged_file"


def test_a_missing_file_and_a_folder_without_pictures_are_problems(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    status, found = objects(tmp_path / "nothing.jpg", tmp_path)

    assert status == 1
    assert [each["problems"][0]["code"] for each in found] == ["scan.file_missing", "scan.empty_folder"]


def test_a_picture_without_a_code_says_how_to_take_a_better_one(tmp_path):
    path = tmp_path / "wall.png"
    cv2.imwrite(str(path), np.full((300, 400), 128, np.uint8))

    status, (found,) = objects(path)

    assert status == 1
    assert found["problems"][0]["code"] == "scan.no_code"


def test_bytes_that_are_no_text_are_given_as_hex_only(tmp_path):
    path = tmp_path / "raw.png"
    cv2.imwrite(str(path), code_picture(b"\xff\xfe\x80raw"))

    status, (found,) = objects(path)

    assert status == 1
    assert found["codes"][0]["text"] is None
    assert found["codes"][0]["bytes_hex"] == b"\xff\xfe\x80raw".hex()
    assert [each["code"] for each in found["problems"]] == ["scan.not_text"]


def test_a_codes_escape_sequences_never_reach_the_terminal(tmp_path):
    path = tmp_path / "evil.png"
    cv2.imwrite(str(path), code_picture(b"\x1b]0;owned\x07\x1b[2J"))

    assert "\x1b]0" not in scan(path)[1]


def clip(path, frames, rate=30):
    height, width = frames[0].shape
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (width, height))
    for frame in frames:
        out.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    out.release()
    return path


def visit() -> list[np.ndarray]:
    studio, card = Studio(size=(960, 540), seed=1), CardPrint(draw_card(CARD))
    away = [studio.empty(DIFFICULTIES[0], shot=shot) for shot in range(6)]
    return away + [studio.render(card, Pose(x=480, y=260), DIFFICULTIES[0], shot=shot) for shot in range(6)]


def test_a_clip_says_when_its_card_was_first_read(tmp_path):
    status, (found,) = objects("--clip", clip(tmp_path / "visit.avi", visit(), rate=10))

    assert status == 0
    assert set(found) >= CLIP_KEYS
    assert found["text"] == CARD
    # Six empty frames at ten a second: not before 600 ms.
    assert found["first_read_ms"] >= 600
    assert 1 <= found["frames_seen"] <= 12
    assert found["ms_per_frame"] > 0


def test_a_posters_code_in_a_clip_does_not_keep_it_from_the_card_that_comes_later(tmp_path):
    poster = np.full((540, 960), 200, np.uint8)
    picture = code_picture(b"https://example.org/poster")
    poster[20 : 20 + len(picture), 20 : 20 + len(picture)] = picture

    only, both = clip(tmp_path / "wall.avi", [poster] * 4), clip(tmp_path / "visit.avi", [poster] * 3 + visit()[6:], rate=10)
    status, (wall, seen) = objects("--clip", only, both)

    assert status == 1
    assert (wall["text"], wall["problems"][0]["code"]) == ("https://example.org/poster", "payload.unknown")
    assert wall["first_read_ms"] is not None
    assert seen["text"] == CARD
    assert seen["first_read_ms"] >= 300
    assert seen["problems"] == []


def test_of_two_codes_in_a_picture_the_words_say_which_one_is_refused(tmp_path):
    card, poster = code_picture(CARD.encode()), code_picture(b"https://example.org/poster")
    wall = np.full((max(len(card), len(poster)), len(card) + len(poster)), 235, np.uint8)
    wall[: len(card), : len(card)] = card
    wall[: len(poster), len(card) :] = poster
    cv2.imwrite(str(tmp_path / "two.png"), wall)

    words = scan(tmp_path / "two.png")[1]
    number = next(line for line in words.splitlines() if "example.org" in line).split()[1]

    assert f"  {number}: " in words
    assert f"  {3 - int(number)}: " not in words


def test_a_folder_of_frames_is_a_clip_of_thirty_a_second(tmp_path):
    for number, frame in enumerate(visit()):
        cv2.imwrite(str(tmp_path / f"{number:03}.jpg"), frame)

    _, (found,) = objects("--clip", tmp_path)

    assert found["text"] == CARD
    assert found["first_read_ms"] >= 6 / 30 * 1000


def test_a_clip_without_a_card_and_a_file_that_is_no_clip_are_not_read(tmp_path):
    empty = clip(tmp_path / "empty.avi", [np.full((64, 64), 99, np.uint8)] * 5)
    (tmp_path / "text.avi").write_text("no video")

    status, (nobody, rubbish) = objects("--clip", empty, tmp_path / "text.avi")

    assert status == 1
    assert (nobody["text"], nobody["first_read_ms"], nobody["frames_seen"] > 0) == (None, None, True)
    assert rubbish["problems"][0]["code"] == "scan.not_a_clip"


def test_where_no_machine_readable_zone_is_none_is_made_up(photo):
    status, (found,) = objects("--mrz", photo)

    assert status == 1
    assert set(found) == {"file", "lines", "ok", "problems", "ms"}
    assert (found["lines"], found["ok"]) == ([], False)
    assert found["problems"][0]["code"] == "scan.no_zone"


@pytest.mark.parametrize("arguments", [(), ("--clip", "--mrz", "x.jpg"), ("--no-such-option",)])
def test_wrong_use_is_status_2(arguments):
    assert scan(*arguments)[0] == 2


def test_a_camera_that_is_not_there_is_status_1():
    status, output = scan("--camera", "97", "--seconds", "0.2")

    assert status == 1
    assert "The reader was not found" in output


def test_a_raspberry_pis_camera_without_its_library_is_status_1():
    status, output = scan("--camera", "picamera:0", "--seconds", "0.2")

    assert status == 1
    assert "python3-picamera2" in output


def test_the_installed_command_reads_a_photo(photo):
    run = subprocess.run(
        [sys.executable, "-m", "luutru", "scan", "--jsonl", str(photo)], capture_output=True, text=True, timeout=60, check=False
    )

    assert run.returncode == 0
    assert msgspec.json.decode(run.stdout)["codes"][0]["text"] == CARD


def test_the_second_opinion_reads_the_same(photo):
    assert objects("--second-opinion", photo)[1][0]["codes"][0]["text"] == CARD
