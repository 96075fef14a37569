"""How many card-like frames and clips the scanner reads, and how long it takes, beside pyzbar on the same frames.

- Stills: every category and level of ``card_set.py``; read = one returned byte string equals the payload exactly. Whatever else
  comes back is a wrong text; anything at all from a frame without a code is one too.
- Time: one thread, ``time.thread_time`` round the call alone, both readers warmed up and run on the same frame one after the other.
- Clips: real time on this core, newest frame only (``edge_agent/scanning/clips.py``), 2 seconds each.
- ``--quick`` takes one still per level and two clips, so its shares are rough; the full run takes some ten minutes.
- ``stills_read`` is a share from 0 to 1; ``clips_read_*`` are clips out of ``settings.clips``.

Example: ``luutru bench scanner --quick --json``
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import cv2
import msgspec

from edge_agent.scanning.cascade import QUICK, decode
from edge_agent.scanning.clips import play
from edge_agent.scanning.codes import Code
from edge_agent.scanning.following import Following
from edge_agent.scanning.views import Grey
from luutru.benchmarks.card_set import CATEGORIES, CLIP_RATE, LEVELS, Still, make_clip, make_still
from luutru.benchmarks.result import BenchResult

SEED: Final = 1
CLIP_SECONDS: Final = 2.0
Read = Callable[[Grey], list[bytes]]


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    stills_per_level: int
    codefree_per_level: int
    clips: int


class _Tally(msgspec.Struct, kw_only=True):
    """What one reader did with the stills; times in milliseconds."""

    codes: int = 0
    read: int = 0
    wrong: int = 0
    codefree: int = 0
    codefree_read: int = 0
    spent: list[float] = []
    spent_720p: list[float] = []

    def note(self, still: Still, found: list[bytes], took_ms: float) -> None:
        """Count one frame."""
        self.spent.append(took_ms)
        if still.grey.shape[0] == 720:
            self.spent_720p.append(took_ms)
        expected = still.payload.encode()
        self.wrong += sum(each != expected for each in found)
        if not still.payload:
            self.codefree += 1
            self.codefree_read += bool(found)
            return
        self.codes += 1
        self.read += expected in found


def run(*, quick: bool) -> BenchResult:
    """Measure the shipped cascade beside pyzbar."""
    work = _Work(stills_per_level=1 if quick else 12, codefree_per_level=1 if quick else 12, clips=2 if quick else 40)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        ours, pyzbar = _stills(work)
        times = [_clip(number) for number in range(work.clips)]
    finally:
        cv2.setNumThreads(threads)
    return _result(work, ours, pyzbar, times)


def _ours(grey: Grey) -> list[bytes]:
    return [code.payload for code in decode(grey, stages=QUICK)]


def _pyzbar() -> Read:
    from pyzbar import pyzbar

    def read(grey: Grey) -> list[bytes]:
        return [symbol.data for symbol in pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol.QRCODE])]

    return read


def _frames(work: _Work) -> Iterator[Still]:
    for category in CATEGORIES:
        count = work.codefree_per_level if category == "none" else work.stills_per_level
        for level in range(LEVELS):
            for number in range(count):
                yield make_still(SEED, category, level=level, number=number)


def _stills(work: _Work) -> tuple[_Tally, _Tally]:
    readers: tuple[Read, Read] = (_ours, _pyzbar())
    tallies = (_Tally(), _Tally())
    for position, still in enumerate(_frames(work)):
        for read, tally in zip(readers, tallies, strict=True):
            if not position:
                read(still.grey)  # the first call pays for loading
            began = time.thread_time()
            found = read(still.grey)
            tally.note(still, found, (time.thread_time() - began) * 1e3)
    return tallies


def _clip(number: int) -> float | None:
    """Return after how many seconds the clip's code was read rightly, or None."""
    payload, frames = make_clip(SEED, number)
    position, newest = -1, None

    def frame_at(wanted: int) -> Grey | None:
        nonlocal position, newest
        if wanted >= CLIP_SECONDS * CLIP_RATE:
            return None
        while position < wanted:
            position, newest = position + 1, next(frames)
        return newest

    following = Following()

    def read(grey: Grey, at_ns: int) -> list[Code]:
        return following.read(grey, now_ns=at_ns, stages=QUICK)[0]

    outcome = play(frame_at, rate=CLIP_RATE, read=read, timer_ns=time.thread_time_ns)
    right = outcome.first_read_ms is not None and any(code.text == payload for code in outcome.codes)
    return outcome.first_read_ms / 1e3 if right and outcome.first_read_ms is not None else None


def _result(work: _Work, ours: _Tally, pyzbar: _Tally, times: list[float | None]) -> BenchResult:
    return BenchResult(
        name="scanner",
        figures={
            "stills_read": round(ours.read / ours.codes, 4),
            "clips_read_1s": sum(each is not None and each <= 1.0 for each in times),
            "clips_read_2s": sum(each is not None and each <= CLIP_SECONDS for each in times),
            "wrong_texts": ours.wrong,
            "codefree_read": ours.codefree_read,
            **_speed(ours),
        },
        baselines={
            "pyzbar_stills_read": round(pyzbar.read / pyzbar.codes, 4),
            "pyzbar_wrong_texts": pyzbar.wrong,
            **{f"pyzbar_{key}": value for key, value in _speed(pyzbar).items()},
        },
        # below 1 is faster than pyzbar
        ratios={"mean_time_to_pyzbar": round(statistics.fmean(ours.spent) / statistics.fmean(pyzbar.spent), 4)},
        settings=_settings(work, ours),
    )


def _speed(tally: _Tally) -> dict[str, float]:
    return {
        "median_ms_720p": round(statistics.median(tally.spent_720p), 3),
        "p95_ms_720p": round(statistics.quantiles(tally.spent_720p, n=20)[-1], 3),
        "mean_ms": round(statistics.fmean(tally.spent), 3),
    }


def _settings(work: _Work, ours: _Tally) -> dict[str, Any]:
    return {
        "seed": SEED,
        "stills": ours.codes,
        "codefree": ours.codefree,
        "clips": work.clips,
        "clip_seconds": CLIP_SECONDS,
        "stages": [stage.name for stage in QUICK],
    }
