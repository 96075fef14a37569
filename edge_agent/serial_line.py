"""A serial line as bytes with a clock of its own: the one place that opens, reads and writes a serial device (pyserial).

- The port is taken exclusively; a second opener is told ``reader.device_busy``.
- Unplugging shows as ``OSError``, ``SerialException`` or ``termios.error``; all three are ``Refused("reader.device_lost")``.
- ``read`` returns as soon as a byte is there, with all that is there; it waits in the kernel, so an idle line costs nothing.
- The rate may be changed while the port is open; what was written is sent first.

Example: ``SerialLine("/dev/edge/qr0", 115_200).read(0.1)``
"""

from __future__ import annotations

import errno
import select
import termios
from pathlib import Path
from typing import Any, Final, Self

from residence.errors import Refused

_CHUNK: Final = 512
_WRITE_SECONDS: Final = 1.0


class SerialLine:
    """One open port. Trouble is ``Refused`` with a ``reader.*`` code."""

    def __init__(self, path: str, baud_rate: int) -> None:
        import serial

        self._path = path
        try:
            self._port: Any = serial.Serial(path, baud_rate, timeout=0, write_timeout=_WRITE_SECONDS, exclusive=True)
        except (OSError, serial.SerialException, termios.error, ValueError) as error:
            raise Refused(_why_not(error, path), "", path) from error
        self._lost = (OSError, serial.SerialException, termios.error)

    @property
    def baud_rate(self) -> int:
        """Return the rate the host side is set to."""
        return int(self._port.baudrate)

    def set_baud(self, rate: int) -> None:
        """Change the host side's rate."""
        try:
            self._port.flush()
            self._port.baudrate = rate
        except self._lost as error:
            raise self._gone() from error
        except ValueError as error:
            raise Refused("scanner.baud_unsupported", "/readers/baud_rate", f"{self._path}: {rate}") from error

    def read(self, seconds: float) -> bytes:
        """Return what has arrived, waiting up to ``seconds`` for the first byte; empty when none came."""
        try:
            ready, _, _ = select.select([self._port.fileno()], [], [], seconds)
            return bytes(self._port.read(min(max(1, self._port.in_waiting), _CHUNK))) if ready else b""
        except self._lost as error:
            raise self._gone() from error

    def read_now(self, most: int) -> bytes:
        """Return what is there, at most so many bytes, without waiting; unplugged lines are told from silent ones."""
        try:
            ready, _, _ = select.select([self._port.fileno()], [], [], 0)
            return bytes(self._port.read(most)) if ready else b""
        except self._lost as error:
            raise self._gone() from error

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._port.write(data)
        except self._lost as error:
            raise self._gone() from error

    def close(self) -> None:
        """Give the port back. Harmless when called twice."""
        self._port.close()

    def __enter__(self) -> Self:
        """Return the open line."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _gone(self) -> Refused:
        return Refused("reader.device_lost", "", self._path)


def _why_not(error: Exception, path: str) -> str:
    """Return the code for a port that would not open."""
    number = getattr(error, "errno", None)
    if number in {errno.EACCES, errno.EPERM}:
        return "reader.permission_denied"
    if number in {errno.EAGAIN, errno.EBUSY, errno.EWOULDBLOCK} or "exclusively lock" in str(error):
        return "reader.device_busy"
    return "reader.device_missing" if not Path(path).exists() else "reader.failed"
