"""Which sequence numbers of one (kiosk, epoch) have come: replays and gaps, as a value.

- A sequence number is ``next``, ``gap`` (ahead: something before it is missing), ``filled`` (a missing one arrived) or
  ``replayed``. None of these refuses anything; the registry's unique keys do, this tells an operator what is missing.
- Missing numbers are kept as ranges, at most 256 of them; beyond that the oldest two merge, so a hostile kiosk costs no memory.

>>> observe(SequenceWindow(), 3).window.missing
((1, 2),)
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Verdict = Literal["next", "gap", "filled", "replayed"]
MAX_RANGES: Final = 256


class SequenceWindow(msgspec.Struct, frozen=True):
    """Everything up to ``highest`` came, except the inclusive ranges in ``missing``."""

    highest: int = 0
    missing: tuple[tuple[int, int], ...] = ()


class Observation(msgspec.Struct, frozen=True):
    """What one number meant, and the window after it."""

    verdict: Verdict
    window: SequenceWindow


def observe(window: SequenceWindow, sequence: int) -> Observation:
    """Take one sequence number (from 1) into account."""
    if sequence == window.highest + 1:
        return Observation("next", SequenceWindow(sequence, window.missing))
    if sequence > window.highest:
        ranges = _bounded((*window.missing, (window.highest + 1, sequence - 1)))
        return Observation("gap", SequenceWindow(sequence, ranges))
    for position, (first, last) in enumerate(window.missing):
        if first <= sequence <= last:
            pieces = tuple(piece for piece in ((first, sequence - 1), (sequence + 1, last)) if piece[0] <= piece[1])
            ranges = (*window.missing[:position], *pieces, *window.missing[position + 1 :])
            return Observation("filled", SequenceWindow(window.highest, _bounded(ranges)))
    return Observation("replayed", window)


def _bounded(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Merge the two oldest ranges when there are too many: says "missing" of some that came, which is harmless."""
    if len(ranges) <= MAX_RANGES:
        return ranges
    return ((ranges[0][0], ranges[1][1]), *ranges[2:])
