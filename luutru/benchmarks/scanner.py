"""How many card-like frames, clips and photos the scanner reads, and how fast, beside the usual readers on the same pictures.

- Everything of one run is measured in that run, on one thread, readers one after the other on each picture.
- Stills and clips are made from ``seed`` (``card_set.py``); parameters are chosen on other seeds than the one that is reported.
- A full run takes 12 stills a level, 40 clips and every reader that is installed; ``quick`` one still at every second level, one
  clip, and pyzbar alone beside ours, so its shares are rough. A part with nothing to measure gives None, never 0.
- ``stills_read`` is a share from 0 to 1; ``clips_read_*`` are clips out of ``settings.clips``; ``wrong_texts`` are those of stills,
  of frames without a code and of clips together.
- ``process_to_thread_time`` near 1 shows that no reader worked on other threads than the measured one.

Example: ``luutru bench scanner --quick --json``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec

from edge_agent.scanning.cascade import QUICK, THOROUGH
from luutru.benchmarks.card_set import CATEGORIES, LEVELS
from luutru.benchmarks.result import BenchResult
from luutru.benchmarks.scanner_clips import CLIP_SECONDS, IN_A_ROW, SLOW, SLOWER, ClipTally, measure_clips
from luutru.benchmarks.scanner_photos import measure_photos, truth_of
from luutru.benchmarks.scanner_readers import NAMES, OURS, Reader, make_reader
from luutru.benchmarks.scanner_stills import CODE_FREE, Missed, StillPlan, measure_stills
from luutru.benchmarks.scanner_tally import Tally, ratio

SEED: Final = 20261127
Advance = Callable[[], None]
Announce = Callable[[str, int], Advance]  # what is measured now and how many of it -> called after each


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured."""

    seed: int = SEED
    readers: tuple[str, ...] = NAMES
    stills_per_level: int = 12
    levels: tuple[int, ...] = tuple(range(LEVELS))
    codefree: int = 0  # at least so many frames without a code
    clips: int = 40
    photos: Path | None = None
    keep_missed: bool = False


FULL: Final = Plan()
QUICKLY: Final = Plan(readers=(OURS, "pyzbar"), stills_per_level=1, levels=tuple(range(0, LEVELS, 2)), clips=1)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: per reader, in the order of the table."""

    plan: Plan
    not_installed: tuple[str, ...]
    stills: dict[str, Tally]
    clips: dict[str, ClipTally]
    photos: dict[str, Tally]
    missed: list[Missed]


def run(*, quick: bool) -> BenchResult:
    """Measure with the usual settings."""
    return result_of(measure(QUICKLY if quick else FULL))


def measure(plan: Plan, *, announce: Announce = lambda _what, _count: lambda: None) -> Measured:
    """Measure what the plan says, ours always."""
    wanted = [name for name in NAMES if name == OURS or name in plan.readers]
    made = {name: make_reader(name) for name in wanted}
    readers = [reader for reader in made.values() if reader is not None]
    with _one_thread():
        missing = tuple(name for name, reader in made.items() if reader is None)
        return _measured(plan, readers, not_installed=missing, announce=announce)


def _measured(plan: Plan, readers: list[Reader], *, not_installed: tuple[str, ...], announce: Announce) -> Measured:
    frames = StillPlan(
        seed=plan.seed,
        per_level=plan.stills_per_level,
        codefree=plan.codefree,
        levels=plan.levels,
        keep_missed=plan.keep_missed,
    )
    truths = truth_of(plan.photos) if plan.photos else []  # first: a folder that cannot be used shows at once
    photos = measure_photos(readers, truths, step=announce("photos", len(truths)))
    stills, missed = measure_stills(readers, frames, step=announce("stills", len(frames.frames)))
    clips = measure_clips(readers, seed=plan.seed, clips=plan.clips, step=announce("clips", plan.clips))
    return Measured(plan=plan, not_installed=not_installed, stills=stills, clips=clips, photos=photos, missed=missed)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold OpenCV to one thread; BLAS is held by the process (``luutru/system.py``)."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def result_of(measured: Measured) -> BenchResult:
    """Return what programs read: our figures under their own names, each baseline's under the reader's name."""
    figures = {name: _figures(measured, name) for name in measured.stills}
    means = {name: tally.mean_ms() for name, tally in measured.stills.items()}
    others = [name for name in figures if name != OURS]
    return BenchResult(
        name="scanner",
        figures=figures[OURS] | _stricter(measured),
        baselines={f"{_key(name)}_{key}": value for name in others for key, value in figures[name].items()},
        ratios={f"mean_time_to_{_key(name)}": ratio(means[OURS], means[name]) for name in others},  # below 1 is faster than it
        settings=_settings(measured),
    )


def _key(name: str) -> str:
    return name.replace("-", "_")


def _figures(measured: Measured, name: str) -> dict[str, Any]:
    stills, clips = measured.stills[name], measured.clips[name]
    photos = measured.photos[name]
    return {
        "stills_read": stills.share(),
        "clips_read_1s": clips.within(1.0) if clips.times else None,
        "clips_read_2s": clips.within(CLIP_SECONDS) if clips.times else None,
        "wrong_texts": stills.wrong + clips.wrong,
        "codefree_read": stills.codefree_read if stills.codefree else None,
        **stills.speed(),
        **{f"read_{category}": stills.share(category) for category in CATEGORIES if stills.codes[category]},
        **{f"photos_read_{_key(folder)}": photos.share(folder) for folder in photos.codes},
    }


def _stricter(measured: Measured) -> dict[str, Any]:
    """Return the figures of our clips on a slow machine and of one person after the other."""
    slow, row = measured.clips[SLOW], measured.clips[IN_A_ROW]
    if not slow.times:
        return {}
    return {
        "slow_clips_read_1s": slow.within(1.0),
        "slow_clips_read_2s": slow.within(CLIP_SECONDS),
        "in_a_row_clips_read_2s": row.within(CLIP_SECONDS),
        "in_a_row_wrong_texts": row.wrong + slow.wrong,
    }


def _settings(measured: Measured) -> dict[str, Any]:
    plan, ours = measured.plan, measured.stills[OURS]
    return {
        "seed": plan.seed,
        "readers": list(measured.stills),
        "not_installed": list(measured.not_installed),
        "stills": ours.codes.total(),
        "stills_per_level": plan.stills_per_level,
        "levels": list(plan.levels),
        "codefree": ours.codefree,
        "codefree_in_times": plan.stills_per_level * len(plan.levels) if CODE_FREE in CATEGORIES else 0,
        "clips": plan.clips,
        "clip_seconds": CLIP_SECONDS,
        "slow_is_times": SLOWER,
        "photos": measured.photos[OURS].codes.total(),
        "stages": [stage.name for stage in QUICK],
        "photo_stages": [stage.name for stage in THOROUGH],
    }
