"""A kiosk that is stuck is not fed: readers, dialogue, store, page, each asked for real; and what systemd is told, on a socket."""

from __future__ import annotations

import socket
import threading

import pytest
from factories import StandingClock

from edge_agent.liveness import STUCK_NS, Liveness
from edge_agent.readers.port import Frame
from edge_agent.readers.watching import FrameReader
from luutru.notifying import ServiceManager, Watchdog
from residence.errors import Refused

SECONDS = STUCK_NS / 1e9


class Camera:
    """A source that gives no picture, hangs when told to, or is not there."""

    name = "camera"

    def __init__(self):
        self.asked, self.hanging, self.hung, self.let_go = (threading.Event() for _ in range(4))
        self.gone = False

    def open(self):
        self.asked.set()
        if self.gone:
            raise Refused("reader.device_missing")

    def newest(self, wait_seconds) -> Frame | None:
        if self.hanging.is_set():
            self.hung.set()
            self.let_go.wait()
        self.asked.set()
        return None

    def close(self):
        pass


@pytest.fixture
def camera():
    source, clock = Camera(), StandingClock()
    reader = FrameReader(source, clock=clock)
    reader.start(lambda _capture: None, lambda _health: None)
    yield source, reader, clock
    source.let_go.set()
    reader.stop()


def liveness(*readers, clock, dialogue=lambda: True, store=lambda: 0, page=lambda: True):
    return Liveness(readers=readers, dialogue=dialogue, store=store, page=page, monotonic_ns=clock.monotonic_ns)


def look_again(source):
    source.asked.clear()
    assert source.asked.wait(10)
    source.asked.clear()
    assert source.asked.wait(10)


def test_a_reader_that_goes_on_looking_is_alive_however_long_nobody_comes(camera):
    source, reader, clock = camera
    clock.pass_time(seconds=SECONDS * 10)
    look_again(source)
    assert liveness(reader, clock=clock).stuck() == []


def test_a_reader_that_hangs_in_its_device_is_named(camera):
    source, reader, clock = camera
    source.hanging.set()
    assert source.hung.wait(10)
    clock.pass_time(seconds=SECONDS)
    assert liveness(reader, clock=clock).stuck() == []
    clock.pass_time(seconds=1)
    assert liveness(reader, clock=clock).stuck() == ["camera"]
    source.hanging.clear()
    source.let_go.set()
    look_again(source)
    assert liveness(reader, clock=clock).stuck() == []


def test_a_device_that_is_gone_is_no_reason_to_start_anew(camera):
    source, reader, clock = camera
    source.gone = True
    reader.stop()
    reader.start(lambda _capture: None, lambda _health: None)
    clock.pass_time(seconds=SECONDS * 10)
    look_again(source)
    assert liveness(reader, clock=clock).stuck() == []


def test_a_reader_that_was_stopped_is_not_waited_for(camera):
    _, reader, clock = camera
    reader.stop()
    clock.pass_time(seconds=SECONDS * 10)
    assert liveness(reader, clock=clock).stuck() == []


def _broken():
    raise OSError("the card is gone")


@pytest.mark.parametrize(
    ("part", "how"), [("dialogue", lambda: False), ("page", lambda: False), ("store", _broken)], ids=["dialogue", "page", "store"]
)
def test_each_part_that_does_not_answer_is_named(part, how):
    assert liveness(clock=StandingClock(), **{part: how}).stuck() == [part]


@pytest.fixture(params=["a path", "an abstract name"])
def systemd(request, tmp_path):
    """Somebody who listens as systemd does; yields the address as it is told to a process, and the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        path = str(tmp_path / "notify") if request.param == "a path" else f"@luutru-test-{tmp_path.name}"
        listening.bind("\0" + path[1:] if path.startswith("@") else path)
        listening.settimeout(10)
        yield path, listening


def test_ready_is_said_once_all_is_well_and_a_stuck_process_is_not_fed(systemd):
    address, listening = systemd
    stuck = ["page"]
    watchdog = Watchdog(ServiceManager(address), lambda: stuck)
    watchdog.look()
    assert listening.recv(200) == b"STATUS=stuck: page"
    stuck.clear()
    watchdog.look()
    assert listening.recv(200) == b"READY=1\nWATCHDOG=1\nSTATUS=working"
    watchdog.look()
    assert listening.recv(200) == b"WATCHDOG=1\nSTATUS=working"
    stuck.append("camera")
    watchdog.look()
    assert listening.recv(200) == b"STATUS=stuck: camera"
    watchdog.stop()
    assert listening.recv(200) == b"STOPPING=1"


def test_without_systemd_nothing_is_told_and_nobody_minds():
    ServiceManager("").tell("READY=1")
    ServiceManager("/nowhere/notify").tell("READY=1")
