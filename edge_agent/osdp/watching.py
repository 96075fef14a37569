"""The agent's side of an OSDP line: its process is kept going, and what it says is handed on.

- A process that ended, or has said nothing for five seconds (it says something every second), is ended and another started: after a
  quarter second, then after pauses that double up to two seconds while it does not get its line open.
- While there is no process every reader of the line is lost, and that is said.
- What a process says about readers that are not of its line is dropped.

Example: ``OsdpLine(order, hear=hear).start()``
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Final

import structlog

from edge_agent.osdp.words import LONGEST_LINE, Alive, Lamp, LineLost, LineOrder, LinkSaid, Said, Show, read_said, write

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 2.0
SILENCE_SECONDS: Final = 5.0
_log = structlog.get_logger("kiosk.osdp")


class OsdpLine:
    """One line and its process. ``hear`` is called on the line's thread and must not raise."""

    def __init__(self, order: LineOrder, *, hear: Callable[[Said], None]) -> None:
        self._order = order
        self._hear = hear
        self._names = {each.name for each in order.readers}
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="osdp-line", daemon=True)

    @property
    def process_id(self) -> int | None:
        """Return the process on the line while there is one."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the process and the thread."""
        self._stopping.set()
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()  # by which it ends
        if self._thread.is_alive():
            self._thread.join(SILENCE_SECONDS + 1)

    def show(self, reader: str, lamp: Lamp) -> None:
        """Have a reader show something; what cannot be told now is not told later."""
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                os.write(process.stdin.fileno(), write(Show(reader=reader, lamp=lamp)))

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            code, worked = self._session()
            for name in self._names:
                self._hear(LinkSaid(reader=name, state="lost"))
            if self._stopping.is_set():
                return
            _log.warning(code, device=self._order.device)
            pause = FIRST_PAUSE if worked else min(pause * 2, LONGEST_PAUSE)
            self._stopping.wait(pause)

    def _session(self) -> tuple[str, bool]:
        """Run one process; return why it ended and whether it had its line."""
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_agent.osdp.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101 - asked for above
        assert process.stdout is not None  # noqa: S101 - asked for above
        with contextlib.suppress(OSError):
            os.write(process.stdin.fileno(), write(self._order))
        os.set_blocking(process.stdin.fileno(), False)
        self._process = process
        try:
            return self._listen(process.stdout.fileno())
        finally:
            self._process = None
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _listen(self, source: int) -> tuple[str, bool]:
        code, worked, unread = "osdp.process_ended", False, b""
        while True:
            if not select.select([source], [], [], SILENCE_SECONDS)[0]:
                return "osdp.process_silent", worked
            chunk = os.read(source, 4096)
            if not chunk:
                return code, worked
            *lines, unread = (unread + chunk).split(b"\n")
            unread = unread[-LONGEST_LINE:]
            for each in map(read_said, lines):
                if isinstance(each, LineLost):
                    code = each.code
                elif each is not None and not isinstance(each, Alive) and each.reader in self._names:
                    worked = True
                    self._hear(each)
