"""A real kiosk process follows what is published: takes it up when nobody is there, keeps it when it works, takes it back when not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from configuration_parts import KIOSK, Authority, served
from factories import EVENING
from kiosk_page_parts import LOBBY

from luutru import keys
from luutru.demo.broker import free_port
from luutru.system import random_bytes
from residence.wire.keyring import Keyring, dump_keyring


class Machine:
    """A kiosk's machine: its folder, and a service manager that starts the process again whenever it ends."""

    def __init__(self, folder, broker, url):
        self.folder, self.broker, self.url, self.port = folder, broker, url, free_port()
        self.starts = 0
        self.process = None
        self.visitor = httpx.Client(follow_redirects=True, timeout=5)
        identity = broker.pki.kiosk(KIOSK)
        for source, name in ((identity.ca, "ca.pem"), (identity.certificate, "kiosk.pem"), (identity.key, "kiosk.key")):
            shutil.copy(source, folder / name)
        self._key("signing", "kiosk-sign", KIOSK)
        self.trusted = [self._key("seal", "seal", "authority"), self._key("receipt", "receipt", "authority")]
        (folder / "keyring.json").write_bytes(dump_keyring(Keyring(self.trusted, serial=1)))
        follows = f'[configuration]\nurl = "{url}"\ndistrict = "ward-01"\nevery_seconds = 0.2\nsteady_seconds = 0.2\npatience_seconds = 4\n'
        (folder / "kiosk.toml").write_text(self.settings() + follows, "utf-8")

    def _key(self, name, use, owner):
        path = self.folder / f"{name}.key"
        return keys.make_key(path, key_id=f"{name}-1", use=use, owner=owner, now=EVENING, random_bytes=random_bytes)

    def settings(self, *, name="Chung cư Hòa Bình", port=None):
        text = LOBBY.replace("Chung cư Hòa Bình", name)
        return f"{text}[broker]\nport = {port or self.broker.port}\n[page]\nport = {self.port}\n"

    def sent(self, **changes):
        ring = dump_keyring(Keyring(self.trusted, serial=2))
        return {"kiosk.toml": self.settings(**changes).encode(), "keyring.json": ring}

    @property
    def state(self):
        try:
            return json.loads((self.folder / "configuration" / "state.json").read_bytes())
        except OSError:
            return {}

    def page(self):
        try:
            return self.visitor.get(f"http://127.0.0.1:{self.port}/").text
        except httpx.TransportError:
            return ""

    def press(self, do):
        html = self.page()
        hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("token", "screen")}
        origin = f"http://127.0.0.1:{self.port}"
        answer = self.visitor.post(f"{origin}/act", data={**hidden, "do": do}, headers={"Origin": origin})
        assert answer.status_code == 200, answer.text

    def until(self, check, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                assert self.process is None or self.process.returncode == 0, self.log()
                self.start()
            if check():
                return
            time.sleep(0.05)
        pytest.fail(f"it did not happen: {self.state}\n{self.log()[-3000:]}")

    def start(self):
        self.starts += 1
        with (self.folder / "log.txt").open("ab") as log:
            command = [sys.executable, "-m", "luutru", "kiosk", "run", self.folder / "kiosk.toml", "--cards", "sample"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ))

    def log(self):
        return (self.folder / "log.txt").read_text("utf-8")


@contextmanager
def machine_of(folder, broker, authority):
    with served(authority.repository.folder) as url:
        (folder / "kiosk").mkdir()
        machine = Machine(folder / "kiosk", broker, url)
        (machine.folder / "root.json").write_bytes(authority.root)
        try:
            yield machine
        finally:
            machine.visitor.close()
            if machine.process is not None:
                machine.process.kill()
                machine.process.wait(10)


def test_settings_are_taken_up_when_nobody_is_there_and_taken_back_when_they_do_not_work(tmp_path, broker):
    authority = Authority(tmp_path / "authority", now=datetime.now(UTC))
    with machine_of(tmp_path, broker, authority) as machine:
        machine.until(lambda: 'data-name="idle"' in machine.page() and "Chung cư Hòa Bình" in machine.page())
        machine.press("start:vi")
        assert 'data-name="idle"' not in machine.page(), "somebody stands there"
        authority.publish(machine.sent(name="Chung cư Bình Minh"))
        machine.until(lambda: machine.state.get("trying"))
        time.sleep(1.5)  # several looks: somebody stands there, so nothing begins
        assert (machine.process.poll(), machine.state.get("tries", 0), machine.starts) == (None, 0, 1)
        machine.press("stop")
        machine.until(lambda: machine.state.get("good"))
        assert (machine.starts, machine.state["good"]) == (2, "a")
        machine.until(lambda: "Chung cư Bình Minh" in machine.page())
        good = machine.state["good_name"]

        authority.publish(machine.sent(name="Chung cư Hỏng", port=free_port()))  # nobody listens there
        machine.until(lambda: machine.state.get("refused"))
        machine.until(lambda: "Chung cư Bình Minh" in machine.page())
        assert (machine.state["good_name"], machine.state.get("trying", "")) == (good, "")
        starts = machine.starts
        time.sleep(1.0)  # the same document comes with every look, and is not tried again
        machine.until(lambda: "Chung cư Bình Minh" in machine.page())
        assert machine.starts == starts == 4
        told = httpx.get(f"http://127.0.0.1:{machine.port}/diagnostics", timeout=5).json()["vitals"]["readers"]
        assert told["configuration"] == "degraded:configuration.taken_back"

        authority.publish(machine.sent(name="Chung cư Lành"))
        machine.until(lambda: machine.state["good_name"] != good and "Chung cư Lành" in machine.page())
        assert machine.state["good"] == "b"
        told = httpx.get(f"http://127.0.0.1:{machine.port}/diagnostics", timeout=5).json()["vitals"]["readers"]
        assert told["configuration"] == f"ok:{machine.state['good_name']}"
