"""How many machine-readable zones are read from pictures, and how fast, beside PassportEye and FastMRZ on the same pictures.

- Every category and level of ``mrz_set.py``. *Read*: accepted, and every sign of every line right. *Wrong*: accepted, and one sign or more is
  not; anything accepted from a picture without a zone is wrong too. What is not accepted is neither.
- ``read_levels_0_2`` is the share read of the pictures with a zone on levels 0 to 2; ``wrong_accepted`` counts over all levels.
- Time: one thread, ``time.thread_time`` round the call, after one call that pays for loading. Baselines run Tesseract as a child process, so
  theirs is time on the wall.
- Baselines are no dependency of ours: each is measured where it can be imported, on every ``baseline_every``-th picture, and said to be
  missing where not. "Accepted" is what each calls valid.
- ``--quick`` takes one picture a category and level; the full run takes four thousand and some twenty minutes.

Example: ``luutru bench mrz --quick --json``
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final

import cv2
import msgspec

from edge_agent.mrz_reading.bands import Grey
from edge_agent.mrz_reading.reading import READER, outcome_of, read_zone
from luutru.benchmarks.mrz_set import CATEGORIES, LEVELS, ZoneStill, make_zone_still, pictures_of
from luutru.benchmarks.result import BenchResult

SEED: Final = 1
TODAY: Final = date(2026, 7, 10)
Read = Callable[[Grey], tuple[str, ...] | None]  # the accepted lines, or None


class _Tally(msgspec.Struct, kw_only=True):
    """What one reader did; times in milliseconds."""

    zones: list[int] = msgspec.field(default_factory=lambda: [0] * LEVELS)
    read: list[int] = msgspec.field(default_factory=lambda: [0] * LEVELS)
    wrong: int = 0
    pictures: int = 0
    spent: list[float] = []

    def note(self, still: ZoneStill, found: tuple[str, ...] | None, took_ms: float) -> None:
        """Count one picture."""
        self.pictures += 1
        self.spent.append(took_ms)
        self.wrong += found is not None and found != still.lines
        if still.lines:
            self.zones[still.level] += 1
            self.read[still.level] += found == still.lines

    def share(self, levels: slice) -> float:
        """Return the share read of the pictures that show a zone."""
        return round(sum(self.read[levels]) / max(1, sum(self.zones[levels])), 4)


def run(*, quick: bool) -> BenchResult:
    """Measure our reader, and the baselines that are installed."""
    each, every = (1, 14) if quick else (60, 42)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return _measured(each, every)
    finally:
        cv2.setNumThreads(threads)


def _measured(each: int, every: int) -> BenchResult:
    ours, by_category = _Tally(), {name: _Tally() for name in CATEGORIES}
    others = {name: (_Tally(), read) for name, read in (("passporteye", _passporteye()), ("fastmrz", _fastmrz()))}
    for position, still in enumerate(_stills(each)):
        if not position:
            accepted_lines(still.grey)  # the first call pays for loading
        began = time.thread_time()
        found = accepted_lines(still.grey)
        took = (time.thread_time() - began) * 1e3
        for tally in (ours, by_category[still.category]):
            tally.note(still, found, took)
        for tally, read in others.values():
            if read is not None and position % every == 0:
                began = time.perf_counter()
                found = read(still.grey)
                tally.note(still, found, (time.perf_counter() - began) * 1e3)
    return BenchResult(
        name="mrz",
        figures=_figures(ours)
        | {"read_by_category_0_2": {name: tally.share(slice(0, 3)) for name, tally in by_category.items()}},
        baselines={name: _figures(tally) if read else "not installed" for name, (tally, read) in others.items()},
        settings={"seed": SEED, "pictures": ours.pictures, "each": each, "baseline_every": every, "today": TODAY.isoformat()},
    )


def _stills(each: int) -> Iterator[ZoneStill]:
    for category, level, number in pictures_of(CATEGORIES, each):
        yield make_zone_still(SEED, category, level=level, number=number)


def _figures(tally: _Tally) -> dict[str, Any]:
    return {
        "read_levels_0_2": tally.share(slice(0, 3)),
        "wrong_accepted": tally.wrong,
        "median_ms": round(statistics.median(tally.spent), 3) if tally.spent else None,
        "mean_ms": round(statistics.fmean(tally.spent), 3) if tally.spent else None,
        "read_by_level": [tally.share(slice(level, level + 1)) for level in range(LEVELS)],
        "pictures": tally.pictures,
    }


def accepted_lines(grey: Grey) -> tuple[str, ...] | None:
    """Return the lines our reader accepts."""
    seen = read_zone(grey)
    return seen.lines if seen is not None and outcome_of(seen, reader=READER, today=TODAY).ok else None


def _passporteye() -> Read | None:
    try:
        from passporteye import read_mrz
    except ImportError:
        return None

    def read(grey: Grey) -> tuple[str, ...] | None:
        found = read_mrz(io.BytesIO(cv2.imencode(".png", grey)[1].tobytes()))
        if found is None or not found.valid:
            return None
        return tuple(line for line in found.aux["raw_text"].replace(" ", "").splitlines() if line)

    return read


def _fastmrz() -> Read | None:
    try:
        from fastmrz import FastMRZ
    except ImportError:
        return None
    reader = FastMRZ()

    def read(grey: Grey) -> tuple[str, ...] | None:
        try:
            found = reader.get_details(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), input_type="numpy", include_checkdigit=False)
        except Exception:  # noqa: BLE001 -- on many pictures without a zone it raises instead of answering
            return None
        if found.get("status") != "SUCCESS":
            return None
        return tuple(str(found["mrz_text"]).split())

    return read
