"""A PN532 on a serial line: a whole reading through it, what it does not carry, and what becomes of trouble on the line and in the field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulators.card import pki
from simulators.card.citizen import CAN, Citizen
from simulators.card.pn532 import Pn532OnTerminal
from typer.testing import CliRunner

from edge_agent.chip import pn532
from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.pn532 import Frame, FrameReader
from edge_agent.chip.session import ChipReader, Opening
from edge_agent.readers.pn532 import Pn532, Pn532Place, careful_link
from luutru.commands.chip import app
from luutru.system import SystemClock, random_bytes
from residence.errors import Malformed, Refused

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def country():
    return pki.Country()


def read_on(device):
    chip = ChipReader(device, draw=FromBytes(random_bytes), clock=CLOCK, link=careful_link(), reset=device.reset)
    return chip.read(Opening(can=CAN), bound_to=(b"test",))


@pytest.mark.parametrize(
    "board",
    [
        {},
        {"type_b": True},
        {"noise": bytes.fromhex("00ff120000")},
        {"damaged_answers": 1},
        {"pieces": 100},
    ],
    ids=["type A", "type B", "noise", "a damaged answer", "answers in pieces"],
)
def test_a_card_is_read_through_the_board(country, board):
    card = Citizen(country).card()
    with Pn532OnTerminal(card, **board) as terminal, Pn532(terminal.path, clock=CLOCK) as device:
        assert device.wait_for_card(seconds=5)
        capture = read_on(device)
        assert device.about
    assert capture.access.protocol == "PACE-ECDH-GM-AES-128-CAN"
    assert {"SOD", "DG1", "DG13", "DG14", "DG15"} <= capture.files.keys()
    assert capture.chip is not None
    assert capture.active is not None  # RSA-1024 fits
    assert all(len(each) <= 261 for each in card.log)
    assert terminal.frames[-1] == pn532.FIELD_OFF


def test_what_the_board_does_not_carry_is_left_out_and_not_called_failed(country):
    card = Citizen(country, active="rsa2048").card()
    with Pn532OnTerminal(card) as terminal, Pn532(terminal.path, clock=CLOCK) as device:
        assert device.wait_for_card(seconds=5)
        capture = read_on(device)
        assert device.transceive(bytes.fromhex("00B00000000100")) == b"\x67\x00"
        assert device.transceive(bytes(5) + bytes(300)) == b"\x67\x00"
    assert (capture.active, capture.active_refused) == (None, "")
    assert capture.chip is not None
    assert not any(raw[1] == 0x88 for raw in card.log)


def test_a_card_that_was_opened_is_looked_for_with_the_field_off_in_between(country):
    with Pn532OnTerminal(Citizen(country).card()) as terminal:
        place = Pn532Place(terminal.path, clock=CLOCK)
        assert place.wait(5, present=True)
        with place.card() as device:
            assert "DG1" in read_on(device).files
        assert not place.wait(0, present=False)
        terminal.take_away()
        assert place.wait(5, present=False)
        assert not place.wait(0, present=True)
        terminal.lay(Citizen(country).card())
        assert place.wait(5, present=True)
        place.close()
        assert terminal.frames[-1] == pn532.FIELD_OFF


def test_a_board_left_by_a_program_that_died_finds_its_card_again(country):
    with Pn532OnTerminal(Citizen(country).card()) as terminal:
        died = Pn532(terminal.path, clock=CLOCK)
        assert died.wait_for_card(seconds=5)
        died._line.close()  # without a word to the board
        with Pn532(terminal.path, clock=CLOCK) as device:
            assert device.wait_for_card(seconds=5)


def test_a_card_pulled_away_ends_the_reading_and_the_next_one_begins_anew(country):
    card = Citizen(country).card()
    honest = card.transceive
    with Pn532OnTerminal(card) as terminal, Pn532(terminal.path, clock=CLOCK) as device:

        def pulled(raw):
            if len(card.log) == 12:
                terminal.take_away()
            return honest(raw)

        card.transceive = pulled
        assert device.wait_for_card(seconds=5)
        with pytest.raises(Refused, match=r"chip\.card_gone"):
            read_on(device)
        assert not device.wait_for_card(seconds=0)
        with pytest.raises(Refused, match=r"chip\.card_gone"):
            device.transceive(b"\x00\xb0\x00\x00\x08")
        with pytest.raises(Refused, match=r"chip\.card_gone"):
            device.reset()
        terminal.lay(Citizen(country).card())
        assert device.wait_for_card(seconds=5)
        assert "DG1" in read_on(device).files


def test_a_board_that_is_unplugged_says_no_more(country):
    with Pn532OnTerminal(Citizen(country).card()) as terminal, Pn532(terminal.path, clock=CLOCK, patience=0.2) as device:
        assert device.wait_for_card(seconds=5)
        terminal.unplug()
        with pytest.raises(Refused, match=r"chip\.no_reader"):
            device.transceive(b"\x00\xb0\x00\x00\x08")


@pytest.mark.parametrize("board", [{"mute": True}, {"chip": 0x07}], ids=["silent", "another chip"])
def test_what_is_no_pn532_is_no_reader(board):
    with Pn532OnTerminal(**board) as terminal, pytest.raises(Refused, match=r"chip\.no_reader"):
        Pn532(terminal.path, clock=CLOCK, patience=0.1)


def test_a_line_that_is_not_there_is_no_reader(tmp_path):
    with pytest.raises(Refused, match=r"chip\.no_reader"):
        Pn532(str(tmp_path / "ttyUSB9"), clock=CLOCK)


def test_a_tag_that_is_no_chip_card_is_not_taken_for_one():
    with Pn532OnTerminal(other_tag=True) as terminal, Pn532(terminal.path, clock=CLOCK) as device:
        assert not device.wait_for_card(seconds=0)


def test_an_installer_names_the_line(country):
    def read(path, *options):
        result = CliRunner().invoke(app, ["read", "--json", "--can", CAN, "--reader", f"pn532:{path}", *options])
        return result.exit_code, json.loads(result.stdout)

    with Pn532OnTerminal(Citizen(country).card()) as terminal:
        status, answer = read(terminal.path)
        assert (status, answer["level"], answer["reader"]) == (0, 3, f"PN532 {terminal.path}")
        terminal.take_away()
        assert read(terminal.path, "--wait", "0")[1]["code"] == "chip.no_card"
    assert read("/dev/does-not-exist")[1]["code"] == "chip.no_reader"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=264), st.binary(max_size=20), st.integers(1, 40))
def test_a_frame_comes_back_whole_however_it_is_cut(data, noise, step):
    noise = noise.replace(b"\xff", b"")
    raw = noise + pn532.frame(data, direction=pn532.ANSWER_TO_HOST)
    reader, found = FrameReader(), []
    for start in range(0, len(raw), step):
        found += reader.take(raw[start : start + step])
    assert found == [Frame(kind="answer", data=data)]


def test_a_frame_longer_than_the_board_takes_is_not_written():
    with pytest.raises(Malformed):
        pn532.frame(bytes(265))
