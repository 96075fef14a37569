"""A real kiosk's agent beside a screen: started, killed, walked through by its own forms.

Example: ``with kiosk.running(): kiosk.press("purpose:stay")``
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx

from luutru import keys, system
from luutru.processes.kiosk_browser import page_silence
from residence.wire.keyring import Keyring, dump_keyring

LANGUAGES = ("vi", "en", "zh", "ko", "ja", "ru")
PROFILE = """
[kiosk]
id = "kiosk-screen-1"
site = "blk-screen"
presence = true
[premises]
id = "blk-screen"
kind = "apartment-block"
commune_code = "demo-01"
name = "Chung cư Hòa Bình"
units = ["0305", "1201", "1202", "1203", "1204", "1501"]
[broker]
port = {broker}
[page]
port = {port}
keypad = true
"""
PATIENCE = 90.0


class Kiosk:
    """One agent and whoever stands before it."""

    def __init__(self, folder, *, port, broker):
        self.folder, self.address = folder, f"http://127.0.0.1:{port}"
        self.profile = folder / "kiosk.toml"
        self.profile.write_text(PROFILE.format(port=port, broker=broker), "utf-8")
        now, trusted = system.system_clock().now(), []
        for use, owner in (("kiosk-sign", "kiosk-screen-1"), ("seal", "authority"), ("receipt", "authority")):
            path = folder / f"{'signing' if use == 'kiosk-sign' else use}.key"
            made = keys.make_key(path, key_id=f"{use}-1", use=use, owner=owner, now=now, random_bytes=system.random_bytes)
            trusted += [made] if owner == "authority" else []
        (folder / "keyring.json").write_bytes(dump_keyring(Keyring(trusted, serial=1)))
        self.process = None

    def start(self):
        with (self.folder / "agent.log").open("ab") as log:
            command = [sys.executable, "-m", "luutru", "kiosk", "run", str(self.profile)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while page_silence(self.address) is None:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "agent.log").read_text("utf-8", "replace")[-2000:])
            time.sleep(0.1)
        self.client = httpx.Client(base_url=self.address, follow_redirects=True)

    def kill(self):
        self.client.close()
        self.process.kill()
        self.process.wait()

    @contextmanager
    def running(self):
        self.start()
        try:
            yield
        finally:
            self.kill()

    def at(self):
        """Return the name of the screen that is shown."""
        return re.search(r'data-name="([^"]*)"', self.client.get("/").text)[1]

    def reaches(self, name, *, within=PATIENCE):
        """Wait for a screen, and tell whether it came."""
        end = time.monotonic() + within
        while self.at() != name and time.monotonic() < end:
            time.sleep(0.1)
        return self.at() == name

    def press(self, do):
        html = self.client.get("/").text
        hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("token", "screen")}
        self.client.post("/act", data={**hidden, "do": do}, headers={"Origin": self.address}).raise_for_status()

    def stop(self):
        if self.at() != "idle":
            self.press("stop")
        self.reaches("idle")
