"""``luutru kiosk scanner``: what an installer does by hand, on simulated scanners; and a kiosk's profile that names a model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kiosk_page_parts import LOBBY, make_profile
from serial_parts import CARD, CLOCK, line_to, simulated
from typer.testing import CliRunner

from firmware_config.profiles import ReaderSection
from luutru.commands.kiosk import app
from luutru.processes.serial_scanners import serial_scanner
from residence.errors import Malformed


def luutru(*arguments):
    return CliRunner().invoke(app, ["scanner", *map(str, arguments)])


def answer_of(*arguments):
    done = luutru(*arguments, "--json")
    return done.exit_code, json.loads(done.output)


def test_a_scanner_is_found_shown_set_and_shown_again(tmp_path):
    with simulated("gm65", tmp_path) as scanner:
        status, found = answer_of("probe", scanner.path)
        assert (status, found["protocol"], found["baud_rate"]) == (0, "grow", 9_600)
        assert "gm65" in found["models"]

        status, shown = answer_of("show", scanner.path, "--model", "gm65")
        assert (status, shown["ok"]) == (1, False)
        assert {row["name"]: row["state"] for row in shown["settings"]} == {
            "output-to-serial": "right",
            "continuous-reading": "differs",
            "line-end": "differs",
            "setup-code-lock": "differs",
        }
        assert shown["identities"] == {"hardware-version": "64", "software-version": "69"}

        status, done = answer_of("configure", scanner.path, "--model", "gm65")
        assert (status, done["ok"], done["changed"], done["baud_rate"]) == (0, True, True, 115_200)
        assert [row["name"] for row in done["not_possible"]] == ["encoding"]

        status, shown = answer_of("show", scanner.path, "--model", "gm65")
        assert (status, shown["ok"], shown["baud_rate"]) == (0, True, 115_200)


def test_people_get_sentences(tmp_path):
    with simulated("honeywell", tmp_path) as scanner:
        probed = luutru("probe", scanner.path, "--model", "honeywell")
        configured = luutru("configure", scanner.path, "--model", "honeywell")

    assert "answers at 115200 baud" in probed.output
    assert "simulated scanner" in probed.output
    assert "line-end" in configured.output
    assert "not possible" in configured.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--model", "gm99"), "scanner.model_unknown"),
        (("--model", "gm65", "--setting", "volume"), "scanner.setting_unknown"),
        (("--model", "gm65", "--baud", "31250"), "scanner.baud_unsupported"),
        (("--model", "gm812"), "scanner.model_differs"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_code(arguments, code, tmp_path):
    with simulated("gm65", tmp_path) as scanner:
        status, answer = answer_of("configure", scanner.path, *arguments)

    assert (status, answer["ok"]) == (1, False)
    assert [each["code"] for each in answer["problems"]] == [code]


def test_a_port_that_is_not_there_is_said_in_two_languages(tmp_path):
    done = luutru("probe", tmp_path / "nothing")

    assert done.exit_code == 1
    assert "Không tìm thấy" in done.output
    assert "reader.device_missing" in done.output


def test_the_models_are_listed_with_what_each_cannot(tmp_path):
    status, answer = answer_of("models")

    assert status == 0
    assert {model["name"] for model in answer["models"]} >= {"gm65", "gm812", "de2120", "honeywell"}
    assert "not possible" in luutru("models").output


def test_a_buyer_without_hardware_plays_a_scanner_and_sets_it(tmp_path):
    link = tmp_path / "qr0"
    played = subprocess.Popen(
        [sys.executable, "-m", "luutru", "kiosk", "scanner", "simulate", link, "--every", "0.2", "--seconds", "60"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert "simulated gm65" in played.stdout.readline()
        status, done = answer_of("configure", link, "--model", "gm65")
        assert (status, done["baud_rate"]) == (0, 115_200)
        from edge_agent.serial_line import SerialLine

        with SerialLine(str(link), 115_200) as line:
            assert line.read(10)
    finally:
        played.terminate()
        played.wait(10)
        played.stdout.close()
        Path(link).unlink(missing_ok=True)


def test_a_kiosks_profile_names_the_model_its_reader_is_held_to(tmp_path):
    import queue

    with simulated("gm65", tmp_path) as scanner:
        section = ReaderSection(kind="serial", source=scanner.path, baud_rate=115_200, model="gm65", repair=True)
        reader = serial_scanner(section, make_profile(LOBBY), clock=CLOCK)
        captures, health = queue.Queue(), queue.Queue()
        reader.start(captures.put, health.put)
        assert health.get(timeout=20).code == "scanner.settings_repaired"
        scanner.show(CARD)
        assert captures.get(timeout=10).reader == "serial:gm65"
        reader.stop()
        with line_to(scanner, 115_200):
            assert scanner.brain.baud_rate == 115_200


def test_a_profile_with_a_model_nobody_knows_stops_the_kiosk_at_its_start():
    with pytest.raises(Malformed, match=r"scanner\.model_unknown"):
        serial_scanner(ReaderSection(kind="serial", source="/dev/null", model="gm99"), make_profile(LOBBY), clock=CLOCK)
