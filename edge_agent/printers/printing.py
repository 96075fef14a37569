"""The slip printer: a serial or USB device that may be missing, out of paper, or silent about how it is.

- Slips are printed one after the other by a thread of its own; the dialogue never waits for a printer.
- The device is opened for each slip: a printer that was plugged in again works again.
- ``printed`` is said only when the printer answered before and after that nothing is wrong; when it answers nothing, ``sent``.
- Whatever is wrong comes back as a code with a sentence; the declaration is kept all the same, and the code is on the screen.

Example: ``SlipPrinter(PrinterSection(device="/dev/usb/lp0")).start()``
"""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from edge_agent.kiosk.slip import Slip
from edge_agent.printers import escpos
from edge_agent.printers.drawing import drawn
from edge_agent.serial_line import SerialLine
from firmware_config.profiles import PrinterSection
from residence.errors import LuutruError, Refused

ANSWER_SECONDS: Final = 1.0
WRITE_SECONDS: Final = 20.0
QUEUE_LIMIT: Final = 16
_log = structlog.get_logger("kiosk.printer")


class Line(Protocol):
    """What a printer hangs on."""

    def read(self, seconds: float) -> bytes:
        """Return what has arrived."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...


class DeviceLine:
    """A printer's own device file (``/dev/usb/lp0``): bytes in, status bytes out, nothing to set."""

    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            raise Refused("printer.gone", "/printer/device", path) from error

    def read(self, seconds: float) -> bytes:
        """Return what has arrived, waiting up to ``seconds``."""
        ready, _, _ = select.select([self._file], [], [], seconds)
        try:
            return os.read(self._file, 64) if ready else b""
        except OSError:
            return b""  # a printer that cannot be asked

    def write(self, data: bytes) -> None:
        """Send bytes, or raise ``Refused("printer.gone")`` when the printer takes none for long."""
        rest = memoryview(data)
        until = time.monotonic() + WRITE_SECONDS
        while rest:
            _, ready, _ = select.select([], [self._file], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise Refused("printer.gone", "/printer/device", "it takes no data")
            try:
                rest = rest[os.write(self._file, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Refused("printer.gone", "/printer/device", str(error)) from error

    def close(self) -> None:
        """Give the device back."""
        os.close(self._file)


class SlipPrinter:
    """One printer. ``print`` may be called from any thread."""

    def __init__(self, settings: PrinterSection) -> None:
        self._settings = settings
        self._jobs: queue.Queue[tuple[Slip, Callable[[str], None]] | None] = queue.Queue(maxsize=QUEUE_LIMIT)
        self._thread = threading.Thread(target=self._work, name="kiosk-printer", daemon=True)

    def start(self) -> None:
        """Begin printing what is asked for."""
        self._thread.start()

    def stop(self) -> None:
        """End after the slip that is being printed."""
        self._jobs.put(None)
        self._thread.join(timeout=5)

    def print(self, slip: Slip, done: Callable[[str], None]) -> None:
        """Print a slip some time soon; ``done`` is told ``printed``, ``sent`` or the code of what went wrong."""
        try:
            self._jobs.put_nowait((slip, done))
        except queue.Full:
            done("printer.failed")

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            slip, done = job
            try:
                outcome = self._printed(slip)
            except LuutruError as error:
                outcome = error.code if error.code.startswith("printer.") else "printer.gone"
            except Exception as error:  # noqa: BLE001 - the thread outlives any one slip
                _log.error("printer.failed", kind=type(error).__name__)
                outcome = "printer.failed"
            done(outcome)

    def _printed(self, slip: Slip) -> str:
        picture = drawn(slip, width=self._settings.width)
        line = self._open()
        try:
            before = _trouble(line)
            if isinstance(before, str):
                return before
            for piece in (escpos.INITIALISE, *escpos.raster(picture), escpos.FEED_AND_CUT):
                self._send(line, piece)
            after = _trouble(line)
            return after if isinstance(after, str) else "printed" if before and after else "sent"
        finally:
            line.close()

    def _open(self) -> Line:
        if self._settings.kind == "usb":
            return DeviceLine(self._settings.device)
        return SerialLine(self._settings.device, self._settings.baud_rate)

    def _send(self, line: Line, piece: bytes) -> None:
        """Send in pieces that a slow line takes in half a second, well inside the time a write may take."""
        most = max(64, self._settings.baud_rate // 20)
        for start in range(0, len(piece), most):
            line.write(piece[start : start + most])


def _trouble(line: Line) -> str | bool:
    """Return the code of what is wrong, True when the printer says that all is well, False when it says nothing."""
    offline, paper = (_asked(line, question) for question in (escpos.ASK_OFFLINE, escpos.ASK_PAPER))
    return escpos.trouble_of(offline, paper) or (offline is not None and paper is not None)


def _asked(line: Line, question: bytes) -> int | None:
    while line.read(0):
        pass  # an older answer is not an answer
    line.write(question)
    answer = line.read(ANSWER_SECONDS)
    return next((each for each in answer if escpos.is_status(each)), None)
