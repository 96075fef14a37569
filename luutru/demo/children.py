"""Child processes of the demo: started with a log each, watched, ended in the opposite order.

- A child that ends by itself is reported with the last lines of its log; the others go on.
- Ending is SIGTERM, then SIGKILL after a grace time; only children started here are ever touched.

Example: ``children.start("gateway", ["luutru", "gateway", "run"], environment={})``
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from residence.errors import Refused

GRACE_SECONDS: Final = 10.0


class Children:
    """The running processes of one demo, by name."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, tuple[list[str], dict[str, str]]] = {}

    def start(self, name: str, command: list[str], *, environment: dict[str, str] | None = None) -> None:
        """Start a process; its output goes to ``<name>.log``."""
        self._commands[name] = (command, environment or {})
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(environment or {})},  # noqa: TID251 - a child inherits what we were given
            )

    def restart(self, name: str) -> None:
        """Start a known process again with the same command."""
        command, environment = self._commands[name]
        self.start(name, command, environment=environment)

    def stop(self, name: str) -> None:
        """End one process politely, then firmly."""
        process = self._processes.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self, name: str) -> None:
        """End one process as a power cut would."""
        process = self._processes.pop(name, None)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        """End all, the last started first."""
        for name in reversed(list(self._processes)):
            self.stop(name)

    def running(self, name: str) -> bool:
        """Tell whether a process is alive."""
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def pid(self, name: str) -> int:
        """Return the process id of a running process."""
        return self._processes[name].pid

    def ended(self) -> dict[str, int]:
        """Return processes that ended by themselves, with their exit status; each is reported once."""
        gone = {name: status for name, process in self._processes.items() if (status := process.poll()) is not None}
        for name in gone:
            del self._processes[name]
        return gone

    def log(self, name: str) -> Path:
        """Return the path of a process's log."""
        return self._logs / f"{name}.log"

    def last_words(self, name: str, lines: int = 8) -> str:
        """Return the end of a process's log."""
        try:
            return "\n".join(self.log(name).read_text("utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def wait_for_page(self, name: str, url: str, *, seconds: float) -> None:
        """Return when ``url`` answers, or raise ``Refused("demo.not_started")`` with the process's last words."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.running(name):
            try:
                with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback, our own page
                    return
            except urllib.error.HTTPError:
                return  # it answers; what it says is for its own tests
            except OSError:
                time.sleep(0.1)
        raise Refused("demo.not_started", detail=f"{name} did not answer at {url}:\n{self.last_words(name)}")
