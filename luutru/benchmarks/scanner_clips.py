"""Clips of a hand bringing a card: each reader plays the same frames in real time, newest frame only.

- The clip's time runs with the reader's own time (``edge_agent/scanning/clips.py``). A wrong text is counted and the clip goes on,
  a right one ends it.
- Ours is played twice more: ``ours-slow`` on a machine three times slower, and ``ours-in-a-row``, one person after the other
  without a reset between them, where the next person's card must never give the last one's text.
- Frames are made once, when the first reader comes to them, and kept for the clip's other readers.

Example: ``measure_clips(readers, seed=1, clips=2, step=lambda: None)["ours"].within(2.0)``
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_agent.scanning.clips import play
from edge_agent.scanning.codes import Code
from edge_agent.scanning.views import Grey
from luutru.benchmarks.card_set import CLIP_RATE, LEVELS, make_clip
from luutru.benchmarks.scanner_readers import OURS, Follow, Reader

CLIP_SECONDS: Final = 2.0
SLOW: Final = "ours-slow"
IN_A_ROW: Final = "ours-in-a-row"
SLOWER: Final = 3
_APART_NS: Final = 2_500_000_000  # from the beginning of one clip to the next


@dataclass(kw_only=True, slots=True)
class ClipTally:
    """When each clip was read, in seconds (None: not), and the wrong texts on the way."""

    times: list[float | None] = field(default_factory=list)
    wrong: int = 0

    def within(self, seconds: float, severity: int | None = None) -> int:
        """Return how many clips, of one severity or of all, were read within so many seconds."""
        chosen = self.times if severity is None else self.times[severity::LEVELS]
        return sum(each is not None and each <= seconds for each in chosen)


class _Clip:
    """One clip's frames, made when they are first asked for."""

    def __init__(self, seed: int, number: int) -> None:
        self.payload, self._coming = make_clip(seed, number)
        self._made: list[Grey] = []

    def frame_at(self, wanted: int) -> Grey | None:
        if wanted >= CLIP_SECONDS * CLIP_RATE:
            return None
        while len(self._made) <= wanted:
            self._made.append(next(self._coming))
        return self._made[wanted]


def measure_clips(readers: Sequence[Reader], *, seed: int, clips: int, step: Callable[[], None]) -> dict[str, ClipTally]:
    """Play every clip with every reader; ``step`` is called after each clip."""
    row = next((reader.follow() for reader in readers if reader.name == OURS), None)
    tallies = {name: ClipTally() for name in [*(reader.name for reader in readers), *((SLOW, IN_A_ROW) if row else ())]}
    for number in range(clips):
        clip = _Clip(seed, number)
        for reader in readers:
            _play(clip, reader.follow(), tallies[reader.name])
            if row and reader.name == OURS:
                _play(clip, reader.follow(), tallies[SLOW], slower=SLOWER)
                _play(clip, row, tallies[IN_A_ROW], begins_ns=number * _APART_NS)
        step()
    return tallies


def _play(clip: _Clip, follow: Follow, tally: ClipTally, *, slower: int = 1, begins_ns: int = 0) -> None:
    expected = clip.payload.encode()

    def read(grey: Grey, at_ns: int) -> list[Code]:
        found = follow(grey, begins_ns + at_ns)
        tally.wrong += sum(each != expected for each in found)
        return [_code(each) for each in found if each == expected]

    outcome = play(clip.frame_at, rate=CLIP_RATE, read=read, timer_ns=lambda: slower * time.thread_time_ns())
    tally.times.append(None if outcome.first_read_ms is None else outcome.first_read_ms / 1e3)


def _code(payload: bytes) -> Code:
    nowhere = (0.0, 0.0)
    return Code(payload=payload, format="QRCode", reader="measured", corners=(nowhere, nowhere, nowhere, nowhere))
