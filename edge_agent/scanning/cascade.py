"""Reads the QR codes of one grey picture: cheap stages first, stop at the first that reads anything.

- ``QUICK`` is for camera frames: zxing with a global threshold and on the halved frame, each time with a second try on what was
  located, laid square, a third on that sharpened, then the own reader; the same again with a local threshold, which takes zxing as
  long as both before; then the own reader on the frame's densest places, and on what a blurred frame lets zxing locate.
- ``THOROUGH`` adds, for single photos, doubled frames, rotation, down-scaling and inverted codes, which no frame of a held card needs.
- Only QR model 2 is asked for: with Micro QR allowed, blur turns into phantom codes such as "447774".
- A caller with little time passes ``time_left``; it is asked before each stage but the first, and between the own reader's
  looks, and between the steps of a look, so a frame never waits long when a newer frame is there.
- A kiosk says what is ``enough``: a poster's code on the wall behind must not keep the later stages from the card.
- A stage is a name and a function of a ``View``: the picture, and the places that earlier stages located in it.
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

from edge_agent.scanning.codes import Code
from edge_agent.scanning.soft.blocks import LAST_VERSION
from edge_agent.scanning.soft.grid import is_small, warped
from edge_agent.scanning.soft.heading import is_a_part
from edge_agent.scanning.soft.layout import layout_of
from edge_agent.scanning.soft.looking import look
from edge_agent.scanning.soft.orienting import propose
from edge_agent.scanning.soft.regions import regions
from edge_agent.scanning.views import Candidate, Grey, Points, View, always, as_code

LARGEST_DOUBLED: Final = 4_200_000  # pixels; in a larger photo a card's modules are large enough
_MODEL_2: Final = zxingcpp.BarcodeFormat.QRCodeModel2
_MODEL_1: Final = zxingcpp.BarcodeFormat.QRCodeModel1
_SMALLEST_HALVED: Final = 64
_LARGEST_QUICK: Final = 15  # version: a card's code has 5 to 12, and a look at a large one takes a second
_MOST_LOOKS: Final = 24  # a picture full of broken codes must not hold a reader up
_SMALLEST_SIDE: Final = 30.0  # pixels of the top and left sides


class Stage(NamedTuple):
    """One attempt at a picture; the name becomes ``Code.reader``."""

    name: str
    read: Callable[[View], list[Code]]


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
    return examine(grey, stages=stages, time_left=time_left, enough=enough)[0]


def examine(
    grey: Grey,
    *,
    stages: Sequence[Stage] | None = None,
    time_left: Callable[[], bool] = always,
    enough: Callable[[list[Code]], bool] = bool,
) -> tuple[list[Code], View]:
    """Like ``decode``, and return besides what was located and looked at, read or not."""
    view, found = View(grey, time_left), dict[bytes, Code]()
    for position, stage in enumerate(QUICK if stages is None else stages):
        if position and not time_left():
            break
        for code in stage.read(view):
            found.setdefault(code.payload, code)
        if enough(list(found.values())):
            break
    else:
        view.searched = True
    return list(found.values()), view


def refusal_of(view: View, code: Code) -> str:
    """Return the error code why a code that was read may not be used, or "": zxing does not tell a part of several codes.

    The own reader looks at the place again: some milliseconds, for a code that is newly shown. Of a code too damaged for it, it still
    tells by the text where the text begins.
    """
    here = np.array(code.corners)
    place = next((each for each in view.read if float(np.abs(each.corners - here).max()) < 1), None)
    found = None if place is None else look(view.grey, place.corners, place.version)
    if found is None or found.soft is None:
        return ""
    if found.decoded is not None:
        return found.decoded.refusal
    return "qr.structured_append" if is_a_part(found.soft, layout_of(found.version), code.payload) else ""


def zxing(
    view: View,
    name: str,
    picture: Grey | None = None,
    *,
    back: Callable[[Points], Points] = lambda points: points,
    thorough: bool = False,
    threshold: str = "LocalAverage",
    formats: Any = _MODEL_2,
    locating: bool = True,
) -> list[Code]:
    """Run zxing on ``picture``, a version of the view's frame; ``back`` takes its pixels to the frame's.

    What it located without reading is added to the view's candidates, unless they came from there.
    """
    found = zxingcpp.read_barcodes(
        np.ascontiguousarray(view.grey if picture is None else picture),
        formats=zxingcpp.BarcodeFormats(formats),
        try_rotate=thorough,
        try_downscale=thorough,
        try_invert=thorough,
        binarizer=getattr(zxingcpp.Binarizer, threshold),
        return_errors=locating,
    )
    codes = []
    for each in found:
        corners = back(_points(each.position))
        candidate = _candidate(each, corners)
        if each.valid:
            codes.append(as_code(bytes(each.bytes), name, corners))
        if candidate is not None:
            (view.read if each.valid else view.candidates).append(candidate)
    return codes


def _points(position: Any) -> Points:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    return np.array([(each.x, each.y) for each in corners], np.float64)


def _candidate(found: Any, corners: Points) -> Candidate | None:
    """Return where zxing saw a code and of which version, unless it is too small or of no version."""
    version = str((found.extra or {}).get("Version", ""))
    sides = (corners[1] - corners[0], corners[3] - corners[0])
    if not version.isdigit() or min(float(np.hypot(*side)) for side in sides) < _SMALLEST_SIDE:
        return None
    return Candidate(corners, int(version))


def _global(view: View) -> list[Code]:
    return zxing(view, "zxing-global", threshold="GlobalHistogram")


def _local(view: View) -> list[Code]:
    return zxing(view, "zxing")


def soft(view: View, name: str = "soft", *, largest: int = _LARGEST_QUICK) -> list[Code]:
    """Look closely at every candidate not looked at yet, the latest first: a better stage located it."""
    for candidate in reversed(view.candidates):
        if candidate.version > largest or not view.is_worth_a_look(candidate):
            continue
        if len(view.tried) >= _MOST_LOOKS:
            break
        view.tried.append(candidate)
        found = look(view.grey, candidate.corners, candidate.version, time_left=view.time_left)
        if found is not None:
            view.looks.append(found)
            if found.decoded is not None and (payload := found.decoded.payload) is not None:
                return [as_code(payload, name, found.corners)]
            if found.decoded is not None:
                view.refusals.append(found.decoded.refusal)
        if not view.time_left():
            break
    return []


def _closer(view: View) -> list[Code]:
    """Lay every new candidate square, three pixels a module or so, and let zxing try again: cheap, the picture is small."""
    for candidate in view.candidates[view.laid :]:
        view.laid += 1
        if view.is_worth_a_look(candidate):
            laid, back = warped(view.grey, candidate.corners, cubic=False)
            if codes := zxing(view, "zxing-laid", laid, back=back, locating=False):
                return codes
        if not view.time_left():
            break
    return []


def _sharper(view: View) -> list[Code]:
    """Let zxing try the candidates that the own reader would look at next, laid square and sharpened: a tenth of such a look."""
    for candidate in reversed(view.candidates):
        if view.is_worth_a_look(candidate):
            laid, back = warped(view.grey, candidate.corners, cubic=False)
            sharp: Any = cv2.addWeighted(laid, 2.5, _calm(laid, 2.5), -1.5, 0)
            if codes := zxing(view, "zxing-laid-sharp", sharp, back=back, locating=False):
                return codes
        if not view.time_left():
            break
    return []


def _dense(view: View) -> list[Code]:
    """Look at the frame's densest places: laid square for zxing, then for the own reader, whichever way round."""
    for place in regions(view.grey):
        laid, back = warped(view.grey, place.outlines[0], cubic=is_small(place.outlines[0]))
        codes = (
            zxing(view, "zxing-laid", laid, back=back)
            or zxing(view, "zxing-laid-blur", _calm(laid, laid.shape[0] / 200), back=back)
            or soft(view, "soft-laid")
        )
        if codes or not view.time_left():
            return codes
        view.laid = len(view.candidates)
        for outline in place.outlines:
            if not view.is_worth_a_look(Candidate(outline, 0)):
                break
            proposals = propose(view.grey, outline)
            view.candidates += [Candidate(each.corners, each.version, by_zxing=False) for each in reversed(proposals)]
            codes = soft(view, "soft-dense")
            if codes or not view.time_left():
                return codes
    return []


def _blurred(view: View) -> list[Code]:
    return zxing(view, "zxing-blur", _calm(view.grey, 0.9)) or soft(view, "soft-blur")


def _calm(grey: Grey, sigma: float) -> Grey:
    return cv2.GaussianBlur(grey, (0, 0), sigma)  # type: ignore[return-value]


def _halved(view: View) -> list[Code]:
    if min(view.grey.shape) < _SMALLEST_HALVED:
        return []
    half: Any = cv2.resize(view.grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return zxing(view, "zxing-half", half, back=lambda points: points * 2 + 0.5)


def _doubled(grey: Grey) -> Grey:
    return cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _from_doubled(points: Points) -> Points:
    return (points + 0.5) / 2 - 0.5


def _twice(view: View) -> list[Code]:
    if view.grey.size > LARGEST_DOUBLED:
        return []
    large = _doubled(view.grey)
    return (
        zxing(view, "zxing-2x", large, back=_from_doubled)
        or zxing(view, "zxing-blur-2x", _calm(large, 2.0), back=_from_doubled)
        or soft(view, "soft-2x")
    )


def _thorough(view: View) -> list[Code]:
    """Take all the time there is: any rotation, inverted, the first generation of QR codes."""
    return (
        zxing(view, "zxing-thorough", thorough=True)
        or soft(view, "soft-thorough", largest=LAST_VERSION)
        or zxing(view, "zxing-model-1", thorough=True, formats=_MODEL_1, locating=False)
    )


QUICK: Final = (
    Stage("zxing-global", _global),
    Stage("closer", _closer),
    Stage("half", _halved),
    Stage("closer", _closer),
    Stage("sharper", _sharper),
    Stage("soft", soft),
    Stage("zxing", _local),
    Stage("closer", _closer),
    Stage("sharper", _sharper),
    Stage("soft", soft),
    Stage("dense", _dense),
    Stage("blur", _blurred),
)
THOROUGH: Final = (*QUICK, Stage("twice", _twice), Stage("thorough", _thorough))


@cache
def with_second_opinion(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Append zbar in binary mode; off by default, for it adds little at several times the cost. Needs apt's libzbar0."""
    from edge_agent.scanning.zbar import BinaryZbar

    return (*stages, Stage("zbar-binary", BinaryZbar().look))
