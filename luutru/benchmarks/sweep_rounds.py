"""What the sweep takes in a commune with thousands of premises: its worst night, a round in which nothing happened, and one in which ten premises changed.

- The worst night: at every premises two people were seen, none of them declared, and all deadlines come at one instant.
- Baseline, in the same run: a look at everything at the same moment, which is what every round was before premises were marked (ADR 137).
- Everything goes through the real registry on SQLite: sightings as a gateway records them, notices with their messages.

Example: ``measure(premises=5_000, changed=10)["round_ms"]``
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from luutru.benchmarks.neighbourhood import Act, people_of
from luutru.benchmarks.neighbourhood_registry import NeighbourhoodRegistry
from residence.clock import VIETNAM

_Answer = TypeVar("_Answer")
EVENING = datetime(2026, 7, 10, 20, 0, tzinfo=VIETNAM)
NIGHT = datetime(2026, 7, 10, 23, 0, tzinfo=VIETNAM)


def measure(*, premises: int, changed: int) -> dict[str, float | int]:
    """Live one night of a commune; times are of the wall."""
    people = [
        msgspec.structs.replace(each, premises=place % premises, read_as=each.person, parent=None, acts=(_seen(EVENING),))
        for place, each in enumerate(people_of(seed=43, people=2 * premises, premises=premises))
    ]
    with tempfile.TemporaryDirectory(prefix="luutru-sweep-") as folder:
        town = NeighbourhoodRegistry(Path(folder), premises=premises, people=people)
        everybody = range(len(people))
        _record(town, everybody, EVENING)
        first, _ = _taken(lambda: town.sweep(EVENING + timedelta(minutes=1)))
        night, swept = _taken(lambda: town.sweep(NIGHT))
        town.sweep(NIGHT + timedelta(minutes=1))  # each notice is read once more: from when on has it had its time
        quiet, nothing = _taken(lambda: town.sweep(NIGHT + timedelta(minutes=2)))
        later = NIGHT + timedelta(minutes=3)
        _record(town, everybody[:changed], later)
        some, looked = _taken(lambda: town.sweep(later))
        whole, _ = _taken(lambda: town.sweep(later, everything=True))
        town.close()
    return {
        "premises": premises,
        "first_look_seconds": round(first, 2),
        "night_seconds": round(night, 2),
        "night_notices": swept.notices,
        "quiet_round_ms": round(1000 * quiet, 1),
        "quiet_round_premises": nothing.premises,
        "round_ms": round(1000 * some, 1),
        "round_premises": looked.premises,
        "everything_ms": round(1000 * whole, 1),
    }


def _seen(at: datetime) -> Act:
    return Act(at=at, deed="seen")


def _record(town: NeighbourhoodRegistry, whose: Sequence[int], at: datetime) -> None:
    town.record([(each, _seen(at)) for each in whose], now=at)


def _taken(do: Callable[[], _Answer]) -> tuple[float, _Answer]:
    started = time.perf_counter()
    answer = do()
    return time.perf_counter() - started, answer
