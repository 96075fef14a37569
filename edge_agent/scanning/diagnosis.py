"""Why a picture was not read: the first thing to mend, with its figure, as a code of ``readers.toml``.

- The order is the order in which it pays to mend: all of it in view, glare, light, size, tilt, sharpness, and only then damage,
  which nobody can mend at the kiosk.
- The limits are where the shipped stages stop reading in the measuring set (``luutru/benchmarks/card_set.py``): between 1.3 and 1.5
  pixels a module, and between a blur disc of two thirds and four fifths of a module.
- A code that was read has no reason. A picture in which nothing looks like a code says so, or that it is too dark.

>>> why_not_read(np.full((480, 640), 9, np.uint8), []).code
'scan.too_dark'
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from edge_agent.scanning.optics import COMFORTABLE_PX, DOUBTFUL_PX
from edge_agent.scanning.sighting import Grey, Sighting

SMALL_PX: Final = 1.4
SMALL_WHEN_BLURRED_PX: Final = 1.9
STEEP_DEGREES: Final = 50.0
GLARE_SHARE: Final = 0.0025  # a card in good light has none
DARK: Final = 0.4  # level of white paper or of a frame's brightest parts
BLURRED: Final = 0.565  # sharpness
PALE: Final = 0.18  # contrast


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend; ``figure`` is what was measured and ``limit`` what is needed, as text for its sentence."""

    code: str
    figure: str = ""
    limit: str = ""


def why_not_read(grey: Grey, sightings: Sequence[Sighting]) -> Reason:
    """Say why the picture gave nothing, by its largest unread code or, without one, by its light."""
    unread = [each for each in sightings if not each.read]
    if unread:
        return why_unread(max(unread, key=lambda each: each.module_px))
    brightest = float(np.percentile(grey[::4, ::4], 99)) / 255
    if brightest < DARK:
        return Reason(code="scan.too_dark", figure=f"{brightest:.0%}", limit=f"{DARK:.0%}")
    return Reason(code="scan.nothing_like_a_code")


def why_unread(sighting: Sighting) -> Reason:
    """Say what to mend first so that this code can be read."""
    if not sighting.whole:
        return Reason(code="scan.cut_off")
    if sighting.saturated >= GLARE_SHARE:
        return Reason(code="scan.glare", figure=f"{sighting.saturated:.1%}")
    if sighting.light < DARK:
        return Reason(code="scan.too_dark", figure=f"{sighting.light:.0%}", limit=f"{DARK:.0%}")
    if sighting.tilt_degrees >= STEEP_DEGREES:
        return Reason(code="scan.too_tilted", figure=f"{sighting.tilt_degrees:.0f}")
    if (reason := _about_sharpness(sighting)) is not None:
        return reason
    if sighting.contrast < PALE:
        return Reason(code="scan.too_pale", figure=f"{sighting.contrast:.0%}", limit=f"{PALE:.0%}")
    return Reason(code="scan.damaged_code")


def _about_sharpness(sighting: Sighting) -> Reason | None:
    """Say whether the code is too small or too blurred; what is both is too small, for coming closer helps more than any focus."""
    blurred = sighting.sharpness < BLURRED
    if sighting.module_px < (SMALL_WHEN_BLURRED_PX if blurred else SMALL_PX):
        needed = DOUBTFUL_PX if sighting.module_px < SMALL_PX else COMFORTABLE_PX
        return Reason(code="scan.too_small", figure=f"{sighting.module_px:.1f}", limit=f"{needed:.1f}")
    if blurred:
        return Reason(code="scan.too_blurred", figure=f"{sighting.sharpness:.2f}", limit=f"{BLURRED:.2f}")
    return None
