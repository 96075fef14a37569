"""A Raspberry Pi's own camera as a frame source: picamera2, the Y plane only, the newest frame only.

- YUV420 is asked for: the first rows of it are the grey picture, without any conversion. Rows may be padded at their ends; the
  padding is cut off.
- Two buffers, and a thread that takes every frame (``grabbing.py``); only a frame that will be looked at is copied.
- Focus is in dioptres (1000 / distance in millimetres), exposure in microseconds on the device. What the camera has no control for
  is not asked of it; what it does is read from the last frame's own metadata.
- picamera2 comes with Raspberry Pi OS (``python3-picamera2``), not with our requirements, and is imported when a camera is opened.
- Not verified on hardware: neither a Pi nor libcamera was at hand where this was written; the tests use a stand-in device.

Example: ``FrameReader(PiCamera(0, clock=clock, settings=CameraSettings(focus=8.0)), clock=clock)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from edge_agent.readers.grabbing import Grabber
from edge_agent.readers.port import CameraSettings, Frame, Setting
from residence.clock import Clock
from residence.errors import Refused

BUFFERS: Final = 2
_MANUAL_FOCUS: Final = 0  # libcamera's AfModeManual
_CONTINUOUS_FOCUS: Final = 2  # AfModeContinuous
_MICROSECONDS: Final = 1000  # a millisecond
_STREAM: Final = "main"


class PiCamera:
    """One camera of a Raspberry Pi, by number."""

    def __init__(
        self,
        number: int,
        *,
        clock: Clock,
        settings: CameraSettings | None = None,
        open_device: Callable[[int], Any] | None = None,
    ) -> None:
        self.name: Final = "picamera"
        self._number = number
        self._clock = clock
        self._asked = settings or CameraSettings()
        self._open_device = open_device or open_picamera2
        self._device: _Libcamera | None = None
        self._grabber: Grabber | None = None

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Return what was asked and what the last frame says; empty before there is a frame."""
        return self._device.told() if self._device is not None else ()

    def open(self) -> None:
        """Start the camera, or raise ``Refused`` with the reason."""
        self._device = _Libcamera(self._open_device(self._number), self._asked)
        self._grabber = Grabber(self._device, clock=self._clock, label=f"picamera {self._number}")
        self._grabber.start()

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the newest frame not returned before; ``Refused("reader.device_lost")`` when the camera stopped."""
        if self._grabber is None:
            raise RuntimeError("open() comes first")
        return self._grabber.newest(wait_seconds)

    def rest(self, seconds: float) -> None:
        """Save the copying for a while."""
        if self._grabber is not None:
            self._grabber.rest(seconds)

    def close(self) -> None:
        """Stop the camera."""
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None


class _Libcamera:
    """A started picamera2 object as what the grabber empties."""

    def __init__(self, camera: Any, asked: CameraSettings) -> None:
        self._camera = camera
        self._asked = asked
        self._request: Any = None
        self._metadata: dict[str, Any] = {}
        wanted = controls_for(asked)
        self._controls = {name: value for name, value in wanted.items() if name in camera.camera_controls}
        camera.configure(
            camera.create_video_configuration(
                main={"size": (asked.width, asked.height), "format": "YUV420"}, buffer_count=BUFFERS, controls=self._controls
            )
        )
        camera.start()

    def grab(self) -> bool:
        self._give_back()
        self._request = self._camera.capture_request()
        return self._request is not None

    def picture(self) -> Any:
        planes = self._request.make_array(_STREAM)
        self._metadata = dict(self._request.get_metadata())
        self._give_back()
        return np.ascontiguousarray(planes[: planes.shape[0] * 2 // 3, : self._asked.width])

    def release(self) -> None:
        self._give_back()
        self._camera.stop()
        self._camera.close()

    def told(self) -> tuple[Setting, ...]:
        """Return what was asked and what the last frame's metadata says of it."""
        if not self._metadata:
            return ()
        told = []
        if self._asked.focus is not None:
            told.append(Setting(name="focus", asked=self._asked.focus, got=self._said("LensPosition")))
        if self._asked.exposure_ms is not None:
            took = self._said("ExposureTime")
            got = None if took is None else took / _MICROSECONDS
            told.append(Setting(name="exposure_ms", asked=self._asked.exposure_ms, got=got))
        return tuple(told)

    def _said(self, name: str) -> float | None:
        value = self._metadata.get(name)
        return None if value is None or name not in self._controls else float(value)

    def _give_back(self) -> None:
        if self._request is not None:
            self._request.release()
            self._request = None


def controls_for(asked: CameraSettings) -> dict[str, Any]:
    """Return libcamera's controls for what is asked. A focus, like autofocus = false, means a lens that stays where it is."""
    controls: dict[str, Any] = {}
    if asked.autofocus is not None or asked.focus is not None:
        automatic = bool(asked.autofocus) and asked.focus is None
        controls["AfMode"] = _CONTINUOUS_FOCUS if automatic else _MANUAL_FOCUS
    if asked.focus is not None:
        controls["LensPosition"] = asked.focus
    if asked.exposure_ms is not None:
        controls |= {"AeEnable": False, "ExposureTime": round(asked.exposure_ms * _MICROSECONDS)}
    return controls


def open_picamera2(number: int) -> Any:
    """Open a camera through picamera2, or raise ``Refused("reader.library_missing" | "reader.device_missing")``."""
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise Refused("reader.library_missing", "", "picamera2") from error
    try:
        return Picamera2(number)
    except (IndexError, RuntimeError) as error:  # no such camera; taken by another program
        code = "reader.device_missing" if isinstance(error, IndexError) else "reader.device_busy"
        raise Refused(code, "", f"picamera {number}") from error
