"""A barcode scanner on a serial line or USB virtual COM port (pyserial).

- The port is taken exclusively; a second opener is told ``reader.device_busy``.
- Unplugging shows as ``OSError`` or ``SerialException``: the reader says ``reader.device_lost`` and opens the same path again
  until it is back. Name the device by USB path (udev), for cheap adapters have no serial number.
- Framing, floods, noise and setup codes are decided in ``edge_agent/scanning/framing.py``; a shown setup code leaves the
  reader ``degraded`` until it is opened anew, other notes until the next good read.
- Keyboard-wedge scanners are not supported: key codes cannot carry Vietnamese letters. Switch them to virtual COM.
- We only listen; settings are written by the installer with the maker's tool. Tested on pty pairs, not on a scanner.

Example: ``SerialScanner("/dev/edge/qr0", clock=clock, baud_rate=115_200).start(deliver, report)``
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, Final

from edge_agent.readers.port import Capture, Deliver, Report
from edge_agent.readers.supervising import Supervisor
from edge_agent.scanning.framing import Framed, Framer
from edge_agent.scanning.shown import NewlyShown
from residence.clock import Clock
from residence.errors import Refused

_READ_SECONDS: Final = 0.02
_CHUNK: Final = 512


class SerialScanner:
    """A ``Reader`` on one serial device. ``model`` names it in the evidence ("serial:gm65")."""

    def __init__(self, path: str, *, clock: Clock, baud_rate: int = 9_600, model: str = "scanner") -> None:
        self.name: Final = f"serial:{model}"
        self._path = path
        self._clock = clock
        self._baud_rate = baud_rate
        self._shown = NewlyShown()
        self._supervisor = Supervisor(self.name, clock=clock)
        self._setup_shown = False

    def start(self, deliver: Deliver, report: Report) -> None:
        """Begin listening on an own daemon thread."""
        self._supervisor.start(lambda: self._session(deliver), report)

    def stop(self) -> None:
        """End listening and give the port back."""
        self._supervisor.stop()

    def _session(self, deliver: Deliver) -> None:
        import serial

        try:
            with self._open() as line:
                self._setup_shown = False
                self._supervisor.say("ok")
                self._listen(line, deliver)
        except (OSError, serial.SerialException) as error:  # in_waiting raises plain OSError, the rest SerialException
            raise Refused("reader.device_lost", "", self._path) from error

    def _open(self) -> Any:
        import serial

        try:
            return serial.Serial(self._path, self._baud_rate, timeout=_READ_SECONDS, exclusive=True)
        except (OSError, serial.SerialException, ValueError) as error:
            raise Refused(_why_not(error, self._path), "", self._path) from error

    def _listen(self, line: Any, deliver: Deliver) -> None:
        framer = Framer()
        while not self._supervisor.stopping.is_set():
            chunk = line.read(min(max(1, line.in_waiting), _CHUNK))
            now_ns = self._clock.monotonic_ns()
            framed = framer.feed(chunk, now_ns=now_ns) if chunk else framer.rest(now_ns=now_ns)
            self._hand_on(framed, now_ns, deliver)

    def _hand_on(self, framed: Framed, now_ns: int, deliver: Deliver) -> None:
        for note in framed.notes:
            self._setup_shown = self._setup_shown or note == "reader.setup_code"
            self._supervisor.say("degraded", note)
        for payload in framed.payloads:
            if not framed.notes and not self._setup_shown:
                self._supervisor.say("ok")
            if self._shown.is_new(payload, now_ns):
                deliver(Capture(payload=payload, symbology="unknown", reader=self.name, seen_at_ns=now_ns))


def _why_not(error: Exception, path: str) -> str:
    """Return the code for a port that would not open."""
    number = getattr(error, "errno", None)
    if number in {errno.EACCES, errno.EPERM}:
        return "reader.permission_denied"
    if number in {errno.EAGAIN, errno.EBUSY, errno.EWOULDBLOCK} or "exclusively lock" in str(error):
        return "reader.device_busy"
    return "reader.device_missing" if not Path(path).exists() else "reader.failed"
