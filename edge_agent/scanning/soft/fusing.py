"""Adds up what several frames say of one code, until it can be read: noise averages out and a reflection wanders off.

Two frames are only added when all of this holds; otherwise the older ones are forgotten at once (a text must never be made of
two people's cards, and never be reported for somebody who has gone):

- the same version, and the same level and mask by their format bits, each with a clear margin;
- the same place: the centre moved by less than half a code's side, and no more than ``LONGEST_GAP_NS`` lie between;
- the same content: the new frame agrees with the sum on the data modules;
- and what the sum decodes into, drawn again, agrees with the newest frame alone: on the whole, and on the check codewords of
  every block. The cards of one family share most of their text, but one letter changes about all check codewords of its block.

Older frames fade. The sum is personal data: memory only, wiped on success, on another code, and with the first frame that comes
more than ``LONGEST_GAP_NS`` after the last that was added.

Example: ``Fusion().add(found, now_ns=frame.taken_ns)`` is ``Decoded`` or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.blocks import blocks_of, interleaving
from edge_agent.scanning.soft.codewords import Decoded, Format, decode_as, formats
from edge_agent.scanning.soft.grid import Floats
from edge_agent.scanning.soft.layout import Layout, layout_of
from edge_agent.scanning.soft.looking import Look

LONGEST_GAP_NS: Final = 500_000_000
_LOUDEST: Final = 1.2
_FADE: Final = 0.9
_MARGIN: Final = 0.15  # by so much the format must agree better than the next
_SAME_CONTENT: Final = 0.25  # correlation over the data modules; two cards share about nothing
_CONFIRMED: Final = 0.4  # correlation of the drawn text with the newest frame alone
_CHECKS_CONFIRMED: Final = 0.35  # the same over one block's check codewords; of another text it is 0 +- 0.08


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sum:
    version: int
    form: Format
    soft: Floats
    corners: NDArray[np.float64]
    seen_ns: int
    frames: int


class Fusion:
    """The frames of one code that are not yet a text."""

    def __init__(self) -> None:
        self._sum: _Sum | None = None

    def forget(self) -> None:
        """Wipe everything."""
        if self._sum is not None:
            self._sum.soft.fill(0)
        self._sum = None

    def forget_older(self, *, now_ns: int) -> None:
        """Wipe what was last seen too long ago to go on with."""
        if self._sum is not None and now_ns - self._sum.seen_ns > LONGEST_GAP_NS:
            self.forget()

    def add(self, found: Look, *, now_ns: int) -> Decoded | None:
        """Add an unread look; return a text when the sum says one and this very frame agrees."""
        layout = layout_of(found.version)
        form = None if found.soft is None else _clear_format(found.soft, layout)
        if found.soft is None or form is None:
            return None
        voice = (np.clip(found.soft, -_LOUDEST, _LOUDEST) * found.fit**2).astype(np.float32)
        before = self._sum
        if before is None or not _continues(before, found, form, voice, now_ns=now_ns):
            self.forget()
            self._sum = _Sum(version=found.version, form=form, soft=voice, corners=found.corners, seen_ns=now_ns, frames=1)
            return None
        total = _FADE * before.soft + voice
        before.soft.fill(0)
        self._sum = _Sum(
            version=found.version, form=form, soft=total, corners=found.corners, seen_ns=now_ns, frames=before.frames + 1
        )
        decoded = decode_as(total / np.abs(total).mean(), layout, form)
        if decoded is None or not _confirms(voice, decoded, layout):
            return None
        self.forget()
        return decoded


def _clear_format(soft: Floats, layout: Layout) -> Format | None:
    first, second = formats(soft, layout)[:2]
    return first if first.agreement - second.agreement >= _MARGIN else None


def _continues(before: _Sum, found: Look, form: Format, voice: Floats, *, now_ns: int) -> bool:
    if found.version != before.version or (form.level, form.mask) != (before.form.level, before.form.mask):
        return False
    moved = float(np.abs(found.corners.mean(axis=0) - before.corners.mean(axis=0)).max())
    side = float((found.corners.max(axis=0) - found.corners.min(axis=0)).max())
    if now_ns - before.seen_ns > LONGEST_GAP_NS or moved > side / 2:
        return False
    layout = layout_of(found.version)
    return _correlation(_data(voice, layout), _data(before.soft, layout)) >= _SAME_CONTENT


def _data(soft: Floats, layout: Layout) -> Floats:
    return np.asarray(soft[layout.order[:, 0], layout.order[:, 1]], np.float32)


def _correlation(first: Floats, second: Floats) -> float:
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / size if size else 0.0


def _confirms(voice: Floats, decoded: Decoded, layout: Layout) -> bool:
    """Draw the text again and compare it with one frame."""
    dark = np.unpackbits(decoded.codewords).astype(bool) ^ layout.masks[decoded.format.mask]
    drawn, seen = np.where(dark, 1, -1).astype(np.float32), _data(voice, layout)
    if _correlation(seen, drawn) < _CONFIRMED:
        return False
    drawn, seen = drawn.reshape(-1, 8), seen.reshape(-1, 8)
    level = decoded.format.level
    check = blocks_of(layout.version, level).check
    parts = (places[-check:] for places in interleaving(layout.version, level))
    return all(_correlation(seen[part].ravel(), drawn[part].ravel()) >= _CHECKS_CONFIRMED for part in parts)
