"""Keeps the newest frame of a live device: what the cameras' own modules share.

- A thread takes every frame off the device as it comes, so that none grows old in the driver's buffers. What becomes a frame is decoded when
  it is asked for (``packed.py``): decoding thirty JPEGs a second for nobody is most of what an idle camera costs.
- A frame is given once. While its reader rests (``rest``) frames are taken and thrown away.
- A device that gives nothing for ``SILENT_SECONDS``, or nothing that can be decoded, or fails ``FAILED_GRABS`` times in a row, or raises, is lost.

Example: ``grabber = Grabber(device, clock=clock, label="camera 0"); grabber.start(); grabber.newest(0.5)``
"""

from __future__ import annotations

import threading
from typing import Any, Final, Protocol

import structlog

from edge_agent.readers.packed import frame_of
from edge_agent.readers.port import Frame
from residence.clock import Clock
from residence.errors import Refused

SILENT_SECONDS: Final = 2.0
FAILED_GRABS: Final = 5
_PAUSE: Final = 0.02
_JOIN_SECONDS: Final = 2.0
_log = structlog.get_logger(__name__)


class LiveDevice(Protocol):
    """An open device that goes on giving frames."""

    def grab(self) -> bool:
        """Wait for the next frame and take it in place of the last; tell whether there was one."""
        ...

    def picture(self) -> Any:
        """Return the frame taken last in its own memory, as ``frame_of`` takes it, or None when it is broken."""
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class Grabber:
    """The thread that empties one device."""

    def __init__(self, device: LiveDevice, *, clock: Clock, label: str) -> None:
        self._device = device
        self._clock = clock
        self._label = label
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._newest: tuple[Any, int, int] | None = None  # picture, number, when it was taken
        self._last_ns = clock.monotonic_ns()
        self._resting_until_ns = 0
        self._broken_since_ns: int | None = None
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="camera-grab", daemon=True)

    def start(self) -> None:
        """Begin taking frames."""
        self._thread.start()

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the newest frame not given before; ``Refused("reader.device_lost" | "reader.no_frames")`` when it stopped."""
        with self._changed:
            self._resting_until_ns = 0
            self._changed.wait_for(lambda: self._failed or self._newest is not None, timeout=wait_seconds)
            newest, self._newest = self._newest, None
        if newest is not None:
            return self._decoded(*newest)
        if self._failed:
            raise Refused("reader.device_lost", "", self._label)
        if self._clock.monotonic_ns() - self._last_ns > SILENT_SECONDS * 1e9:
            raise Refused("reader.no_frames", "", self._label)
        return None

    def _decoded(self, picture: Any, number: int, taken_ns: int) -> Frame | None:
        frame = frame_of(picture, number=number, taken_ns=taken_ns)
        if frame is not None:
            self._broken_since_ns = None
        elif self._broken_since_ns is None:
            self._broken_since_ns = taken_ns
        elif taken_ns - self._broken_since_ns > SILENT_SECONDS * 1e9:
            raise Refused("reader.no_frames", "", self._label)
        return frame

    def rest(self, seconds: float) -> None:
        """Make no pictures for so long, unless one is asked for."""
        with self._changed:
            self._newest = None
            self._resting_until_ns = self._clock.monotonic_ns() + int(seconds * 1e9)

    def close(self) -> None:
        """Stop, and close the device."""
        self._closing.set()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        number, failures = 0, 0
        try:
            while not self._closing.is_set() and failures < FAILED_GRABS:
                if not self._device.grab():
                    failures += 1
                    self._closing.wait(_PAUSE)
                    continue
                failures = 0
                self._keep(number)
                number += 1
        except Exception as error:  # noqa: BLE001 -- a device's library may raise anything; it is lost then, and opened again
            _log.warning("camera failed", camera=self._label, error=type(error).__name__)
        finally:
            with self._changed:
                self._failed = True
                self._changed.notify_all()
            self._device.release()

    def _keep(self, number: int) -> None:
        taken_ns = self._clock.monotonic_ns()
        self._last_ns = taken_ns
        if taken_ns < self._resting_until_ns:
            return
        picture = self._device.picture()
        if picture is None:
            return
        with self._changed:
            self._newest = (picture, number, taken_ns)
            self._changed.notify_all()
