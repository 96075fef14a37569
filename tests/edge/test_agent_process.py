"""The kiosk as a process: frames through the real decoder, kept through a kill -9, ended in order."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from factories import EVENING
from kiosk_page_parts import LOBBY
from traces import traces

from firmware_config.profiles import load_profile
from luutru import keys
from luutru.demo.broker import free_port
from luutru.processes.kiosk_diagnostics import diagnostics_of
from luutru.system import random_bytes, system_clock
from residence.wire.keyring import Keyring, dump_keyring

COMMAND = [sys.executable, "-m", "luutru", "kiosk"]


@pytest.fixture
def folder(tmp_path, pki):
    """A kiosk's folder as an installer leaves it, and no broker anywhere."""
    identity = pki.kiosk("kiosk-lobby-1")
    for source, name in ((identity.ca, "ca.pem"), (identity.certificate, "kiosk.pem"), (identity.key, "kiosk.key")):
        shutil.copy(source, tmp_path / name)

    def make(name, use, owner):
        path = tmp_path / f"{name}.key"
        return keys.make_key(path, key_id=f"{name}-1", use=use, owner=owner, now=EVENING, random_bytes=random_bytes)

    make("signing", "kiosk-sign", "kiosk-lobby-1")
    trusted = [make("seal", "seal", "authority"), make("receipt", "receipt", "authority")]
    (tmp_path / "keyring.json").write_bytes(dump_keyring(Keyring(trusted, serial=1)))
    tail = f"[broker]\nport = {free_port()}\n[page]\nport = {free_port()}\n"
    (tmp_path / "kiosk.toml").write_text(LOBBY + tail, "utf-8")
    return tmp_path


@contextmanager
def kiosk_process(folder, **settings):
    log = (folder / "log.txt").open("ab")
    command = [*COMMAND, "run", folder / "kiosk.toml", "--cards", "sample"]
    process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **settings})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        log.close()


class Person:
    """Somebody at the page."""

    def __init__(self, folder):
        port = re.findall(r"port = (\d+)", (folder / "kiosk.toml").read_text("utf-8"))[-1]
        self.origin = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.origin, follow_redirects=True, timeout=10)

    def html(self):
        return self.client.get("/").text

    def wait_for(self, name, seconds=40):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                html = self.html()
            except httpx.TransportError:
                html = ""
            if f'data-name="{name}"' in html:
                return html
            time.sleep(0.1)
        pytest.fail(f"the page never became {name}")

    def press(self, do):
        html = self.html()
        hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("token", "screen")}
        return self.client.post("/act", data={**hidden, "do": do}, headers={"Origin": self.origin})


@pytest.fixture
def meet(folder):
    """Return how to send somebody to the page; everybody goes home at the end."""
    with ExitStack() as all_home:

        def somebody():
            person = Person(folder)
            all_home.enter_context(person.client)
            return person

        yield somebody


def outbox_of(folder):
    answer = subprocess.run([*COMMAND, "outbox", folder / "kiosk.toml", "--json"], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_a_card_before_the_camera_is_kept_and_survives_a_kill(folder, meet):
    with kiosk_process(folder) as process:
        person = meet()
        person.wait_for("idle")
        person.press("start:vi")
        person.press("purpose:stay")
        person.press("deck:0")
        assert "Trần Văn An" in person.wait_for("person")
        for do in ("yes", "unit:1203", "nights:1", "reason:visit", "confirm"):
            person.press(do)
        html = person.wait_for("result")
        assert "Đã lưu" in html
        assert "Chưa có mạng" in html
        told = person.client.get("/diagnostics")
        assert told.headers["content-disposition"] == 'attachment; filename="kiosk-lobby-1.json"'
        assert (told.json()["running"], told.json()["outbox_depth"], told.json()["vitals"]["disk"]["state"]) == (True, 1, "ok")
        assert {"kiosk starts", "uplink.unreachable"} <= {line["event"] for line in told.json()["log"]}
        assert traces(told.content, ["Trần Văn An", "001095000117", "1203"]) == set()
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    stopped = json.loads(diagnostics_of(load_profile(folder / "kiosk.toml"), clock=system_clock()))
    assert (stopped["running"], stopped["outbox_depth"], stopped["line"]) == (False, 1, {})
    left = outbox_of(folder)
    assert (left["kiosk_id"], left["depth"]) == ("kiosk-lobby-1", 1)
    assert left["waiting"][0]["schema"] == "stay-declaration/1"
    with kiosk_process(folder) as process:
        meet().wait_for("idle")
        assert meet().client.get("/health").json()["outbox_depth"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    everything = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert traces(everything, ["Trần Văn An", "001095000117"]) == set()


@contextmanager
def service_manager(folder):
    """Whoever systemd is to a process: a socket it is told on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        listening.settimeout(40)
        yield listening, {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "3000000"}


def test_an_open_page_does_not_hold_the_process_when_it_is_asked_to_end_and_systemd_hears_of_it(folder, meet):
    with service_manager(folder) as (systemd, settings), kiosk_process(folder, **settings) as process:
        while not (told := systemd.recv(200)).startswith(b"READY=1"):  # its parts are asked before it says so
            assert told.startswith(b"STATUS=stuck")
        person = meet()
        person.wait_for("idle")
        assert systemd.recv(200).startswith(b"WATCHDOG=1")
        with person.client.stream("GET", "/events") as stream:
            next(stream.iter_lines())
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        while systemd.recv(200) != b"STOPPING=1":
            pass


BEGINS_AND_IS_ENDED = """
import os, signal, sys
from pathlib import Path
from firmware_config.profiles import load_profile
from luutru.processes.kiosk import run
run(load_profile(Path(sys.argv[1])), on_ready=lambda _url: os.kill(os.getpid(), signal.SIGTERM))
"""


def test_whoever_ends_a_kiosk_that_still_begins_is_heard(folder):
    done = subprocess.run([sys.executable, "-c", BEGINS_AND_IS_ENDED, folder / "kiosk.toml"], timeout=60, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_wrong_profile_is_refused_in_words_with_the_place(folder):
    path = folder / "kiosk.toml"
    path.write_text(path.read_text("utf-8").replace("presence", "presense"), "utf-8")
    answer = subprocess.run([*COMMAND, "run", path], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert "/kiosk/presense" in answer.stderr
    assert "did you mean presence" in answer.stderr
    assert "docs/settings.md" in answer.stderr


def test_a_missing_key_is_said_in_words(folder):
    (folder / "signing.key").unlink()
    answer = subprocess.run([*COMMAND, "run", folder / "kiosk.toml"], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert "key.file_missing" in answer.stderr
    assert "Traceback" not in answer.stderr
