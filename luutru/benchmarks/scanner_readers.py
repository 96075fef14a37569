"""Which readers are measured: ours and the usual ones, each as it is best used for a QR code in a grey picture.

- A reader gives byte strings, and nothing when its library fails on a picture (OpenCV's detectors do now and then).
- ``read`` is for camera frames, ``read_photo`` for single photos, where ours takes all the time there is; the others know no
  difference. ``follow`` begins a clip: ours remembers its frames, the others do not.
- OpenCV's detectors are asked for one code: asked for several, the first of them reads fewer.
- zxing has everything on that is on by default; ``zxing-2x`` is the same on the doubled frame. pyzbar is asked for QR codes
  only. tapirscan is measured on one thread when it can be imported; it is none of our requirements.
- Time is this thread's processor time round the call alone; the whole process's is taken beside it, for a reader that works on
  other threads would look faster than it is.

Example: ``timed(BASELINES["zxing"]().read, grey).took_ms``
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import cv2
import zxingcpp

from edge_agent.scanning.cascade import QUICK, THOROUGH, Stage, decode
from edge_agent.scanning.following import Following
from edge_agent.scanning.views import Grey

Read = Callable[[Grey], list[bytes]]
Follow = Callable[[Grey, int], list[bytes]]  # a frame and its time in nanoseconds
OURS: Final = "ours"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """One reader, ready to be called."""

    name: str
    read: Read
    read_photo: Read
    follow: Callable[[], Follow]


class Timed(NamedTuple):
    """What a call found, and how long this thread and the whole process worked meanwhile, in milliseconds."""

    found: list[bytes]
    took_ms: float
    process_ms: float


def timed(read: Read, grey: Grey) -> Timed:
    """Call a reader once."""
    began_process, began = time.process_time(), time.thread_time()
    found = read(grey)
    took, process = time.thread_time() - began, time.process_time() - began_process
    return Timed(found, took * 1e3, process * 1e3)


def ours() -> Reader:
    """Return the shipped reader."""

    def reads(stages: Sequence[Stage]) -> Read:
        return lambda grey: [code.payload for code in decode(grey, stages=stages)]

    def follow() -> Follow:
        following = Following()
        return lambda grey, at_ns: [code.payload for code in following.read(grey, now_ns=at_ns, stages=QUICK)[0]]

    return Reader(name=OURS, read=reads(QUICK), read_photo=reads(THOROUGH), follow=follow)


def _pyzbar() -> Read:
    from pyzbar import pyzbar

    return lambda grey: [symbol.data for symbol in pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol.QRCODE])]


def _zxing(grey: Grey) -> list[bytes]:
    return [bytes(each.bytes) for each in zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(_QR_CODE))]


def _zxing_doubled(grey: Grey) -> list[bytes]:
    doubled: Any = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return _zxing(doubled)


def _opencv(detector: Any) -> Read:
    def read(grey: Grey) -> list[bytes]:
        try:
            found = detector.detectAndDecodeBytes(grey)[0]
        except cv2.error:
            return []
        return [bytes(found)] if found else []

    return read


def _tapirscan() -> Read:
    scanner = importlib.import_module("tapirscan").Scanner("low", formats="QRCode", parallel=False)

    def read(grey: Grey) -> list[bytes]:
        barcodes = scanner.scan(grey).barcodes
        return [each.text.encode() if each.payload_bytes is None else bytes(each.payload_bytes) for each in barcodes]

    return read


_QR_CODE: Final = zxingcpp.BarcodeFormat.QRCode
_MAKERS: Final[dict[str, Callable[[], Read]]] = {
    "pyzbar": _pyzbar,
    "opencv": lambda: _opencv(cv2.QRCodeDetector()),
    "opencv-aruco": lambda: _opencv(cv2.QRCodeDetectorAruco()),
    "zxing": lambda: _zxing,
    "zxing-2x": lambda: _zxing_doubled,
    "tapirscan": _tapirscan,
}
NAMES: Final = (OURS, *_MAKERS)


def make_reader(name: str) -> Reader | None:
    """Return the reader called ``name``, or None when its library is not installed."""
    if name == OURS:
        return ours()
    try:
        read = _MAKERS[name]()
    except ImportError:
        return None
    return Reader(name=name, read=read, read_photo=read, follow=lambda: lambda grey, _at_ns: read(grey))
