"""What a reader gives and how it is started: the one port between devices and everything that follows.

- A ``Capture`` is bytes a device saw, nothing more: never an image, never parsed, never stored.
- A reader owns one daemon thread. It never raises out of it; trouble is a ``ReaderHealth`` and the reader tries again.
- Health is reported on change only, and always once after ``start``. ``lost``: nothing can be read now. ``degraded``: it
  reads, but somebody should look (a setup code was shown, noise on the line).
- ``deliver`` and ``report`` are called on the reader's thread; they must return soon and must not raise.
- A camera, a folder of pictures, a video and the sample cards differ only in their ``FrameSource``; the same reader
  (``edge_agent/readers/watching.py``) decodes them all, so nothing is injected behind the decoder.

Example: ``FrameReader(SampleCards(payloads, clock=clock), clock=clock).start(deliver, report)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, Protocol, runtime_checkable

import msgspec

HealthState = Literal["ok", "degraded", "lost"]
_CLOSE_ENOUGH = 0.1  # of what was asked: cameras round to their own steps


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes one reader saw once. The payload is personal data: memory only, never logged."""

    payload: bytes
    symbology: str  # "QRCode"; for serial scanners "unknown", for they do not say
    reader: str  # e.g. "camera:zxing", "serial:scanner"; goes into ``Evidence.reader``
    seen_at_ns: int  # monotonic nanoseconds of the frame or of the last byte
    kind: Literal["qr", "mrz"] = "qr"


class CameraSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a camera is to be set; None leaves it as it is. ``focus`` is in the device's unit: V4L2 says none, libcamera dioptres."""

    width: int = 1280
    height: int = 720
    autofocus: bool | None = None
    focus: float | None = None
    exposure_ms: float | None = None


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as asked for and as the camera says it is; ``got`` is None when it has no such control."""

    name: str
    asked: float
    got: float | None

    @property
    def taken(self) -> bool:
        """Tell whether the camera does what was asked, within a tenth."""
        return self.got is not None and abs(self.got - self.asked) <= _CLOSE_ENOUGH * abs(self.asked)


class ReaderHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How one reader is. ``code`` is a key of ``residence/errors/codes/readers.toml``; empty when all is well."""

    reader: str
    state: HealthState
    code: str = ""
    at_ns: int = 0
    settings: tuple[Setting, ...] = ()


Deliver = Callable[[Capture], None]
Report = Callable[[ReaderHealth], None]


class Reader(Protocol):
    """A device that is read from. ``start`` returns at once; ``stop`` waits shortly for the thread to end."""

    @property
    def name(self) -> str:
        """Return the name that health and captures carry."""
        ...

    def start(self, deliver: Deliver, report: Report) -> None:
        """Begin reading on an own daemon thread."""
        ...

    def stop(self) -> None:
        """End reading and release the device. Harmless when called twice."""
        ...


@runtime_checkable
class Beating(Protocol):
    """A reader whose thread can be seen to be alive."""

    @property
    def beat_ns(self) -> int | None:
        """Return when the thread last showed that it is not stuck (monotonic); None when there is none."""
        ...


class Frame:
    """One grey picture in memory; ``number`` grows with each new frame.

    ``glimpse`` is the picture as it can be had for little (uint8, height by width, maybe eight times smaller each way); ``grey`` is the
    whole of it (uint8, height by width), decoded when it is first asked for.
    """

    __slots__ = ("_picture", "glimpse", "number", "taken_ns")

    def __init__(self, *, grey: Any | Callable[[], Any], number: int, taken_ns: int, glimpse: Any = None) -> None:
        self._picture = grey
        self.glimpse: Final[Any] = grey if glimpse is None else glimpse
        self.number: Final = number
        self.taken_ns: Final = taken_ns

    @property
    def grey(self) -> Any:
        """Return the whole picture."""
        if callable(self._picture):
            self._picture = self._picture()
        return self._picture


class FrameSource(Protocol):
    """Where frames come from. All calls come from one thread; trouble is ``Refused`` with a ``reader.*`` code."""

    @property
    def name(self) -> str:
        """Return what kind of source this is: "camera", "video", "pictures", "sample-cards"."""
        ...

    def open(self) -> None:
        """Take the device, or raise ``Refused("reader.device_missing" | "reader.device_busy" | ...)``."""
        ...

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the newest frame not returned before, waiting at most ``wait_seconds``; None when there is none yet.

        Raise ``Refused("reader.device_lost")`` when the device is gone, ``Refused("reader.finished")`` at a video's end.
        """
        ...

    def close(self) -> None:
        """Give the device back. Harmless when called twice."""
        ...


@runtime_checkable
class Adjustable(Protocol):
    """A frame source whose device was set up and read back."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Return what was asked of the device and what it does."""
        ...


@runtime_checkable
class Restful(Protocol):
    """A frame source that can save work while nobody will ask for a frame."""

    def rest(self, seconds: float) -> None:
        """Note that no frame will be asked for during this time; the next one given will be newer than that."""
        ...
