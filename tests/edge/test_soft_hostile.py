"""What somebody may hold up to do harm: a coded refusal or a kind with its name, never a card, and a quiet terminal."""

from __future__ import annotations

import importlib.util
import unicodedata
from datetime import date
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import segno
import zxingcpp
from soft_parts import CARD, bits, drawn, grey_picture, symbol
from typer.testing import CliRunner

from edge_agent.scanning.cascade import QUICK, with_second_opinion
from edge_agent.scanning.soft.looking import look
from edge_agent.scanning.views import View, always
from edge_agent.scanning.zbar import BinaryZbar
from luutru.__main__ import app
from residence.credentials.reading import read_payload
from residence.errors import catalogue

FUZZ = Path(__file__).parents[1] / "fuzz" / "qr_and_payloads.py"
TODAY = date(2026, 7, 10)
TEXT = CARD.decode()
BIDI = "\u202e"
# payload, the kind that it is told to be
PAYLOADS = {
    "a web address": (b"https://example.org/%7C%7C", "unknown"),
    "a script address": (b"javascript:alert(1)|2|3|4|5|6|7", "unknown"),
    "a terminal escape": (b"\x1b]0;owned\x07\x1b[2J\x1b[31mred", "unknown"),
    "an escape of eight bits": ("\x9b2J\x9d0;owned\x9c".encode(), "unknown"),
    "nested escapes": (b"\x1b\x1b[\x1b]\\x1b[2J\\\\u001b%1B&#27;", "unknown"),
    "nothing but controls": (bytes(range(1, 32)), "unknown"),
    "a setup frame (Grow)": (bytes.fromhex("7e000801000dabab"), "scanner-setup"),
    "a setup code (GM812)": (b"_SET_CODE_OFF", "scanner-setup"),
    "a setup code (DE2120)": (b"^_^SPYDFT.", "scanner-setup"),
    "a menu (Honeywell)": (b"\x16M\rDEFALT.", "scanner-setup"),
    "a setup code before a card": (b"^_^SPYDFT.\r" + CARD, "scanner-setup"),
    "a card with its name turned round": (TEXT.replace("An|", f"An{BIDI}|").encode(), "card-qr"),
    "a card with an escape in its name": (TEXT.replace("An|", "An\x1b[2J|").encode(), "card-qr"),
    "a card with an escape in its address": (TEXT.replace("Số", "\x1b[2JSố").encode(), "card-qr"),
    "a card with NUL in its number": (CARD.replace(b"001095", b"0010\x0095"), "card-qr"),
    "a card and another behind it": (CARD + b"\r\n" + CARD, "card-qr"),
    "a card without its end": (CARD[:60], "card-qr"),
    "half a letter": (TEXT.encode()[:25], "card-qr"),
    "a card behind a thousand separators": (b"|" * 1000 + CARD, "unknown"),
    "a card in fullwidth digits": (TEXT.replace("001095000117", "００１０９５０００１１７").encode(), "card-qr"),
    "quotes and braces": (b'{"ok":true,"kind":"card-qr"}\'"--', "unknown"),
    "seven kilobytes of digits": (b"7" * 7000, "unknown"),
    "three kilobytes of a card": (CARD + b"x" * 3000, "card-qr"),
}
CASES = pytest.mark.parametrize(("payload", "kind"), PAYLOADS.values(), ids=PAYLOADS)


def is_quiet(printed: str) -> bool:
    """Tell whether a terminal shows this as it is: no control and no direction characters."""
    return not [each for each in printed if unicodedata.category(each) in {"Cc", "Cf", "Co", "Cs"} and each != "\n"]


@CASES
def test_the_payload_parser_names_what_it_is_and_gives_nobody(payload, kind):
    outcome = read_payload(payload, reader="test", today=TODAY)

    assert outcome.reading is None
    assert not outcome.ok
    assert outcome.kind == kind
    assert all(each.code in catalogue() for each in outcome.problems)


def scan(folder, grey, *options):
    path = folder / "shown.png"
    cv2.imwrite(str(path), grey)
    result = CliRunner().invoke(app, ["scan", *options, str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def as_picture(payload):
    """The payload in a symbol: digits as digits, for seven thousand need it."""
    return grey_picture(symbol(payload.decode() if payload.isdigit() else payload, level="L"), 3)


FITTING = {name: case for name, case in PAYLOADS.items() if len(case[0]) <= 2953 or case[0].isdigit()}


@pytest.mark.parametrize("payload", [payload for payload, _ in FITTING.values()], ids=FITTING)
def test_scan_shows_it_quietly_and_names_nobody(payload, tmp_path):
    grey = as_picture(payload)
    readable, lines = scan(tmp_path, grey), scan(tmp_path, grey, "--jsonl")

    assert is_quiet(readable)
    assert is_quiet(lines)
    assert "level" not in readable, "no reading"
    (found,) = [msgspec.json.decode(each) for each in lines.splitlines()]
    assert [bytes.fromhex(each["bytes_hex"]) for each in found["codes"]] == [payload]


REFUSED = {
    "an ECI that does not exist": (bits((7, 4), (0xE0 << 16, 24), (4, 4), (1, 8), b"x"), "qr.bad_eci"),
    "an ECI above the largest": (bits((7, 4), (0xC0 << 16 | 1_000_000, 24), (4, 4), (1, 8), b"x"), "qr.bad_eci"),
    "a part of a message in several codes": (bits((3, 4), (1, 8), (7, 8), (4, 4), (1, 8), b"x"), "qr.structured_append"),
    "a mode nobody knows": (bits((4, 4), (1, 8), b"x", (14, 4)), "qr.unknown_mode"),
    "a segment beyond the code": (bits((4, 4), (255, 8), b"x"), "qr.segment_too_long"),
    "digits that cannot be": (bits((1, 4), (3, 10), (1023, 10)), "qr.bad_digits"),
}


@pytest.mark.parametrize(("stream", "refusal"), REFUSED.values(), ids=REFUSED)
def test_the_own_reader_refuses_by_code(stream, refusal):
    dark = drawn(stream, 5)
    low, high = 71.5, 71.5 + 4 * len(dark)
    decoded = look(grey_picture(dark), np.array([(low, low), (high, low), (high, high), (low, high)]), 5).decoded

    assert (decoded.payload, decoded.refusal) == (None, refusal)


# zxing takes large designators; what such a code says is judged by the payload parser like any other text
@pytest.mark.parametrize("name", [each for each in REFUSED if "ECI above" not in each])
def test_scan_says_why_a_code_that_breaks_the_standard_was_refused(name, tmp_path):
    stream, refusal = REFUSED[name]
    lines = scan(tmp_path, grey_picture(drawn(stream, 5)), "--jsonl")
    found = msgspec.json.decode(lines)

    assert found["codes"] == []
    assert [each["code"] for each in found["problems"]] == [refusal]


def test_no_part_of_a_card_in_several_codes_is_a_card(tmp_path):
    for part in segno.make_sequence(TEXT, symbol_count=3, boost_error=False):
        dark = np.array([list(row) for row in part.matrix]) == 1
        readable = scan(tmp_path, grey_picture(dark))

        assert "level" not in readable
        assert is_quiet(readable)


def test_a_whole_card_that_claims_to_be_one_of_several_codes_is_refused_by_code(tmp_path):
    for part in segno.make_sequence(TEXT * 2, symbol_count=2, boost_error=False):
        picture = grey_picture(np.array([list(row) for row in part.matrix]) == 1)
        assert zxingcpp.read_barcodes(picture), "zxing takes it for a card"

        found = msgspec.json.decode(scan(tmp_path, picture, "--jsonl"))

        assert found["codes"] == []
        assert [each["code"] for each in found["problems"]] == ["qr.structured_append"]


def test_a_clip_of_a_part_is_refused_by_code_also_when_the_part_has_gone(tmp_path):
    part = segno.make_sequence(TEXT * 2, symbol_count=2, boost_error=False)[0]
    shown = grey_picture(np.array([list(row) for row in part.matrix]) == 1)
    for number, picture in enumerate((shown, shown, np.full_like(shown, 230))):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)

    result = CliRunner().invoke(app, ["scan", "--clip", "--jsonl", str(tmp_path)])
    found = msgspec.json.decode(result.output)

    assert result.exit_code == 1
    assert (found["text"], found["first_read_ms"]) == (None, None)
    assert [each["code"] for each in found["problems"]] == ["qr.structured_append"]


def halves() -> list[np.ndarray]:
    middle = len(CARD) // 2 - 1
    parity = (int(np.bitwise_xor.reduce(np.frombuffer(CARD, np.uint8))), 8)
    pieces = enumerate((CARD[:middle], CARD[middle:]))
    streams = [bits((3, 4), (place, 4), (1, 4), parity, (4, 4), (len(piece), 8), piece, (0, 4)) for place, piece in pieces]
    return [grey_picture(drawn(stream, 9)) for stream in streams]


@pytest.mark.parametrize("shown", [halves()[0], np.hstack(halves())], ids=["one half", "both halves"])
def test_the_second_opinion_takes_no_card_in_parts_for_a_card(shown):
    zbar = BinaryZbar()
    view = View(shown, always)

    assert zbar.symbols(shown), "zbar itself takes it for a text"
    assert zbar.read(shown) == []
    assert with_second_opinion(QUICK)[-1].read(view) == []
    assert set(view.refusals) == {"qr.structured_append"}
    assert zbar.read(grey_picture(drawn(bits((4, 4), (len(CARD), 8), CARD, (0, 4)), 9)))[0].payload == CARD


def judge():
    spec = importlib.util.spec_from_file_location("qr_and_payloads", FUZZ)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.judge


def test_the_fuzz_entry_point_keeps_its_promises_on_seeded_bytes():
    judged, rng = judge(), np.random.default_rng(7)
    seeds = [CARD, *(payload for payload, _ in PAYLOADS.values() if len(payload) < 2900)]
    for number in range(1500):
        data = bytearray(rng.bytes(int(rng.integers(0, 120))) if number % 2 else b"\x07" + seeds[number % len(seeds)])
        for _ in range(int(rng.integers(0, 4))):
            if data:
                data[int(rng.integers(len(data)))] = int(rng.integers(256))
        judged(bytes(data))
