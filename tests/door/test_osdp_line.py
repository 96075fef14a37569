"""An OSDP line: whom it lets speak, what it hears, and how soon a reader is back. libosdp at both ends, over real pseudo-terminals."""

import ctypes
import os
import platform
import resource
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import osdp_sys
import pytest
from osdp_parts import CARD, INSTALLING, KEY, KEYED, PLAIN, WRONG_KEY, Table, eventually

from edge_agent.osdp.bus import _channel
from edge_agent.osdp.process import OpenLine
from edge_agent.osdp.sandbox import filter_for
from edge_agent.osdp.watching import OsdpLine
from edge_agent.osdp.words import CardSaid, InputsSaid, KeysSaid, LineOrder, LinkSaid, ReaderOnLine, TamperSaid, read_said
from edge_agent.serial_line import SerialLine
from edge_agent.sim.osdp_reader import SimulatedReader

ENFORCE, INSTALL, TOLD = osdp_sys.FLAG_ENFORCE_SECURE, osdp_sys.FLAG_INSTALL_MODE, osdp_sys.FLAG_ENABLE_NOTIFICATION

# The library alone (edge cases of its flags): panel's key and flags, the reader, then on line, secure, card taken.
LIBRARY = {
    "enforced, a reader that asks to be installed": (KEY, ENFORCE, INSTALLING, (False, False, False)),
    "not enforced, a reader that asks to be installed": (KEY, 0, INSTALLING, (True, True, True)),
    "enforced and install mode, a reader that asks to be installed": (KEY, ENFORCE | INSTALL, INSTALLING, (False, False, False)),
    "not enforced, a reader with another key": (KEY, 0, WRONG_KEY, (True, False, True)),
    "enforced, a reader with another key": (KEY, ENFORCE, WRONG_KEY, (False, False, False)),
    "no key at all, a reader without": (None, 0, PLAIN, (True, False, True)),
}
# And what this product makes of it: mode, the reader, then secure, card taken.
OURS = {
    "a reader with its key": (False, KEYED, (True, True)),
    "a reader whose answer about cryptography was edited": (False, KEYED | {"denies_security": True}, (True, True)),
    "a reader that asks to be installed": (False, INSTALLING, (False, False)),
    "a reader with another key": (False, WRONG_KEY, (False, False)),
    "a reader without a key": (False, PLAIN, (False, False)),
    "commissioning, a reader that asks to be installed": (True, INSTALLING, (True, False)),
    "commissioning, a reader with another key": (True, WRONG_KEY, (False, False)),
}


@pytest.mark.parametrize(("key", "flags", "reader", "expected"), LIBRARY.values(), ids=LIBRARY)
def test_what_the_library_does_at_each_downgrade(tmp_path, key, flags, reader, expected):
    link = tmp_path / "rs485"
    with SimulatedReader(link, address=5, **reader) as device, SerialLine(str(link), 9600) as serial:
        heard: list = []
        about = {
            "name": "x",
            "address": 5,
            "scbk": key,
            "version": 0,
            "model": 0,
            "vendor_code": 0,
            "serial_number": 0,
            "firmware_version": 0,
        }
        panel = osdp_sys.ControlPanel([{**about, "flags": flags | TOLD, "channel": _channel(OpenLine(serial))}])
        panel.set_event_callback(lambda _place, event: heard.append(event["event"]) or 0)
        online, secure, card, *_ = expected

        def turn(seconds, until):
            end = time.monotonic() + seconds
            while time.monotonic() < end and not until():
                panel.refresh()
                time.sleep(0.005)

        turn(10 if online else 0.7, lambda: panel.status() and (panel.sc_status() or not secure))
        turn(0.3, lambda: False)
        device.hold("wiegand", 26, CARD)
        turn(5 if card else 0.5, lambda: osdp_sys.EVENT_CARDREAD in heard)
        assert (bool(panel.status()), bool(panel.sc_status()), osdp_sys.EVENT_CARDREAD in heard) == expected


@pytest.mark.parametrize(("commissioning", "reader", "expected"), OURS.values(), ids=OURS)
def test_nobody_is_heard_who_is_not_on_his_own_secure_channel(tmp_path, commissioning, reader, expected):
    table = Table(tmp_path, commissioning=commissioning, reader=reader)
    secure, card = expected
    table.turn(10 if secure else 1.0, lambda: table.secure)
    table.reader.hold("wiegand", 26, CARD)
    table.turn(10 if card else 0.5, lambda: bool(table.cards))
    assert (table.secure, bool(table.cards)) == expected
    assert (table.reader.key == KEY) is (secure or reader["key"] == KEY), "the key is handed out in commissioning only"
    table.close()


FAULTS = {
    "one damaged answer": lambda table: table.reader.damage(1),
    "switched off and on": lambda table: table.reader.power_cycle(),
    "one no": lambda table: (table.reader.answers_no(), table.bus.show("outside", "denied")),
}


class TestAReaderOnItsChannel:
    @pytest.fixture
    def table(self, tmp_path):
        table = Table(tmp_path)
        assert table.turn(10, lambda: table.secure)
        yield table
        table.close()

    def test_everything_a_reader_says_arrives_and_what_it_is_shown_does(self, table):
        table.reader.hold("wiegand", 26, CARD)
        table.reader.press("12#")
        table.reader.tamper(on=True)
        table.reader.inputs(True, False)
        table.turn(10, lambda: sum(not isinstance(each, LinkSaid) for each in table.heard) == 4)
        assert [each for each in table.heard if not isinstance(each, LinkSaid)] == [
            CardSaid(reader="outside", format="wiegand", bits=26, data=CARD),
            KeysSaid(reader="outside", keys="12#"),
            TamperSaid(reader="outside", tamper=True, power=False),
            InputsSaid(reader="outside", on=(True, False)),
        ]
        table.bus.show("outside", "denied")
        table.bus.show("nobody", "denied")
        table.turn(10, lambda: len(table.reader.shown) == 2)
        assert [each["command"] for each in table.reader.shown] == [osdp_sys.CMD_LED, osdp_sys.CMD_BUZZER]

    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
    def test_a_card_counts_again_two_seconds_after_a_fault(self, table, fault):
        """The library alone would give the reader up for five minutes."""
        fault(table)
        assert table.turn(10, lambda: not table.secure), "the fault was felt"
        assert table.turn(2.0, lambda: table.secure)
        table.reader.hold("wiegand", 26, CARD)
        assert table.turn(10, lambda: bool(table.cards))

    @pytest.mark.parametrize(
        "other", [PLAIN, INSTALLING, WRONG_KEY], ids=["one without a key", "one to be installed", "one with another key"]
    )
    def test_exchanged_for_another_it_is_heard_no_more(self, table, other):
        table.reader.exchange(**other)
        assert table.turn(10, lambda: not table.secure)
        table.reader.hold("wiegand", 26, CARD)
        table.turn(1.0, lambda: bool(table.cards))
        assert not table.cards
        assert table.reader.key == other["key"], "and is told nothing"


def order_for(link):
    return LineOrder(device=str(link), baud_rate=9600, readers=(ReaderOnLine(name="outside", address=5, key=KEY),))


def test_the_process_is_started_again_when_it_is_killed_and_when_the_line_was_away(tmp_path):
    link, heard = tmp_path / "rs485", []
    with SimulatedReader(link, address=5, key=KEY) as reader:
        line = OsdpLine(order_for(link), hear=heard.append)
        line.start()

        def is_secure():
            return bool(heard) and isinstance(heard[-1], LinkSaid) and heard[-1].state == "secure"

        eventually(is_secure)
        os.kill(line.process_id, 9)
        eventually(lambda: not is_secure())
        eventually(is_secure)
        reader.unplug()
        eventually(lambda: not is_secure())
        reader.plug()
        eventually(is_secure)
        status = Path(f"/proc/{line.process_id}/status").read_text()
        assert "Seccomp:\t2" in status
        assert "NoNewPrivs:\t1" in status
        line.stop()


def test_whoever_takes_the_process_over_finds_nothing(tmp_path):
    """Sealed as the process on the line is, then asked for everything a thief would want."""
    code = textwrap.dedent(
        """
        import mmap, os, socket, subprocess, sys, threading, ctypes
        from edge_agent.osdp.sandbox import seal
        secret = sys.argv[1]
        seal()
        def tried(what):
            try:
                what()
            except (OSError, RuntimeError, PermissionError):
                return False
            return True
        attempts = [
            lambda: open(secret), lambda: open(secret + ".new", "w"), lambda: os.listdir("/"), lambda: socket.socket(),
            lambda: os.fork(), lambda: os.execv("/bin/true", ["true"]), lambda: threading.Thread(target=print).start(),
            lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC), lambda: os.kill(os.getppid(), 0),
            lambda: os.chmod(secret, 0o777), lambda: os.unlink(secret),
        ]
        print([tried(each) for each in attempts], tried(lambda: mmap.mmap(-1, 4096)))
        sys.stdout.flush()
        os._exit(0)
        """
    )
    secret = tmp_path / "outside.osdp"
    secret.write_text("a key")
    done = subprocess.run([sys.executable, "-c", code, str(secret)], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == f"{[False] * 11} True", done.stderr
    assert secret.read_text() == "a key"


def test_the_filter_is_whole_for_both_processors():
    for machine in ("x86_64", "aarch64"):
        code = filter_for(machine)
        assert len(code) % 8 == 0
        assert len(code) // 8 < 4096, "as many instructions as the kernel takes"
    assert platform.machine() in {"x86_64", "aarch64"}
    assert resource.RLIMIT_AS
    assert ctypes.sizeof(ctypes.c_void_p) == 8


SPOKEN = {
    "no JSON": b"card!\n",
    "another word": b'{"type":"OpenTheDoor"}',
    "a key that is none": b'{"type":"KeysSaid","reader":"outside","keys":"1234x"}',
    "too many keys": b'{"type":"KeysSaid","reader":"outside","keys":"%s"}' % (b"1" * 25),
    "too long": b'{"type":"KeysSaid","reader":"%s","keys":"1"}' % (b"x" * 5000),
    "a code that is none": b'{"type":"LineLost","code":"<script>"}',
}


@pytest.mark.parametrize("line", SPOKEN.values(), ids=SPOKEN)
def test_what_the_process_may_not_say_is_not_heard(line):
    assert read_said(line) is None
