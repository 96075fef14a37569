"""A door's relay as the agent sees it: leases go out, and what the holder says of the relay comes back.

- ``drive`` never waits: a holder that does not take or answer in time is ended and another started, whose first act is to let go.
- One that has not spoken yet is loading its library, which takes a small machine that has just booted seconds. It has ``BEGIN_NS`` for that, and each that
  was ended before its first word gives the next twice as long: ended and begun anew for ever, none would come to let go.
- What is believed of the relay is what the holder said last; without a holder it is unknown (None), never "as it was told".

Example: ``output = HeldOutput(door, monotonic=clock.monotonic_ns); output.drive(Lease(milliseconds=3000)); output.driven``
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Final

import structlog

from edge_agent.door.lease import Lease
from firmware_config.doors import DoorSection

ANSWER_NS: Final = 3_000_000_000
AGAIN_NS: Final = 1_000_000_000
BEGIN_NS: Final = 6_000_000_000
LONGEST_BEGIN_NS: Final = 96_000_000_000
_log = structlog.get_logger("kiosk.door")


class HeldOutput:
    """One relay behind its holder. ``drive``, ``close`` from one thread."""

    def __init__(self, door: DoorSection, *, monotonic: Callable[[], int]) -> None:
        self._door = door
        self._monotonic = monotonic
        self._process: subprocess.Popen[bytes] | None = None
        self._driven: bool | None = None
        self._asked_ns: int | None = None  # since when an answer is due
        self._started_ns: int | None = None
        self._spoke = False
        self._begin_ns = BEGIN_NS

    @property
    def driven(self) -> bool | None:
        """Return whether the relay is on, or None when nobody can say."""
        return self._driven

    @property
    def holder_pid(self) -> int | None:
        """Return the holder's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def drive(self, lease: Lease) -> None:
        """Have the relay driven for a lease, or let go."""
        now = self._monotonic()
        process = self._process
        if process is not None and (process.poll() is not None or self._is_late(now)):
            _log.warning("door holder lost", door=self._door.name, ended=process.poll() is not None)
            if not self._spoke and process.poll() is None:
                self._begin_ns = min(self._begin_ns * 2, LONGEST_BEGIN_NS)
            self._end(process)
            process = None
        if process is None:
            process = self._begin(now)
        if process is not None:
            self._tell(process, lease, now)

    def close(self) -> None:
        """Let go of the relay and end the holder."""
        if self._process is not None:
            self._process.terminate()  # which lets go at once
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
            self._end(self._process)

    def _is_late(self, now: int) -> bool:
        return self._asked_ns is not None and now - self._asked_ns > (ANSWER_NS if self._spoke else self._begin_ns)

    def _begin(self, now: int) -> subprocess.Popen[bytes] | None:
        if self._started_ns is not None and now - self._started_ns < AGAIN_NS:
            return None
        self._started_ns, self._asked_ns, self._spoke = now, None, False
        door = self._door
        chosen = ["--pin", str(door.output_pin), "--active", door.output_active, "--pins", door.pins]
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_agent.door.holder", *chosen],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # what is meant for the agent's group must not end it before its lease
        )
        assert process.stdin is not None  # noqa: S101 - asked for above
        os.set_blocking(process.stdin.fileno(), False)
        self._process = process
        threading.Thread(target=self._listen, args=(process,), name="door-output", daemon=True).start()
        return process

    def _tell(self, process: subprocess.Popen[bytes], lease: Lease, now: int) -> None:
        assert process.stdin is not None  # noqa: S101 - as above
        try:
            os.write(process.stdin.fileno(), f"{lease.milliseconds}\n".encode())
        except (OSError, ValueError):  # gone, or not reading: the next call starts another
            process.kill()
            return
        self._asked_ns = now if self._asked_ns is None else self._asked_ns

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for above
        with process.stdout as words:
            for word in words:
                if self._process is process:
                    self._driven, self._asked_ns, self._spoke = word == b"on\n", None, True
        if self._process is process:
            self._driven = None

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        self._process, self._driven, self._asked_ns = None, None, None
