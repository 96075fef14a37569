"""A webcam as a frame source: V4L2 through OpenCV, the newest frame only.

- OpenCV keeps up to four old frames for a slow reader, so a grab thread takes every frame and keeps the last one; the
  buffer is asked to be one frame as well.
- MJPG is asked for: uncompressed 720p over USB 2 comes at ten frames a second.
- A camera that gives no frame for ``SILENT_SECONDS``, or whose reads fail, is lost; the reader closes it and opens it again.
  Unplugged and plugged in elsewhere it may have another number: name it by path (``/dev/v4l/by-path/...``) where that matters.
- Not verified on hardware: no camera was at hand where this was written; the tests drive it with a stand-in device.

Example: ``FrameReader(Camera("/dev/video0", clock=clock), clock=clock)``
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

import cv2

from edge_agent.readers.port import Frame
from residence.clock import Clock
from residence.errors import Refused

SILENT_SECONDS: Final = 2.0
_FAILED_READS: Final = 5
_JOIN_SECONDS: Final = 2.0


class VideoDevice(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def isOpened(self) -> bool:  # noqa: N802 -- OpenCV's name
        """Tell whether the device could be opened."""
        ...

    def read(self) -> tuple[bool, Any]:
        """Return whether there was a frame, and the frame."""
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class Camera:
    """One V4L2 camera, by number or device path."""

    def __init__(
        self,
        device: int | str,
        *,
        clock: Clock,
        size: tuple[int, int] = (1280, 720),
        open_device: Callable[[int | str, tuple[int, int]], VideoDevice] | None = None,
    ) -> None:
        self.name: Final = "camera"
        self._device = device
        self._clock = clock
        self._size = size
        self._open_device = open_device or open_v4l2
        self._capture: VideoDevice | None = None
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._given = -1
        self._opened_ns = 0
        self._failed = False
        self._closing = threading.Event()

    def open(self) -> None:
        """Open the camera and start grabbing, or raise ``Refused`` with the reason."""
        capture = self._open_device(self._device, self._size)
        if not capture.isOpened():
            capture.release()
            raise Refused("reader.device_busy", "", f"camera {self._device}")
        self._capture = capture
        self._newest, self._given, self._failed = None, -1, False
        self._opened_ns = self._clock.monotonic_ns()
        self._closing.clear()
        self._thread = threading.Thread(target=self._grab, args=(capture,), name="camera-grab", daemon=True)
        self._thread.start()

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the newest frame not returned before; ``Refused("reader.device_lost")`` when the camera stopped."""
        with self._changed:
            self._changed.wait_for(self._has_news, timeout=wait_seconds)
            frame = self._newest
            if frame is not None and frame.number > self._given:
                self._given = frame.number
                return frame
            if self._failed:
                raise Refused("reader.device_lost", "", f"camera {self._device}")
        last_ns = frame.taken_ns if frame is not None else self._opened_ns
        if self._clock.monotonic_ns() - last_ns > SILENT_SECONDS * 1e9:
            raise Refused("reader.no_frames", "", f"camera {self._device}")
        return None

    def close(self) -> None:
        """Stop grabbing and release the device."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
            self._thread = None
        self._newest = None

    def _has_news(self) -> bool:
        return self._failed or (self._newest is not None and self._newest.number > self._given)

    def _grab(self, capture: VideoDevice) -> None:
        number, failures = 0, 0
        try:
            while not self._closing.is_set() and failures < _FAILED_READS:
                good, picture = capture.read()
                if not good:
                    failures += 1
                    self._closing.wait(0.02)
                    continue
                failures = 0
                self._keep(picture, number)
                number += 1
        except cv2.error:
            failures = _FAILED_READS
        finally:
            capture.release()
            with self._changed:
                self._failed = True
                self._changed.notify_all()

    def _keep(self, picture: Any, number: int) -> None:
        grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)  # noqa: PLR2004 -- already grey
        with self._changed:
            self._newest = Frame(grey=grey, number=number, taken_ns=self._clock.monotonic_ns())
            self._changed.notify_all()


def open_v4l2(device: int | str, size: tuple[int, int]) -> VideoDevice:
    """Open a camera through V4L2 with MJPG, ``size`` (width, height) and the smallest buffer it will take.

    Raise ``Refused("reader.device_missing" | "reader.permission_denied")``, which OpenCV would only print.
    """
    path = f"/dev/video{device}" if isinstance(device, int) else device
    if not os.path.exists(path):  # noqa: PTH110 -- beside os.access
        raise Refused("reader.device_missing", "", path)
    if not os.access(path, os.R_OK | os.W_OK):
        raise Refused("reader.permission_denied", "", path)
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
    settings = (
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, size[0]),
        (cv2.CAP_PROP_FRAME_HEIGHT, size[1]),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    )
    if capture.isOpened():
        for name, value in settings:
            capture.set(name, value)
    return capture
