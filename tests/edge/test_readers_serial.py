"""A serial scanner on a real pty pair: chunks, floods, setup codes, unplugging, and a port somebody else holds."""

from __future__ import annotations

import os
import pty
import queue
import tty

import pytest
import serial

from edge_agent.readers.serial_scanner import SerialScanner
from luutru.system import SystemClock

CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021".encode()
OTHER = "079188004321|023456789|Lê Ngọc Bảo Trân|09091988|Nữ|123/45 Lê Văn Sỹ, Quận 3, TP.Hồ Chí Minh|20102021".encode()
PATIENCE = 10


class Plug:
    """A scanner's cable: a link to a pty that can be pulled and put back, as udev's link is."""

    def __init__(self, link):
        self.link = link
        self.plug_in()

    def plug_in(self):
        self.scanner, line = pty.openpty()
        tty.setraw(line)
        self.link.symlink_to(os.ttyname(line))
        os.close(line)

    def pull(self):
        self.link.unlink()
        os.close(self.scanner)

    def send(self, data):
        while data:
            data = data[os.write(self.scanner, data) :]


@pytest.fixture
def plug(tmp_path):
    plug = Plug(tmp_path / "qr0")
    yield plug
    if plug.link.is_symlink():
        plug.pull()


@pytest.fixture
def listening(plug):
    captures, health = queue.Queue(), queue.Queue()
    reader = SerialScanner(str(plug.link), clock=SystemClock(), model="gm65")
    reader.start(captures.put, health.put)
    assert health.get(timeout=PATIENCE).state == "ok"
    yield captures, health
    reader.stop()


def test_a_card_sent_in_chunks_cut_inside_letters_is_one_capture(plug, listening):
    captures, _ = listening
    middle_of_a_letter = CARD.index("ầ".encode()) + 1
    plug.send(CARD[:9])
    plug.send(CARD[9:middle_of_a_letter])
    plug.send(CARD[middle_of_a_letter:] + b"\r")

    capture = captures.get(timeout=PATIENCE)

    assert capture.payload == CARD
    assert capture.reader == "serial:gm65"
    assert capture.kind == "qr"
    assert capture.seen_at_ns > 0


def test_a_card_without_a_line_end_is_delivered_after_the_gap(plug, listening):
    plug.send(CARD)

    assert listening[0].get(timeout=PATIENCE).payload == CARD


def test_a_scanner_that_repeats_the_same_code_delivers_it_once(plug, listening):
    captures, _ = listening
    plug.send((CARD + b"\r\n") * 5 + OTHER + b"\r\n")

    assert [captures.get(timeout=PATIENCE).payload for _ in range(2)] == [CARD, OTHER]
    assert captures.empty()


def test_ten_kilobytes_at_once_are_dropped_and_reported_and_the_next_card_is_read(plug, listening):
    captures, health = listening
    plug.send(b"7" * 10_240)
    told = health.get(timeout=PATIENCE)
    assert (told.state, told.code) == ("degraded", "reader.flood")

    # The line falls silent, then somebody scans again; repeated until the reader has noticed the silence.
    payloads = []
    for _ in range(50):
        plug.send(CARD + b"\r")
        try:
            payloads.append(captures.get(timeout=0.3).payload)
        except queue.Empty:
            continue
        if payloads[-1] == CARD:
            break
    assert payloads[-1] == CARD
    assert health.get(timeout=PATIENCE).state == "ok"


def test_a_setup_code_shown_to_the_scanner_is_reported_and_stays_reported(plug, listening):
    captures, health = listening
    plug.send(b"\x02\x00\x00\x01\x00\x33\x31")
    told = health.get(timeout=PATIENCE)
    assert (told.state, told.code) == ("degraded", "reader.setup_code")

    plug.send(CARD + b"\r")
    assert captures.get(timeout=PATIENCE).payload == CARD
    assert health.empty()


def test_pulled_and_put_back_the_scanner_is_found_by_itself(plug, listening):
    captures, health = listening
    plug.pull()
    assert health.get(timeout=PATIENCE).state == "lost"
    plug.plug_in()
    while health.get(timeout=PATIENCE).state != "ok":
        pass
    plug.send(CARD + b"\r")

    assert captures.get(timeout=PATIENCE).payload == CARD


def test_half_a_card_before_the_cable_is_pulled_is_not_joined_to_the_next(plug, listening):
    captures, health = listening
    plug.send(CARD[:30])
    plug.pull()
    assert health.get(timeout=PATIENCE).state == "lost"
    plug.plug_in()
    while health.get(timeout=PATIENCE).state != "ok":
        pass
    plug.send(OTHER + b"\r")

    assert captures.get(timeout=PATIENCE).payload == OTHER


def test_a_port_that_another_program_holds_is_named_busy(plug):
    health = queue.Queue()
    with serial.Serial(str(plug.link), exclusive=True):
        reader = SerialScanner(str(plug.link), clock=SystemClock())
        reader.start(lambda _: None, health.put)
        told = health.get(timeout=PATIENCE)
        assert (told.state, told.code) == ("lost", "reader.device_busy")
    assert health.get(timeout=PATIENCE).state == "ok"
    reader.stop()


def test_a_port_that_is_not_there_is_named_missing_and_stop_is_harmless(tmp_path):
    health = queue.Queue()
    reader = SerialScanner(str(tmp_path / "nothing"), clock=SystemClock())
    reader.start(lambda _: None, health.put)

    assert health.get(timeout=PATIENCE).code == "reader.device_missing"
    reader.stop()
    reader.stop()
