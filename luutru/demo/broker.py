"""A real Mosquitto on loopback as our child process, with a generated configuration.

- TLS with required client certificates; the certificate's CN is the user name; every kiosk may touch only its own topics.
- Port, data and configuration stay the same over ``stop``, ``kill`` and ``start``, so clients find it again.
- It is kept running: a broker that ends unasked, because it crashed or was told to begin anew (``broker_access.py``), is started again.
- Nothing rests on this broker: it acknowledges messages and then may lose them (docs/gateway.md); our receipts make up for it.
- No Mosquitto on the machine is said in one sentence with the command that mends it.

Example: ``with Broker(directory, pki=Pki(directory / "pki")) as broker: connect("127.0.0.1", broker.port)``
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from luutru.broker_access import BrokerAccess
from luutru.broker_text import CONFIGURATION, PACKET_BYTES, QUEUE_BYTES
from luutru.demo.pki import GATEWAY_NAME, Pki
from residence.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 10.0


def find_mosquitto() -> str | None:
    """Return the path of the mosquitto program, also where Debian keeps it outside a user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")


class Broker:
    """One Mosquitto. ``port=None`` picks a free one at the first start and keeps it."""

    def __init__(
        self, directory: Path, *, pki: Pki, port: int | None = None, listen: str = HOST, autosave_seconds: int = 5
    ) -> None:
        self.directory: Final = directory.absolute()
        self.pki: Final = pki
        self.host: Final = HOST
        self.access: Final = BrokerAccess(directory, gateway=GATEWAY_NAME)
        self._port = port
        self._listen = listen
        self._autosave = autosave_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._lock = threading.RLock()  # between us and the thread that starts it again

    @property
    def port(self) -> int:
        """The TLS port; chosen on first use."""
        if self._port is None:
            self._port = free_port()
        return self._port

    @property
    def log(self) -> Path:
        """Where Mosquitto's own messages go."""
        return self.directory / "mosquitto.log"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Tell whether the child is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and return once it listens. ``Refused("broker.missing" | "broker.not_started")`` when it cannot."""
        with self._lock:
            if not self.running:
                self._launch()
                self._wanted = True
                threading.Thread(target=self._keep_running, args=(self._process,), name="broker", daemon=True).start()

    def _launch(self) -> None:
        program = find_mosquitto()
        if program is None:
            raise Refused("broker.missing", detail="mosquitto is not installed; run: sudo apt-get install mosquitto")
        if not port_is_free(self.port):
            raise Refused("broker.not_started", detail=f"port {self.port} on {self.host} is taken by another program")
        configuration = self.write_configuration()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", str(configuration)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_listening()

    def stop(self) -> None:
        """End it politely; it saves its queues first."""
        with self._lock:
            self._wanted = False
            if self._process is None:
                return
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it as a power cut would: nothing is saved."""
        with self._lock:
            self._wanted = False
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        """Start for the length of a ``with`` block."""
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop at its end."""
        self.stop()

    def write_configuration(self) -> Path:
        """Write mosquitto.conf and its access rules, and return the file to start Mosquitto with."""
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        identity = self.pki.broker().copy_to(self.directory, as_name="broker")  # Mosquitto never looks where our other keys are
        self.access.write(revocations=self.pki.revocations.read_bytes())
        path = self.directory / "mosquitto.conf"
        path.write_text(
            CONFIGURATION.format(
                # Started as root, Mosquitto would become the user "mosquitto" and could read neither keys nor data of ours.
                user="user root\n" if os.geteuid() == 0 else "",
                data=data,
                autosave=self._autosave,
                queue_bytes=QUEUE_BYTES,
                packet_bytes=PACKET_BYTES,
                pid_file=self.access.pid_file,
                revocations=self.access.revocations,
                port=self.port,
                host=self._listen,
                ca=identity.ca.absolute(),
                certificate=identity.certificate.absolute(),
                key=identity.key.absolute(),
                tls_version="tlsv1.3",
                acl=self.access.rules,
            ),
            "utf-8",
        )
        return path

    def _keep_running(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        with self._lock, suppress(Refused):  # it said in its log why it cannot start
            if self._wanted and self._process is process:
                self.start()

    def _wait_until_listening(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.running:
                break
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        last_words = self.log.read_text("utf-8", errors="replace").strip().splitlines()[-3:]
        self.kill()
        raise Refused("broker.not_started", detail=f"mosquitto did not start on port {self.port}: {' | '.join(last_words)}")


def port_is_free(port: int) -> bool:
    """Tell whether nobody listens on a loopback port."""
    # Asked beforehand: a connection made later would not tell our broker from the one that took the port.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
