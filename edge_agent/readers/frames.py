"""Pictures from files as a frame source: a folder of photos or a video, played at their own rate, the newest frame only.

- A video plays against the clock: a slow reader misses frames, exactly as before a camera. One of JPEGs is decoded as a camera's
  (``packed.py``): no further than it is looked at.
- A folder's photos are held for ``hold_seconds`` each, in the order of their names. A file that is no picture is skipped.
- ``looping`` starts over at the end; without it the end is ``Refused("reader.finished")``.
- Files are only read. Pictures above ``LARGEST_PIXELS`` are not decoded at all (a small file can claim to be 400 megapixels).

Example: ``FrameReader(PictureFolder(Path("photos"), clock=clock), clock=clock)``
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from edge_agent.readers.packed import LARGEST_PIXELS, MJPG, frame_of
from edge_agent.readers.port import Frame
from residence.clock import Clock
from residence.errors import Malformed, Refused

LONGEST_SIDE: Final = 30_000  # zxing takes 65,535, and small pictures are doubled
HOLD_SECONDS: Final = 4.0
_PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".pgm", ".ppm"})
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")  # not EPS: Pillow would start Ghostscript
_USUAL_RATE: Final = 30.0
_TALLEST_RATE: Final = 240.0


def read_grey(path: Path) -> NDArray[np.uint8]:
    """Read a picture file as grey (uint8, height by width).

    Raise ``Malformed`` with ``scan.file_missing``, ``scan.empty_file``, ``scan.not_a_picture``, ``scan.damaged_file`` or
    ``scan.too_large``; the size is judged from the header, before anything is decoded.
    """
    try:
        if not path.stat().st_size:
            raise Malformed("scan.empty_file", "", str(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what we judge ourselves
            return _decoded(path)
    except Image.DecompressionBombError as error:
        raise Malformed("scan.too_large", "", str(error)) from error
    except UnidentifiedImageError as error:
        raise Malformed("scan.not_a_picture", "", str(error)) from error
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise Malformed("scan.file_missing", "", str(error)) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise on damaged files
        raise Malformed("scan.damaged_file", "", str(error)) from error


def _decoded(path: Path) -> NDArray[np.uint8]:
    with path.open("rb") as file, Image.open(file, formats=_FORMATS) as picture:
        if picture.width * picture.height > LARGEST_PIXELS or max(picture.size) > LONGEST_SIDE:
            raise Malformed("scan.too_large", "", f"{picture.width} x {picture.height}")
        picture.draft("L", picture.size)  # a JPEG then decodes its brightness only
        return np.asarray(_on_white(picture), np.uint8)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("L")
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture, np.uint16) >> 8).astype(np.uint8))
    if picture.mode in {"I", "F"}:  # 32 bits, of any range: its own darkest and lightest are black and white
        deep = np.nan_to_num(np.asarray(picture, np.float64), posinf=0.0, neginf=0.0)
        span = float(np.ptp(deep)) or 1.0
        return Image.fromarray(((deep - deep.min()) / span * 255).astype(np.uint8))
    return picture.convert("L")


def picture_paths(folder: Path) -> list[Path]:
    """Return a folder's picture files in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)


class Pace:
    """Which frame is due now, at a steady rate from the moment of opening."""

    def __init__(self, rate: float, clock: Clock, sleep: Callable[[float], object]) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._began_ns = clock.monotonic_ns()
        self._given = -1

    def next_due(self, wait_seconds: float) -> int | None:
        """Return the number of the newest frame due and not given before, waiting at most ``wait_seconds`` for it."""
        for attempt in range(2):
            elapsed = (self._clock.monotonic_ns() - self._began_ns) / 1e9
            due = math.floor(elapsed * self._rate)
            if due > self._given:
                self._given = due
                return due
            if not attempt:
                self._sleep(min(wait_seconds, (self._given + 1) / self._rate - elapsed + 1e-4))
        return None


class VideoFile:
    """A video file or a numbered folder of frames, played at its own rate."""

    def __init__(self, path: Path, *, clock: Clock, looping: bool = False, sleep: Callable[[float], object] = time.sleep) -> None:
        self.name: Final = "video"
        self._path = path
        self._clock = clock
        self._looping = looping
        self._sleep = sleep
        self._capture: Any = None
        self._pace: Pace | None = None
        self._position = -1  # the frame last grabbed in this run through the file

    def open(self) -> None:
        """Open the file, or raise ``Refused("reader.device_missing")``."""
        self._capture = open_film(self._path) if self._path.is_file() else None
        if self._capture is None or not self._capture.isOpened():
            raise Refused("reader.device_missing", "", str(self._path))
        self._pace = Pace(rate_of(self._capture), self._clock, self._sleep)
        self._position = -1

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the frame due now, skipping those that passed meanwhile."""
        if self._pace is None:
            raise RuntimeError("open() comes first")
        number = self._pace.next_due(wait_seconds)
        if number is None:
            return None
        while self._position < number:
            if not self._capture.grab():
                self._start_over()
                return None
            self._position += 1
        good, picture = self._capture.retrieve()
        return frame_of(picture if good else None, number=number, taken_ns=self._clock.monotonic_ns())

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _start_over(self) -> None:
        if not self._looping or self._position < 0:
            raise Refused("reader.finished", "", str(self._path))
        self.close()
        self.open()


def open_film(path: Path) -> Any:
    """Open a video file; of one that is a row of JPEGs the JPEGs themselves will be given, where OpenCV can."""
    capture = cv2.VideoCapture(str(path))
    if capture.isOpened() and int(capture.get(cv2.CAP_PROP_FOURCC)) == MJPG:
        packed = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
        if packed.isOpened():
            capture.release()
            return packed
    return capture


def rate_of(capture: Any) -> float:
    """Return a video's own frames a second; 30 when it does not say or says something absurd."""
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if 0 < rate <= _TALLEST_RATE else _USUAL_RATE


class PictureFolder:
    """The photos of a folder, each held for a while."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        hold_seconds: float = HOLD_SECONDS,
        looping: bool = True,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name: Final = "pictures"
        self._folder = folder
        self._clock = clock
        self._rate = 1 / hold_seconds
        self._looping = looping
        self._sleep = sleep
        self._paths: list[Path] = []
        self._pace: Pace | None = None

    def open(self) -> None:
        """List the photos, or raise ``Refused("reader.device_missing")`` when there are none."""
        if self._folder.is_dir():
            self._paths = picture_paths(self._folder)
        if not self._paths:
            raise Refused("reader.device_missing", "", f"no pictures in {self._folder}")
        self._pace = Pace(self._rate, self._clock, self._sleep)

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the photo whose turn has come, once."""
        if self._pace is None:
            raise RuntimeError("open() comes first")
        number = self._pace.next_due(wait_seconds)
        if number is None:
            return None
        if number >= len(self._paths) and not self._looping:
            raise Refused("reader.finished", "", str(self._folder))
        try:
            grey = read_grey(self._paths[number % len(self._paths)])
        except Malformed:
            return None
        return Frame(grey=grey, number=number, taken_ns=self._clock.monotonic_ns())

    def close(self) -> None:
        """Forget the list."""
        self._paths = []
