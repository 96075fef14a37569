"""A site's Mosquitto started from its rendered configuration, on this machine's loopback, with certificates made for it.

- For the gates and the tests; at a site it is systemd that starts it, with certificates of the authority's.
- As root it stays root, for its keys lie in a folder of ours.

Example: ``with SiteBroker(folder, pki, text, rules, port=8884, site="blk-hoa-binh") as broker: broker.port``
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Self

from firmware_config.site_bridge import bridge_name
from luutru.demo.broker import HOST, find_mosquitto
from luutru.demo.pki import Pki
from residence.errors import Refused

START_SECONDS: Final = 10.0


class SiteBroker:
    """One site's broker."""

    def __init__(self, folder: Path, pki: Pki, configuration: str, rules: str, *, port: int, site: str) -> None:
        self.pki: Final = pki
        self.host: Final = HOST
        self.port: Final = port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        pki.broker().copy_to(folder, as_name="site")
        pki.gateway(bridge_name(site)).copy_to(folder, as_name="bridge")
        (folder / "crl.pem").write_bytes(pki.revocations.read_bytes())
        (folder / "access.acl").write_text(rules, "ascii")
        user = "user root\n" if os.geteuid() == 0 else ""
        self._file = folder / "mosquitto.conf"
        self._file.write_text(user + configuration, "utf-8")

    def try_out(self) -> str:
        """Start it, see that it listens, end it; return what it said when it does not."""
        try:
            with self:
                return ""
        except Refused as error:
            return error.detail

    def __enter__(self) -> Self:
        """Start it, or ``Refused("broker.not_started")`` with its last words."""
        program = find_mosquitto()
        if program is None:
            raise Refused("broker.missing", detail="mosquitto is not installed")
        log = self._folder / "mosquitto.log"
        with log.open("wb") as file:
            self._process = subprocess.Popen([program, "-c", str(self._file)], stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        self.__exit__()
        raise Refused("broker.not_started", detail=log.read_text("utf-8", errors="replace")[-600:])

    def __exit__(self, *_exception: object) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
