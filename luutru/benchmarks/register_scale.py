"""``luutru bench register-scale``: a register as large as you say on PostgreSQL, and what its two hottest questions cost then.

- *Point look-up*: the persons who hold a number, by blind index, with their fields opened for comparison: what recording asks for each card.
  Numbers are drawn anew for each look-up, so nothing is answered from having been asked before.
- *Tonight's undeclared of a commune*: every premises of the commune where somebody was seen, the sightings since noon, the notices sent, and the
  judgement of each by the rules, as the sweep does it.
- Baseline, in the same run: the bare index look-up of the same numbers, one prepared statement, nothing opened.
- Several sizes make the growth curve; presences grow with persons. Loading is measured too, and what it would take for ten times as many.

Example: ``measure(Plan(sizes=(20_000,)))``
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import msgspec
import psycopg
from sqlalchemy import Connection

from luutru.benchmarks.postgres import running_postgres
from luutru.benchmarks.register_load import Progress, load
from luutru.benchmarks.register_rows import PER_COMMUNE, Size, person_of
from luutru.benchmarks.result import BenchResult
from luutru.system import random_bytes
from registry.database import Registry, connect, upgrade
from registry.key_provider import FileKeyProvider
from registry.notices import sent_notices
from registry.persons import matching_persons, search_by_number
from registry.premises import load_places
from registry.presences import premises_with_presences, sightings
from registry.vault import Vault
from residence.cases.undeclared import PremisesState, find_undeclared
from residence.stays.rules import RuleBook, load_rule_book

NOW: Final = datetime(2026, 7, 10, 16, 0, tzinfo=UTC)  # eleven at night in Vietnam
NIGHT: Final = timedelta(hours=11)
PAGE: Final = 500
SETTINGS: Final = ("shared_buffers=1GB", "max_wal_size=3GB", "checkpoint_timeout=30min", "wal_level=minimal", "max_wal_senders=0")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured: the sizes, in persons, and how many presences for each person."""

    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    presences_per_person: float = 3.0
    per_commune: int = PER_COMMUNE
    lookups: int = 5_000
    communes: int = 5
    processes: int = 2


FULL: Final = Plan()
QUICKLY: Final = Plan(sizes=(400, 2_000), per_commune=500, lookups=200, communes=2, processes=1)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured at one size."""

    persons: int
    presences: int
    communes: int
    lookup_p50_ms: float
    lookup_p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float
    undeclared_commune_seconds: float  # the slowest commune
    undeclared_found: int
    load_seconds: float
    index_seconds: float
    rows: int
    gib: float
    load: float  # of the machine while it was asked, others' work included


def run(*, quick: bool) -> BenchResult:
    """Measure with the usual sizes."""
    return measure(QUICKLY if quick else FULL)


def measure(plan: Plan, *, folder: Path | None = None, progress: Progress = lambda _what, _done, _all: None) -> BenchResult:
    """Load each size into a database of its own and measure it."""
    points = []
    for persons in sorted(plan.sizes):
        with (
            tempfile.TemporaryDirectory(prefix="luutru-scale-", dir=folder) as name,
            running_postgres(SETTINGS, folder=folder) as server,
        ):
            points.append(_measure_size(server.new_database(), Path(name) / "vault", plan, persons, progress=progress))
    largest = points[-1]
    return BenchResult(
        name="register-scale",
        figures={
            **{
                name: getattr(largest, name)
                for name in ("persons", "presences", "lookup_p50_ms", "lookup_p99_ms", "undeclared_commune_seconds")
            },
            "load_seconds": round(largest.load_seconds + largest.index_seconds, 1),
            "gib": largest.gib,
            "bytes_per_person": round(largest.gib * 2**30 / largest.persons),
            "points": [msgspec.structs.asdict(each) for each in points],
        },
        baselines={"bare_p50_ms": largest.bare_p50_ms, "bare_p99_ms": largest.bare_p99_ms},
        ratios={
            "lookup_to_bare_index": round(largest.lookup_p50_ms / largest.bare_p50_ms, 2),
            **_growth(points[0], largest),
        },
        settings={**msgspec.structs.asdict(plan), "engine": "postgresql", "postgres": list(SETTINGS)},
    )


def points_of(result: dict[str, Any]) -> list[Point]:
    """Return the points of a report, to draw."""
    return [msgspec.convert(each, Point) for each in result["figures"]["points"]]


def _growth(first: Point, last: Point) -> dict[str, float]:
    """Return how many times worse the largest size is than the smallest."""
    if first.persons == last.persons:
        return {}
    names = ("lookup_p99_ms", "undeclared_commune_seconds")
    return {f"{name}_growth": round(getattr(last, name) / getattr(first, name), 2) for name in names}


def _measure_size(url: str, vault: Path, plan: Plan, persons: int, *, progress: Progress) -> Point:
    size = Size(persons=persons, presences=round(persons * plan.presences_per_person), per_commune=plan.per_commune)
    upgrade(url)
    loaded = load(url, size, vault=vault, processes=plan.processes, now=NOW, progress=progress)
    registry = connect(url, vault=Vault(FileKeyProvider(vault, random_bytes=random_bytes), random_bytes=random_bytes))
    draw = random.Random(persons)
    asked = [draw.randrange(persons) for _ in range(plan.lookups)]
    looked = _look_up(registry, asked, progress)
    bare = _look_up_bare(url, registry.vault, asked)
    communes = sorted({size.commune_of(number) for number in asked})
    chosen = draw.sample(communes, min(plan.communes, len(communes)))
    nights = [_judge_commune(registry, commune, load_rule_book()) for commune in chosen]
    registry.close()
    return Point(
        persons=persons,
        presences=size.presences,
        communes=len({size.commune_of(number) for number in range(0, persons, min(persons, plan.per_commune))}),
        lookup_p50_ms=_p50(looked),
        lookup_p99_ms=_p99(looked),
        bare_p50_ms=_p50(bare),
        bare_p99_ms=_p99(bare),
        undeclared_commune_seconds=round(max(seconds for seconds, _ in nights), 4),
        undeclared_found=sum(found for _, found in nights),
        load_seconds=round(loaded.rows_seconds, 2),
        index_seconds=round(loaded.index_seconds, 2),
        rows=loaded.rows,
        gib=round(loaded.bytes / 2**30, 4),
        load=round(os.getloadavg()[0], 1),
    )


def _look_up(registry: Registry, numbers: list[int], progress: Progress) -> list[float]:
    taken = []
    for done, number in enumerate(numbers, 1):
        value = person_of(number).personal_number or ""
        started = time.perf_counter()
        with registry.reading() as connection:
            found = _find(connection, registry.vault, value)
        taken.append(time.perf_counter() - started)
        if found != 1:
            raise RuntimeError(f"{found} persons hold one number")
        if done % 500 == 0:
            progress("look-ups", done, len(numbers))
    return taken


def _find(connection: Connection, vault: Vault, value: str) -> int:
    ids = search_by_number(connection, "personal", value, vault=vault)
    return sum(bool(each.known.full_name) for each in matching_persons(connection, ids, vault=vault))


def _look_up_bare(url: str, vault: Vault, numbers: list[int]) -> list[float]:
    indexes = [vault.number_index("personal", person_of(number).personal_number or "") for number in numbers]
    taken = []
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection, connection.cursor() as cursor:
        for index in indexes:
            started = time.perf_counter()
            cursor.execute("SELECT person_id FROM identifiers WHERE value_index = %s", (index,), prepare=True).fetchall()
            taken.append(time.perf_counter() - started)
    return taken


def _judge_commune(registry: Registry, commune: str, rules: RuleBook) -> tuple[float, int]:
    """Return how long a commune's night takes, and how many are undeclared in it."""
    started, found, after = time.perf_counter(), 0, ""
    with registry.reading() as connection:
        while watched := premises_with_presences(connection, commune_code=commune, after=after, limit=PAGE):
            after = watched[-1]
            found += _judge_page(connection, watched, rules)
    return time.perf_counter() - started, found


def _judge_page(connection: Connection, watched: list[str], rules: RuleBook) -> int:
    seen = sightings(connection, watched, since=NOW - NIGHT)
    sent = sent_notices(connection, watched, since=NOW - NIGHT)
    places = load_places(connection, [(each, None) for each in watched])
    known = [premises for each in watched if (premises := places.place(each, None)) is not None]
    states = {each.premises_id: PremisesState(premises=each) for each in known}
    return len(find_undeclared(seen, notices=sent, premises=states, rules=rules, now=NOW + timedelta(hours=12)))


def _p50(taken: list[float]) -> float:
    return round(median(taken) * 1000, 3)


def _p99(taken: list[float]) -> float:
    return round(quantiles(taken, n=100)[-1] * 1000, 3)
