"""A machine whose kiosk is sent its settings: the real process, started again whenever it ends, and a repository it asks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from configuration_parts import KIOSK, served
from factories import EVENING
from kiosk_page_parts import LOBBY

from luutru import keys
from luutru.demo.broker import free_port
from luutru.system import random_bytes
from residence.wire.keyring import Keyring, dump_keyring

DOOR = '[[doors]]\nname = "lobby"\npins = "pretend"\noutput_pin = 17\n'


class Machine:
    """A kiosk's machine: its folder, and a service manager that starts the process again whenever it ends."""

    def __init__(self, folder, broker, url, *, patience):
        self.folder, self.broker, self.url, self.port = folder, broker, url, free_port()
        self.starts = 0
        self.process = None
        self.visitor = httpx.Client(follow_redirects=True, timeout=5)
        identity = broker.pki.kiosk(KIOSK)
        for source, name in ((identity.ca, "ca.pem"), (identity.certificate, "kiosk.pem"), (identity.key, "kiosk.key")):
            shutil.copy(source, folder / name)
        self._key("signing", "kiosk-sign", KIOSK)
        uses = ("seal", "receipt", "door-list", "keyring")
        self.trusted = [self._key(each, each, "authority") for each in uses]
        (folder / "keyring.json").write_bytes(dump_keyring(Keyring(self.trusted, serial=1)))
        follows = f'[configuration]\nurl = "{url}"\ndistrict = "ward-01"\nevery_seconds = 0.2\nsteady_seconds = 0.2\n'
        (folder / "kiosk.toml").write_text(f"{self.settings()}{follows}patience_seconds = {patience}\n", "utf-8")

    def _key(self, name, use, owner):
        path = self.folder / f"{name}.key"
        return keys.make_key(path, key_id=f"{name}-1", use=use, owner=owner, now=EVENING, random_bytes=random_bytes)

    def signer(self, use):
        return keys.read_signing_key(self.folder / f"{use}.key", use=use)

    def settings(self, *, name="Chung cư Hòa Bình", port=None, more=""):
        text = LOBBY.replace("Chung cư Hòa Bình", name) + DOOR + more
        return f"{text}[broker]\nport = {port or self.broker.port}\n[page]\nport = {self.port}\n"

    def sent(self, **changes):
        ring = dump_keyring(Keyring(self.trusted, serial=2))
        return {"kiosk.toml": self.settings(**changes).encode(), "keyring.json": ring}

    @property
    def state(self):
        return self.state_in(".")

    def state_in(self, folder):
        try:
            return json.loads((self.folder / "configuration" / folder / "state.json").read_bytes())
        except OSError:
            return {}

    def page(self):
        try:
            return self.visitor.get(f"http://127.0.0.1:{self.port}/").text
        except httpx.TransportError:
            return ""

    def told(self):
        """What it says of itself."""
        try:
            return self.visitor.get(f"http://127.0.0.1:{self.port}/diagnostics").json()["vitals"]
        except httpx.TransportError:
            return {"readers": {}, "profile": ""}

    def press(self, do):
        html = self.page()
        hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("token", "screen")}
        origin = f"http://127.0.0.1:{self.port}"
        answer = self.visitor.post(f"{origin}/act", data={**hidden, "do": do}, headers={"Origin": origin})
        assert answer.status_code == 200, answer.text

    def until(self, check, seconds=120):
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
def machine_of(folder, broker, authority, *, patience=4):
    with served(authority.repository.folder) as url:
        (folder / "kiosk").mkdir()
        machine = Machine(folder / "kiosk", broker, url, patience=patience)
        (machine.folder / "root.json").write_bytes(authority.root)
        try:
            yield machine
        finally:
            machine.visitor.close()
            if machine.process is not None:
                machine.process.kill()
                machine.process.wait(10)
