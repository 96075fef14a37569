"""Reads the QR codes of one grey picture: cheap stages first, stop at the first that reads anything.

- ``QUICK`` is for camera frames: zxing with a global threshold, with a local one, blurred and doubled (noise, moire), doubled
  (small codes). On 780 generated card frames it reads 72 % at a quarter of pyzbar's time; any other order costs more.
- ``THOROUGH`` adds, for single photos, rotation, down-scaling and inverted codes, which no frame of a held card needs.
- Only QR model 2 is asked for: with Micro QR allowed, blur turns into phantom codes such as "447774".
- A caller with little time passes ``time_left``; it is asked before each stage but the first, so a frame never waits on the
  last stage when a newer frame is there.
- A kiosk says what is ``enough``: a poster's code on the wall behind must not keep the later stages from the card.
- A stage is a name and a function, so a better reader is one more line in the list, tried where all before it failed.
- Pure: a picture in, codes out; no image is kept.

Example: ``decode(grey, stages=QUICK, time_left=lambda: clock.monotonic_ns() < deadline)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from edge_agent.scanning.codes import Code, Corners

Grey = NDArray[np.uint8]
LARGEST_DOUBLED: Final = 4_200_000  # pixels; in a larger photo a card's modules are large enough


class Stage(NamedTuple):
    """One attempt at a picture; the name becomes ``Code.reader``."""

    name: str
    read: Callable[[Grey], list[Code]]


def always() -> bool:
    """Say that there is time for every stage."""
    return True


def decode(
    grey: Grey,
    *,
    stages: Sequence[Stage] | None = None,
    time_left: Callable[[], bool] = always,
    enough: Callable[[list[Code]], bool] = bool,
) -> list[Code]:
    """Return the distinct codes read until ``enough`` of them (any, unless told otherwise) or time or stages ran out.

    ``grey`` is uint8 (height, width).
    """
    found: dict[bytes, Code] = {}
    for position, stage in enumerate(QUICK if stages is None else stages):
        if position and not time_left():
            break
        for code in stage.read(grey):
            found.setdefault(code.payload, code)
        if enough(list(found.values())):
            break
    return list(found.values())


def zxing(
    picture: Grey, name: str, *, enlarged: float = 1.0, thorough: bool = False, threshold: str = "LocalAverage"
) -> list[Code]:
    """Run zxing on ``picture``, which is the caller's frame enlarged by ``enlarged``; corners come back in the frame's pixels."""
    found = zxingcpp.read_barcodes(
        np.ascontiguousarray(picture),
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2),
        try_rotate=thorough,
        try_downscale=thorough,
        try_invert=thorough,
        binarizer=getattr(zxingcpp.Binarizer, threshold),
    )
    return [
        Code(payload=bytes(each.bytes), format="QRCode", reader=name, corners=_corners(each.position, enlarged)) for each in found
    ]


def _corners(position: Any, enlarged: float) -> Corners:
    points = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    top_left, top_right, bottom_right, bottom_left = ((each.x / enlarged, each.y / enlarged) for each in points)
    return top_left, top_right, bottom_right, bottom_left


def _global(grey: Grey) -> list[Code]:
    return zxing(grey, "zxing-global", threshold="GlobalHistogram")


def _local(grey: Grey) -> list[Code]:
    return zxing(grey, "zxing")


def _doubled(grey: Grey) -> Grey:
    return cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _blurred_doubled(grey: Grey) -> list[Code]:
    calm: Any = cv2.GaussianBlur(grey, (0, 0), 1.0)
    if grey.size > LARGEST_DOUBLED:
        return zxing(calm, "zxing-blur")
    return zxing(_doubled(calm), "zxing-blur-2x", enlarged=2)


def _twice(grey: Grey) -> list[Code]:
    return [] if grey.size > LARGEST_DOUBLED else zxing(_doubled(grey), "zxing-2x", enlarged=2)


def _thorough(grey: Grey) -> list[Code]:
    return zxing(grey, "zxing-thorough", thorough=True)


QUICK: Final = (
    Stage("zxing-global", _global),
    Stage("zxing", _local),
    Stage("zxing-blur-2x", _blurred_doubled),
    Stage("zxing-2x", _twice),
)
THOROUGH: Final = (*QUICK, Stage("zxing-thorough", _thorough))


@cache
def with_second_opinion(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Append zbar in binary mode; off by default, for it adds 1.7 points at several times the cost. Needs apt's libzbar0."""
    from edge_agent.scanning.zbar import BinaryZbar

    return (*stages, Stage("zbar-binary", BinaryZbar().read))
