"""A kiosk's reader on a simulated scanner: settings looked at, drift told or mended, setup codes, and the plain fallback."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager

import msgspec
import pytest
from serial_parts import CARD, CLOCK, FAST, OTHER, line_to, simulated

from edge_agent.readers.serial_scanner import SerialScanner
from edge_agent.scanner_protocols.caring import Care
from edge_agent.scanner_protocols.tending import configure
from firmware_config.scanner_models import load_model
from residence.errors import Malformed

PATIENCE = 10
SOON = 50_000_000


class Silent:
    """A line with nobody at its end."""

    baud_rate = 115_200

    def set_baud(self, rate):
        self.baud_rate = rate

    def write(self, data):
        pass

    def read(self, seconds):
        threading.Event().wait(seconds)
        return b""


def model_of(kind):
    return msgspec.structs.replace(load_model(kind), reply_ms=120, probe_rates=(9_600, 115_200))


def made_right(scanner, kind="gm65"):
    with line_to(scanner) as line:
        configure(line, model_of(kind), clock=CLOCK, wish=FAST)


@contextmanager
def reading(scanner, kind="gm65", *, repairs=False, every_ns=SOON):
    """Read from the scanner with care; yield captures and health."""
    captures, health = queue.Queue(), queue.Queue()
    care = Care(model_of(kind), wish=FAST, repairs=repairs, clock=CLOCK, every_ns=every_ns, quiet_ns=SOON)
    reader = SerialScanner(scanner.path, clock=CLOCK, baud_rate=115_200, model=kind, care=care)
    reader.start(captures.put, health.put)
    try:
        yield captures, health
    finally:
        reader.stop()


def told(health):
    each = health.get(timeout=PATIENCE)
    return each.state, each.code


def test_a_scanner_that_is_set_right_is_healthy_and_its_cards_are_read(tmp_path):
    with simulated("gm65", tmp_path) as scanner:
        made_right(scanner)
        with reading(scanner) as (captures, health):
            assert told(health) == ("ok", "")
            for card in (CARD, OTHER):
                scanner.show(card)
                assert captures.get(timeout=PATIENCE).payload == card
            assert health.empty()


def test_a_scanner_from_the_factory_is_reported_and_left_as_it_is(tmp_path):
    with simulated("gm65", tmp_path) as scanner, reading(scanner) as (_, health):
        assert told(health) == ("degraded", "scanner.settings_drifted")
        assert scanner.brain.baud_rate == 9_600


def test_it_is_set_again_when_the_profile_says_so(tmp_path):
    with simulated("gm65", tmp_path) as scanner, reading(scanner, repairs=True) as (captures, health):
        assert told(health) == ("degraded", "scanner.settings_repaired")
        assert told(health) == ("ok", "")
        scanner.show(CARD)

        assert captures.get(timeout=PATIENCE).payload == CARD


def test_what_keeps_undoing_the_settings_is_reported_after_the_fourth_repair(tmp_path):
    with simulated("gm65", tmp_path) as scanner, reading(scanner, repairs=True) as (_, health):
        for _ in range(4):
            while told(health) != ("degraded", "scanner.settings_repaired"):
                pass
            assert told(health) == ("ok", "")
            scanner.brain.registers[0x0060] = 0x60

        assert told(health) == ("degraded", "scanner.settings_drifted")
        assert scanner.brain.registers[0x0060] == 0x60


def test_a_card_at_the_pace_of_the_line_cut_inside_letters_is_read_and_noise_before_it_is_told(tmp_path):
    with simulated("gm65", tmp_path, paced=True) as scanner:
        made_right(scanner)
        with reading(scanner, every_ns=3_600_000_000_000) as (captures, health):
            assert told(health) == ("ok", "")
            scanner.send(b"\x00\xff\x80\x00\xfe\r\n")
            scanner.show(CARD)

            assert captures.get(timeout=PATIENCE).payload == CARD
            assert told(health) == ("degraded", "reader.noise")
            scanner.show(OTHER)
            assert told(health) == ("ok", "")


@pytest.mark.parametrize("kind", ["gm65", "honeywell"])
def test_settings_changed_later_without_a_word_are_found_by_looking(kind, tmp_path):
    changes = {"gm65": {0x0060: 0x60}, "honeywell": {"SUFBK2": ""}}[kind]
    with simulated(kind, tmp_path) as scanner:
        made_right(scanner, kind)
        with reading(scanner, kind) as (captures, health):
            assert told(health) == ("ok", "")
            {"gm65": scanner.brain.__dict__.get("registers"), "honeywell": scanner.brain.__dict__.get("held")}[kind].update(
                changes
            )

            assert told(health) == ("degraded", "scanner.settings_drifted")
            scanner.show(CARD)  # without a line end now
            assert captures.get(timeout=PATIENCE).payload == CARD
            assert health.empty()


def test_a_rate_changed_by_a_setup_code_is_followed_so_that_cards_are_still_read(tmp_path):
    with simulated("gm65", tmp_path) as scanner:
        made_right(scanner)
        scanner.brain.registers[0x0003] = 0x00  # somebody forgot to lock it
        with reading(scanner, every_ns=3_600_000_000_000) as (captures, health):
            assert told(health) == ("degraded", "scanner.settings_drifted")
            scanner.show_setup_code({0x002A: 0x39, 0x002B: 0x01})

            assert told(health) == ("degraded", "reader.setup_code")
            assert told(health) == ("degraded", "scanner.settings_drifted")
            scanner.show(CARD)
            assert captures.get(timeout=PATIENCE).payload == CARD


def test_a_setup_code_that_changed_nothing_is_forgiven_when_every_setting_was_seen_to_be_right(tmp_path):
    with simulated("gm65", tmp_path) as scanner:
        made_right(scanner)
        with reading(scanner, every_ns=3_600_000_000_000) as (captures, health):
            assert told(health) == ("ok", "")
            scanner.show_setup_code({0x0060: 0x60})

            assert captures.get(timeout=PATIENCE).payload == b"_SET_CODE_ON"
            assert told(health) == ("degraded", "reader.setup_code")
            assert told(health) == ("ok", "")


def test_a_setup_code_shown_to_a_model_that_cannot_be_asked_stays_reported(tmp_path):
    with simulated("de2120", tmp_path) as scanner:
        made_right(scanner, "de2120")
        with reading(scanner, "de2120") as (captures, health):
            assert told(health) == ("ok", "")
            scanner.send(b"^_^DEFALT.\r")
            assert captures.get(timeout=PATIENCE).payload == b"^_^DEFALT."
            assert told(health) == ("degraded", "reader.setup_code")
            scanner.show(CARD)

            assert captures.get(timeout=PATIENCE).payload == CARD
            assert health.empty()


def test_a_scanner_of_an_unknown_make_is_listened_to_all_the_same(tmp_path):
    with simulated("gm65", tmp_path, deaf=True) as scanner:
        scanner.brain.registers.update({0x002A: 0x1A, 0x002B: 0x00})  # 115200, as the profile says
        with reading(scanner) as (captures, health):
            assert told(health) == ("degraded", "scanner.no_answer")
            scanner.send(CARD + b"\r")

            assert captures.get(timeout=PATIENCE).payload == CARD
            assert health.empty()


def test_pulled_and_put_back_it_is_looked_at_anew(tmp_path):
    with simulated("gm65", tmp_path) as scanner:
        made_right(scanner)
        with reading(scanner) as (captures, health):
            assert told(health) == ("ok", "")
            scanner.pull()
            assert told(health)[0] == "lost"
            scanner.plug_in()
            while told(health) != ("ok", ""):
                pass
            scanner.show(CARD)

            assert captures.get(timeout=PATIENCE).payload == CARD


def test_vietnamese_letters_damaged_by_gbk_are_reported_and_mended_by_setting_the_scanner(tmp_path):
    with simulated("gm812", tmp_path) as scanner:
        made_right(scanner, "gm812")
        scanner.brain.registers[0x000D] = 0x02
        with reading(scanner, "gm812", every_ns=3_600_000_000_000) as (captures, health):
            assert told(health) == ("degraded", "scanner.settings_drifted")
            scanner.show(CARD)
            assert captures.get(timeout=PATIENCE).payload != CARD
            assert told(health) == ("degraded", "reader.not_utf8")
        with reading(scanner, "gm812", repairs=True) as (captures, health):
            assert told(health) == ("degraded", "scanner.settings_repaired")
            assert told(health) == ("ok", "")
            scanner.show(CARD)
            assert captures.get(timeout=PATIENCE).payload == CARD


def test_noise_makes_it_look_once_a_minute_and_not_more_often():
    care = Care(model_of("gm65"), wish=FAST, repairs=False, clock=CLOCK, every_ns=3_600_000_000_000)
    now_ns = CLOCK.monotonic_ns()
    care.look(Silent())
    assert not care.is_due(now_ns + 30_000_000_000)
    care.noise(now_ns + 30_000_000_000)
    assert not care.is_due(now_ns + 30_000_000_000)
    care.noise(now_ns + 90_000_000_000)
    assert care.is_due(now_ns + 90_000_000_000)


def test_a_rate_the_model_has_not_is_refused_before_anything_is_opened():
    with pytest.raises(Malformed, match=r"scanner\.baud_unsupported"):
        Care(load_model("honeywell"), wish=msgspec.structs.replace(FAST, baud_rate=250_000), repairs=False, clock=CLOCK)
