"""A camera's picture as a frame, decoded no further than it is looked at.

- A camera that sends JPEGs is asked for them as they are. Of each one only the mean of every block of 8 x 8 is decoded at once: that is enough
  to see whether something moves. The whole is decoded, in grey alone, when it is searched. In an empty lobby that is two of ten.
- Decoding colours and throwing them away cost most of what an idle kiosk took (docs/kiosk.md, ADR 141).
- What is no JPEG, or one that cannot be decoded, is no frame, nor is one that claims more than ``LARGEST_PIXELS``: a few bytes can. OpenCV's decoder refuses the same ones small and whole.
- Pictures that come decoded (grey, or blue-green-red) are taken as they are.

>>> lobby = cv2.imencode(".jpg", np.full((720, 1280), 90, np.uint8))[1].reshape(1, -1)
>>> frame = frame_of(lobby, number=0, taken_ns=0)
>>> frame.glimpse.shape, frame.grey.shape
((90, 160), (720, 1280))
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

from edge_agent.readers.port import Frame

MJPG: Final = cv2.VideoWriter.fourcc(*"MJPG")
LARGEST_PIXELS: Final = 60_000_000
_SHORT_SIDE: Final = 288  # pixels: below that an eighth is too little to see a hand by
_BEGINS: Final = (0xFF, 0xD8)


def frame_of(picture: Any, *, number: int, taken_ns: int) -> Frame | None:
    """Return a frame of what a device gave: a JPEG's bytes (1, length), grey (height, width), colours (height, width, 3); None of a broken one."""
    if picture is None:
        return None
    if picture.shape[0] == 1:  # a row of bytes
        return _packed(picture, number=number, taken_ns=taken_ns) if tuple(picture[0, :2]) == _BEGINS else None
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)  # noqa: PLR2004 -- already grey
    return Frame(grey=grey, number=number, taken_ns=taken_ns)


def _packed(jpeg: Any, *, number: int, taken_ns: int) -> Frame | None:
    try:
        glimpse = cv2.imdecode(jpeg, cv2.IMREAD_REDUCED_GRAYSCALE_8)
    except cv2.error:  # it claims more than OpenCV will take
        return None
    if glimpse is None or glimpse.size * 64 > LARGEST_PIXELS:
        return None
    if min(glimpse.shape) * 8 < _SHORT_SIDE:
        whole = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)
        return None if whole is None else Frame(grey=whole, number=number, taken_ns=taken_ns)

    def decode() -> Any:
        whole = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)
        return np.repeat(np.repeat(glimpse, 8, 0), 8, 1) if whole is None else whole

    return Frame(grey=decode, glimpse=glimpse, number=number, taken_ns=taken_ns)
