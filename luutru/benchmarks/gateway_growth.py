"""``luutru bench gateway-growth``: the gateway's rate, its waits and its memory as the city, the batch and the kiosks grow.

- Three axes, one at a time: persons in the registry, messages in a batch, kiosks with keys of their own; the other two stay put.
- At each point one worker on SQLite drains a queue (rate per second of its CPU time, memory) and then answers a steady offer (p99).
- *What bends first*: of the two that an authority does not choose, persons and kiosks, the measure that is worst at the largest value
  beside the smallest. It is a number of this run, not an opinion.

Example: ``luutru bench gateway-growth --plot growth.svg``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any, Final, Literal

import msgspec

from luutru.benchmarks.gateway_drain import BATCH, drain, live
from luutru.benchmarks.gateway_ground import Ground, prepared
from luutru.benchmarks.gateway_load import Load
from luutru.benchmarks.result import BenchResult

Axis = Literal["persons", "batch", "kiosks"]
Progress = Callable[[str], None]
MEASURES: Final = {"per_second_per_core": False, "p99_ms": True, "rss_mib": True}  # whether more is worse
SMALL_BATCH: Final = 10
SMALL_BATCH_SHARE: Final = 4  # a quarter of the messages where each costs ten times as much


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The values of each axis, and what stays put on the others'."""

    persons: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    batches: tuple[int, ...] = (1, 10, 100, 500, 2_000)
    kiosks: tuple[int, ...] = (10, 100, 1_000, 5_000)
    persons_elsewhere: int = 100_000
    kiosks_elsewhere: int = 1_000
    messages: int = 12_000
    live: int = 3_000
    warm_up: int = 500
    per_second: int = 1_000


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured at one value of one axis."""

    axis: Axis
    value: int
    per_second_per_core: float
    per_second: float
    p99_ms: float
    unanswered: int
    rss_mib: float


FULL: Final = Plan()
QUICKLY: Final = Plan(
    persons=(100, 1_000),
    batches=(500,),
    kiosks=(8,),
    persons_elsewhere=100,
    kiosks_elsewhere=8,
    messages=600,
    live=100,
    warm_up=50,
    per_second=200,
)


def run(*, quick: bool) -> BenchResult:
    """Measure with the usual values."""
    return measure(QUICKLY if quick else FULL)


def measure(plan: Plan, *, folder: Path | None = None, progress: Progress = lambda _what: None) -> BenchResult:
    """Measure every point; equal grounds are prepared once and equal points measured once."""
    wanted: dict[tuple[int, int], set[int]] = {}
    for axis in ("persons", "batch", "kiosks"):
        for value in _values(plan, axis):
            persons, batch, kiosks = _place(plan, axis, value)
            wanted.setdefault((persons, kiosks), set()).add(batch)
    found: dict[tuple[int, int, int], Point] = {}
    for (persons, kiosks), batches in sorted(wanted.items()):
        load = Load(persons=persons, kiosks=kiosks, messages=max(plan.messages, plan.live + plan.warm_up))
        with prepared(load, databases=("sqlite",), folder=folder, progress=progress) as ground:
            for batch in sorted(batches):
                progress(f"{persons} persons, {kiosks} kiosks, batches of {batch}")
                found[persons, batch, kiosks] = _measure_point(ground, plan, batch)
    points = [
        msgspec.structs.replace(found[_place(plan, axis, value)], axis=axis, value=value)
        for axis in ("persons", "batch", "kiosks")
        for value in _values(plan, axis)
    ]
    bends = bends_of(points)
    return BenchResult(
        name="gateway-growth",
        figures={"points": [msgspec.structs.asdict(each) for each in points]},
        ratios={**bends, "bends_first": max(bends, key=lambda name: bends[name]) if bends else None},
        settings=msgspec.structs.asdict(plan),
    )


def points_of(result: dict[str, Any]) -> list[Point]:
    """Return the points of a report, to draw."""
    return [msgspec.convert(each, Point) for each in result["figures"]["points"]]


def bends_of(points: Sequence[Point]) -> dict[str, float]:
    """Return how many times worse each measure is at an axis's largest value than at its smallest; below one it is better."""
    found = {}
    for axis in ("persons", "kiosks"):
        own = sorted((each for each in points if each.axis == axis), key=lambda each: each.value)
        if len(own) > 1:
            for measure_, more_is_worse in MEASURES.items():
                least, most = getattr(own[0], measure_), getattr(own[-1], measure_)
                found[f"{measure_}_by_{axis}"] = round(most / least if more_is_worse else least / most, 2)
    return found


def _values(plan: Plan, axis: Axis) -> tuple[int, ...]:
    return {"persons": plan.persons, "batch": plan.batches, "kiosks": plan.kiosks}[axis]


def _place(plan: Plan, axis: Axis, value: int) -> tuple[int, int, int]:
    """Return (persons, batch, kiosks) of a point."""
    persons = value if axis == "persons" else plan.persons_elsewhere
    kiosks = value if axis == "kiosks" else plan.kiosks_elsewhere
    return persons, value if axis == "batch" else BATCH, kiosks


def _measure_point(ground: Ground, plan: Plan, batch: int) -> Point:
    messages = plan.messages // (SMALL_BATCH_SHARE if batch <= SMALL_BATCH else 1)
    drained = drain(ground, "sqlite", messages=messages, batch=batch)
    steady = live(ground, "sqlite", messages=plan.live, per_second=plan.per_second, warm_up=plan.warm_up, batch=batch)
    waits = steady.offered.milliseconds
    return Point(
        axis="persons",
        value=ground.load.persons,
        per_second_per_core=round(drained.per_core),
        per_second=round(drained.per_second),
        p99_ms=round(quantiles(waits, n=100)[-1], 2),
        unanswered=steady.offered.unanswered,
        rss_mib=round(max(drained.rss_mib, steady.rss_mib), 1),
    )
