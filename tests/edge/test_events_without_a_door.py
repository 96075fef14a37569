"""What a kiosk without a door writes down: its readers, whether they hear cards, its clock and its starts."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import msgspec
import pytest
from authority import ENROLLED, Authority
from factories import EVENING, StandingClock
from gateway_thread import GatewayThread, eventually
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_page_parts import LOBBY
from kiosk_parts import make_outbox
from serial_parts import simulated

from edge_agent import event_book, event_keeper
from edge_agent.chip_noting import NotedChips
from edge_agent.event_book import EventBook
from edge_agent.event_keeper import EventKeeper, Look
from edge_agent.kiosk.news import ChipFailed, ChipProgressed
from edge_agent.readers.port import ReaderHealth
from firmware_config.profiles import load_profile
from luutru.demo.broker import free_port
from luutru.keys import make_key
from luutru.processes.kiosk import open_outbox
from luutru.processes.kiosk_events import event_book_of
from luutru.system import random_bytes, system_clock
from registry import kiosks
from registry.door_events import recent_events
from residence.wire.keyring import Keyring, dump_keyring

SECOND_NS = 1_000_000_000


class Desk:
    """A book and who writes into it, on a clock that stands."""

    def __init__(self, folder):
        self.clock = StandingClock()
        self.outbox = make_outbox(folder / "kiosk.db", clock=self.clock)
        self.book = EventBook(self.outbox, random_bytes=bytes)
        self.seen = Look(monotonic_ns=self.clock.monotonic_ns(), time_state="synced")
        self.keeper = EventKeeper(self.book, look=lambda: self.seen, version="1")

    def say(self, state, code="", *, reader="serial:gm65"):
        self.keeper.hear(ReaderHealth(reader=reader, state=state, code=code))

    def pass_time(self, seconds):
        self.seen = msgspec.structs.replace(self.seen, monotonic_ns=self.seen.monotonic_ns + int(seconds * SECOND_NS))
        self.keeper.turn()

    def written(self):
        return [f"{each.what} {each.detail}".strip() for each in self.book.waiting(10_000)]


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    desk.keeper.turn()
    yield desk
    desk.outbox.close()


def test_each_reader_the_clock_and_whether_cards_are_heard_are_events(desk):
    desk.say("degraded", "scanner.settings_drifted")
    desk.say("ok", reader="camera")
    desk.seen = msgspec.structs.replace(desk.seen, unread=4)
    desk.pass_time(1)
    desk.seen = msgspec.structs.replace(desk.seen, unread=5, time_state="jumped")
    desk.pass_time(1)
    desk.seen = msgspec.structs.replace(desk.seen, unread=0)
    desk.pass_time(1)
    assert desk.written() == [
        "reader degraded serial:gm65 scanner.settings_drifted",
        "reader ok camera",
        "clock jumped",
        "reader unread 5",
        "reader read again",
    ]
    assert {each.door for each in desk.book.waiting(9)} == {""}


@given(
    st.lists(
        st.tuples(st.sampled_from(["ok", "lost", "degraded"]), st.sampled_from([0.05, 0.3, 7.0, 90.0])), min_size=1, max_size=160
    )
)
@settings(max_examples=12, deadline=None)
def test_a_reader_that_goes_to_and_fro_wears_no_disk_out_and_how_it_is_and_how_often_is_told(tmp_path_factory, course):
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.keeper.turn()
    began = desk.seen.monotonic_ns
    for state, pause in course:
        desk.say(state)
        desk.pass_time(pause)
    minutes = (desk.seen.monotonic_ns - began) / event_keeper.RARELY_NS
    assert len(desk.written()) <= event_keeper.OFTEN * (1 + minutes / 10) + minutes + 1
    desk.keeper.stop()
    told = desk.written()
    assert told[-1].split()[1] == course[-1][0], "how it is now"
    assert len(told) + sum(int(each.split("+")[1]) for each in told if "+" in each) == len(course), (
        "and none is passed over unsaid"
    )
    desk.outbox.close()


def test_a_failing_disk_ends_no_readers_thread(desk, monkeypatch):
    def fail(**_event):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(desk.book, "append", fail)
    desk.say("lost", "reader.device_lost")


class Chips:
    """A chip reader that tells what the test says."""

    def begin(self, own_id, reading, tell, *, can=""):
        self.tell = lambda code: tell(
            ChipFailed(own_id=own_id, code=code) if code else ChipProgressed(own_id=own_id, phase="opening")
        )

    def stop(self):
        pass


def test_a_chip_reader_is_known_by_its_readings_and_written_down_when_that_changes(desk):
    inner, told = Chips(), []
    chips = NotedChips(inner, hear=desk.keeper.hear, monotonic_ns=desk.clock.monotonic_ns)
    for code in ("chip.stopped", "chip.no_reader", "chip.no_reader", "chip.stopped", "", "chip.card_gone"):
        chips.begin("own", None, told.append)
        inner.tell(code)
    assert desk.written() == ["reader lost chip chip.no_reader", "reader ok chip"]
    assert len(told) == 6


ENDLESS = ("denied-unknown-credential", "denied-authentication-factor-timeout", "verification-required", "request-to-exit", "door-status", "lock-status", "reader")  # fmt: skip


@pytest.mark.parametrize("what", ENDLESS)
def test_chatter_leaves_the_room_to_what_matters_and_says_so(desk, monkeypatch, what):
    monkeypatch.setattr(event_book, "MOST_CHATTER", 3)
    for number in range(10):
        desk.book.append(door="lobby", what=what, detail=str(number))
    desk.book.append(door="lobby", what="alarm", detail="forced-open")
    assert [each.split()[0] for each in desk.written()] == [what] * 3 + ["events-lost", "alarm"]
    assert desk.written()[3] == "events-lost 7"
    desk.book.kept(5, at=EVENING)
    assert desk.book.append(door="", what="reader", detail="ok camera")


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "office"
    folder.mkdir()
    office = Authority(folder)
    yield office
    office.close()


@pytest.fixture
def folder(tmp_path, office, broker):
    """The folder of an enrolled kiosk that has a scanner and no door."""
    folder, kiosk = tmp_path / "kiosk", office.kiosk()
    broker.pki.kiosk(kiosk.kiosk_id).copy_to(folder, as_name="kiosk")
    about = {"key_id": "lobby-sign-2", "use": "kiosk-sign", "owner": kiosk.kiosk_id, "now": ENROLLED}
    key = make_key(folder / "signing.key", **about, random_bytes=random_bytes)
    with office.registry.writing() as connection:
        kiosks.add_key(connection, key, commune_code="demo-01")
    (folder / "keyring.json").write_bytes(dump_keyring(Keyring(office.keyring.entries, serial=1)))
    text = LOBBY.replace("kiosk-lobby-1", kiosk.kiosk_id).replace("blk-hoa-binh", kiosk.premises_id)
    reader = f'[[readers]]\nkind = "serial"\nsource = "{folder / "qr0"}"\nmodel = "gm65"\nbaud_rate = 115200\n'
    where = f'[broker]\nhost = "{broker.host}"\nport = {broker.port}\nspread_seconds = 0\n[page]\nport = {free_port()}\n'
    (folder / "kiosk.toml").write_text(text + reader + where, "utf-8")
    return folder


@contextmanager
def running(folder):
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "luutru", "kiosk", "run", folder / "kiosk.toml"], stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def held(folder):
    """What the killed kiosk's disk holds."""
    outbox = open_outbox(load_profile(folder / "kiosk.toml"), clock=system_clock())
    try:
        return [(each.sequence, each.what, each.detail) for each in event_book_of(outbox).waiting(1000)]
    finally:
        outbox.close()


def test_a_scanner_pulled_out_of_a_real_kiosk_without_a_door_is_on_its_disk_after_a_kill_and_reaches_the_authority(
    folder, office, broker, tmp_path
):
    log = folder / "log.txt"
    with simulated("gm65", folder) as scanner, running(folder) as process:
        eventually(lambda: "scanner.settings_drifted" in log.read_text("utf-8"))
        scanner.pull()
        eventually(lambda: "reader.device_lost" in log.read_text("utf-8") or "reader.device_missing" in log.read_text("utf-8"))
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    left = held(folder)
    assert [number for number, _, _ in left] == list(range(1, len(left) + 1))
    assert [what for _, what, _ in left[:2]] == ["agent-started", "reader"]
    details = [detail for _, what, detail in left if what == "reader"]
    assert "degraded serial:gm65 scanner.settings_drifted" in details
    assert any(detail.startswith("lost serial:gm65 reader.device_") for detail in details)
    gateway = GatewayThread(office, broker, tmp_path / "gateway")
    with running(folder):
        eventually(lambda: len(recent(office)) > len(left))
    gateway.stop()
    assert [(each.sequence, each.what, each.detail) for each in recent(office)][: len(left)] == left


def recent(office):
    with office.registry.reading() as connection:
        return recent_events(connection, limit=1000)
