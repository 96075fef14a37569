"""A webcam as a frame source: V4L2 through OpenCV, the newest frame only.

- OpenCV keeps up to four old frames for a slow reader, so a thread takes every frame (``grabbing.py``); the buffer is asked to be
  one frame as well.
- MJPG is asked for: uncompressed 720p over USB 2 comes at ten frames a second. A camera that sends it hands over the JPEGs themselves, and
  what is not looked at is not decoded (``packed.py``); any other picture is decoded by OpenCV.
- Focus and exposure are set when the profile says so, automatic off before the value, and read back: ``settings`` tells what the
  camera made of it. V4L2 counts exposure in tenths of a millisecond; its focus has no unit, so the number is found by trying.
- A camera that stops is lost; the reader closes it and opens it again. Unplugged and plugged in elsewhere it may have another
  number: name it by path (``/dev/v4l/by-path/...``) where that matters.
- Not verified on hardware: no camera was at hand where this was written; the tests drive it with a stand-in device.

Example: ``FrameReader(Camera("/dev/video0", clock=clock), clock=clock)``
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, Protocol

import cv2

from edge_agent.readers.grabbing import Grabber
from edge_agent.readers.packed import MJPG
from edge_agent.readers.port import CameraSettings, Frame, Setting
from residence.clock import Clock
from residence.errors import Refused

MANUAL_EXPOSURE: Final = 1  # V4L2_EXPOSURE_MANUAL
EXPOSURE_UNITS: Final = 10  # V4L2 counts 100 microseconds


class VideoDevice(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def isOpened(self) -> bool:  # noqa: N802 -- OpenCV's name
        """Tell whether the device could be opened."""
        ...

    def grab(self) -> bool:
        """Take the next frame."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the frame taken last."""
        ...

    def set(self, name: int, value: float) -> bool:
        """Set a property; tell whether the device has it."""
        ...

    def get(self, name: int) -> float:
        """Return a property."""
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class _Webcam:
    """A video device as what the grabber empties."""

    def __init__(self, capture: VideoDevice) -> None:
        self._capture = capture
        self.grab = capture.grab
        self.release = capture.release

    def picture(self) -> Any:
        good, picture = self._capture.retrieve()
        return picture if good else None


class Camera:
    """One V4L2 camera, by number or device path."""

    def __init__(
        self,
        device: int | str,
        *,
        clock: Clock,
        settings: CameraSettings | None = None,
        open_device: Callable[[int | str, tuple[int, int]], VideoDevice] | None = None,
    ) -> None:
        self.name: Final = "camera"
        self.settings: tuple[Setting, ...] = ()
        self._device = device
        self._clock = clock
        self._asked = settings or CameraSettings()
        self._open_device = open_device or open_v4l2
        self._grabber: Grabber | None = None

    def open(self) -> None:
        """Open the camera, set it up and start grabbing, or raise ``Refused`` with the reason."""
        capture = self._open_device(self._device, (self._asked.width, self._asked.height))
        if not capture.isOpened():
            capture.release()
            raise Refused("reader.device_busy", "", f"camera {self._device}")
        self.settings = set_up(capture, self._asked)
        self._grabber = Grabber(_Webcam(capture), clock=self._clock, label=f"camera {self._device}")
        self._grabber.start()

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the newest frame not returned before; ``Refused("reader.device_lost")`` when the camera stopped."""
        if self._grabber is None:
            raise RuntimeError("open() comes first")
        return self._grabber.newest(wait_seconds)

    def rest(self, seconds: float) -> None:
        """Save the decoding for a while."""
        if self._grabber is not None:
            self._grabber.rest(seconds)

    def close(self) -> None:
        """Stop grabbing and release the device."""
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None


def set_up(capture: VideoDevice, asked: CameraSettings) -> tuple[Setting, ...]:
    """Set focus and exposure as asked and return what the camera says of them and of its picture's size."""
    told = [
        Setting(name="width", asked=asked.width, got=capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        Setting(name="height", asked=asked.height, got=capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
    ]
    if asked.autofocus is not None:
        told.append(_set(capture, "autofocus", cv2.CAP_PROP_AUTOFOCUS, float(asked.autofocus)))
    if asked.focus is not None:
        told.append(_set(capture, "focus", cv2.CAP_PROP_FOCUS, asked.focus))
    if asked.exposure_ms is not None:
        capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL_EXPOSURE)
        ticks = _set(capture, "exposure_ms", cv2.CAP_PROP_EXPOSURE, max(1, round(asked.exposure_ms * EXPOSURE_UNITS)))
        got = None if ticks.got is None else ticks.got / EXPOSURE_UNITS
        told.append(Setting(name="exposure_ms", asked=asked.exposure_ms, got=got))
    return tuple(told)


def _set(capture: VideoDevice, name: str, control: int, value: float) -> Setting:
    return Setting(name=name, asked=value, got=capture.get(control) if capture.set(control, value) else None)


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
        (cv2.CAP_PROP_FOURCC, MJPG),
        (cv2.CAP_PROP_FRAME_WIDTH, size[0]),
        (cv2.CAP_PROP_FRAME_HEIGHT, size[1]),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    )
    if capture.isOpened():
        for name, value in settings:
            capture.set(name, value)
        leave_packed(capture)
    return capture


def leave_packed(capture: VideoDevice) -> None:
    """Ask for the JPEGs of a camera that sends them. It says what it sends; one that took another format goes on being decoded by OpenCV."""
    if int(capture.get(cv2.CAP_PROP_FOURCC)) == MJPG:
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
