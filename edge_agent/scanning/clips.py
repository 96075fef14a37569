"""Plays a clip as a camera would show it and says when its first code was read: newest frame only, at the clip's own rate.

- The clip's time runs with the decoder's time: a frame that took 70 ms to decode costs the two frames that came meanwhile.
- Start at t = 0 and take frame f = floor(rate x t); the answer stands at max(t, f / rate) + its decoding time. If nothing was
  read, go on from there, but not before the next frame exists.
- Nobody waits in real time: getting the frame itself costs nothing, decoding costs what ``timer_ns`` measures.
- A poster's code on the wall does not end it when the caller says what is ``enough``; it is the answer when nothing better comes.
- ``read`` is given the frame and its own time in nanoseconds, for a reader that remembers earlier frames.
- Pure but for the timer passed in.

Example: ``play(frame_at, rate=30.0, read=read, timer_ns=time.thread_time_ns)``
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from edge_agent.scanning.codes import Code
from edge_agent.scanning.views import Grey


class ClipRead(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one clip; times in milliseconds of the clip's time."""

    codes: tuple[Code, ...]
    first_read_ms: float | None
    frames_seen: int
    ms_per_frame: float


def play(
    frame_at: Callable[[int], Grey | None],
    *,
    rate: float,
    read: Callable[[Grey, int], list[Code]],
    timer_ns: Callable[[], int],
    enough: Callable[[list[Code]], bool] = bool,
) -> ClipRead:
    """Read until ``enough`` (any code, unless told otherwise) or the clip's end; then the first codes count.

    ``frame_at`` is asked for growing numbers and says None at the end.
    """
    now, seen, spent, number = 0.0, 0, 0.0, 0
    first: ClipRead | None = None
    while (grey := frame_at(number)) is not None:
        began = timer_ns()
        codes = read(grey, round(number / rate * 1e9))
        took = (timer_ns() - began) / 1e9
        seen, spent = seen + 1, spent + took
        now = max(now, number / rate) + took
        if codes and (first is None or enough(codes)):
            first = ClipRead(codes=tuple(codes), first_read_ms=now * 1e3, frames_seen=seen, ms_per_frame=spent / seen * 1e3)
        if enough(codes):
            break
        # The newest frame there is when the decoder is free again, but never the same one twice.
        number = max(number + 1, math.floor(rate * now + 1e-9))
    nothing = ClipRead(codes=(), first_read_ms=None, frames_seen=seen, ms_per_frame=spent / seen * 1e3 if seen else 0.0)
    return first or nothing
