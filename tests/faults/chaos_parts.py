"""The processes of a chaos run: each in a group of its own, killed, frozen and started again like a machine's services.

- A part that ends while it is wanted is started again a moment later, as a service manager would; one that ended by itself is noted.
- Ended by a signal that nobody here sent (a crash) is a fault of the product.
- Killing takes the whole group at once (a machine loses its power) or one process of it (a program dies).
- ``finished``: it ended with status 0 after calm was declared, because everything it held was answered.

Example: ``part = Part("broker", command, log=folder / "broker.log"); part.start(); part.kill(); part.tend(now)``
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PAUSE = 0.3
DOOMED = 99  # the status of one that ended at once because it was told to


class Part:
    """One process, wanted until the end."""

    def __init__(self, name, command, *, log, environment=None):
        self.name, self.log = name, log
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._process = None
        self._start_at = 0.0
        self.held = False  # nobody starts it meanwhile
        self.finished = False
        self.ended_by_itself = []

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=self._environment
            )

    def tend(self, now, *, calm=False):
        """Start it again when it is due."""
        if self.finished or self.held or self.running:
            return
        if self._process is not None:
            status, self._process = self._process.returncode, None
            if calm and status == 0:
                self.finished = True
                return
            if status != DOOMED:
                self.ended_by_itself.append(status)
            self._start_at = now + PAUSE
        if now >= self._start_at:
            self.start()

    def kill(self, *, again_after=PAUSE):
        """Kill the whole group; tell whether it was alive."""
        if not self.running:
            return False
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._process, self._start_at = None, time.monotonic() + again_after
        return True

    def kill_main(self, *, again_after=PAUSE):
        """Kill the first process only; its children are to notice."""
        if not self.running:
            return False
        self._process.kill()
        self._process.wait()
        self._process, self._start_at = None, time.monotonic() + again_after
        return True

    def children(self):
        """Return the ids of the processes it started."""
        with suppress(OSError):
            if self.running:
                words = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
                return [int(each) for each in words.split()]
        return []

    def last_words(self):
        return self.log.read_text("utf-8", "replace")[-1500:] if self.log.exists() else ""


def send(pid, number):
    """Signal one process; tell whether it was there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def freeze(pid):
    """Stop a process and wait until nothing of it moves."""
    if not send(pid, signal.SIGSTOP):
        return False
    for _ in range(200):
        if state_of(pid) in {"T", "t", "Z", ""}:
            return True
        time.sleep(0.005)
    return True


def state_of(pid):
    """Return the kernel's letter for a process."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    return ""


def command_line(pid):
    """Return what a process calls itself."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return ""
