"""Who stands in the registry twice: found, wrongly proposed and missed, how long it takes and how it grows, beside two plain ways.

- Persons are an invented city's, of a seed nothing was learned from; 5 in 100 stand twice. The truth is compared after the search ended.
- ``precision``: of the pairs proposed, the share that is one person. ``recall``: of the pairs that are one person, the share proposed.
- ``seconds`` and ``rss_mib`` are of a process that reads raw fields, derives the keys and searches (``duplicates_search.py``).
- Baselines run in the same run on the same file. *Exact match*: one number equal, or name and date of birth equal as written. *Plain
  Jaro-Winkler*: names at least so similar, born on the same day; of thresholds from 0.80 to 0.99 the one with the best F1 by the truth itself, a
  help ours does not get.
- The same at a hundredth and a tenth of the size: ``recall_10000``, ``seconds_100000`` and so on. ``opening_per_second``: persons read and opened from a sealed registry.

Example: ``luutru bench duplicates --quick --json``
"""

from __future__ import annotations

import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from luutru.benchmarks.duplicates_city import Truth, write_city
from luutru.benchmarks.duplicates_search import MEMORY_MIB, searched
from luutru.benchmarks.result import BenchResult
from registry.database import connect, upgrade
from registry.duplicates.pairing import Search
from registry.duplicates.reading import candidate_pages
from registry.duplicates.settings import load_model
from registry.key_provider import FileKeyProvider
from registry.persons import Stamp, identifier_row, person_row
from registry.tables import identifiers, persons, subject_keys
from registry.vault import Vault
from residence.people.person import PartialDate, Person
from residence.stays.known import numbers_of

SEED: Final = 103
FULL, QUICK = (10_000, 100_000, 1_000_000), (3_000,)
THREADS: Final = 2
SEALED: Final = {False: 20_000, True: 1_000}
_GROWING: Final = ("precision", "recall", "seconds", "cpu_seconds", "rss_mib")
_THRESHOLDS: Final = tuple(round(0.80 + 0.01 * step, 2) for step in range(20))
_PAIR: Final = "least(l.record_ref, r.record_ref) AS one, greatest(l.record_ref, r.record_ref) AS other"
_EXACT: Final = " UNION ".join(
    f"SELECT {_PAIR} FROM city l JOIN city r ON {condition} AND l.record_ref < r.record_ref"  # noqa: S608 - texts of this file
    for condition in (
        "l.personal_number = r.personal_number",
        "l.old_number = r.old_number",
        "l.full_name = r.full_name AND l.birth = r.birth",
    )
)
_SIMILAR: Final = f"""
    SELECT {_PAIR}, jaro_winkler_similarity(lower(l.full_name), lower(r.full_name)) AS likeness
    FROM city l JOIN city r ON l.birth = r.birth AND l.record_ref < r.record_ref
    WHERE jaro_winkler_similarity(lower(l.full_name), lower(r.full_name)) >= {_THRESHOLDS[0]}"""  # noqa: S608 - as above


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How right a set of pairs is."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-12)


def run(*, quick: bool) -> BenchResult:
    """Measure every size, then the baselines at the largest."""
    sizes = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        growth = {size: _measured(folder / f"city-{size}.parquet", size, folder) for size in sizes}
        largest = folder / f"city-{sizes[-1]}.parquet"
        whole, truth = growth.pop(sizes[-1])
        baselines = {"exact_match": _exact(largest, truth), "jaro_winkler": _jaro_winkler(largest, truth)}
        opening = _opening(folder, SEALED[quick])
    smaller = {f"{name}_{size}": figures[name] for size, (figures, _) in growth.items() for name in _GROWING}
    return BenchResult(
        figures={**whole, **smaller, "opening_per_second": opening},
        baselines=baselines,
        ratios={f"recall_to_{name}": round(whole["recall"] / max(each["recall"], 1e-9), 3) for name, each in baselines.items()},
        settings={
            "seed": SEED,
            "persons": sizes[-1],
            "planted_share": 0.05,
            "threshold_bits": load_model().threshold,
            "threads": THREADS,
            "engine_memory_mib": MEMORY_MIB,
            "sealed_persons": SEALED[quick],
        },
    )


def quality_of(pairs: set[tuple[str, str]], truth: Truth) -> Quality:
    """Compare pairs with the truth."""
    right = len(pairs & truth)
    return Quality(precision=round(right / max(len(pairs), 1), 5), recall=round(right / max(len(truth), 1), 5))


def _measured(path: Path, size: int, folder: Path) -> tuple[dict[str, Any], Truth]:
    truth = write_city(path, persons=size, seed=SEED)
    took, search = searched(path, folder=folder, threads=THREADS)
    quality = quality_of(_ids(search), truth)
    figures = {
        "persons": size,
        "records": took.persons,
        "precision": quality.precision,
        "recall": quality.recall,
        "seconds": took.seconds,
        "cpu_seconds": took.cpu_seconds,
        "keys_seconds": took.keys_seconds,
        "rss_mib": took.rss_mib,
        "pairs": len(search.pairs),
        "keys_left_out": sum(search.left_out.values()),
    }
    return figures, truth


def _ids(search: Search) -> set[tuple[str, str]]:
    return {(each.one, each.other) for each in search.pairs}


def _exact(path: Path, truth: Truth) -> dict[str, Any]:
    began = time.perf_counter()
    with _city(path) as connection:
        pairs = set(connection.execute(_EXACT).fetchall())
    return {**msgspec.to_builtins(quality_of(pairs, truth)), "seconds": round(time.perf_counter() - began, 2)}


def _jaro_winkler(path: Path, truth: Truth) -> dict[str, Any]:
    began = time.perf_counter()
    with _city(path) as connection:
        rows = connection.execute(_SIMILAR).fetchall()
    took = round(time.perf_counter() - began, 2)
    tried = {least: quality_of({row[:2] for row in rows if row[2] >= least}, truth) for least in _THRESHOLDS}
    best = max(tried, key=lambda least: tried[least].f1)
    return {**msgspec.to_builtins(tried[best]), "threshold": best, "seconds": took}


def _city(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": str(THREADS)})
    connection.execute(
        "CREATE TABLE city AS SELECT record_ref, full_name, birth, personal_number, old_number FROM read_parquet(?)", [str(path)]
    )
    return connection


def _opening(folder: Path, count: int) -> int:
    """Seal invented persons into a registry on SQLite, then read and open them as a search does; return persons per second."""
    url = f"sqlite:///{folder}/registry.db"
    upgrade(url)
    vault = Vault(FileKeyProvider(folder / "vault", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    registry = connect(url, vault=vault)
    stamp = Stamp("bench", datetime(2026, 7, 1, tzinfo=UTC), None)
    with registry.writing() as connection:
        for number in range(count):
            person = Person(
                full_name="Nguyễn Thị Đo",
                birth=PartialDate(value="1990-03-04", precision="day"),
                sex="female",
                personal_number=f"001190{number:06d}",
                residence_text="12 Lê Lợi, Uyên Hưng, Tân Uyên, Bình Dương",
            )
            person_id = f"person-{number:06d}"
            key, row = vault.new_key(person_id, "person", commune_code=stamp.commune_code, now=stamp.now)
            connection.execute(subject_keys.insert(), row)
            connection.execute(persons.insert(), person_row(person, person_id, key=key, stamp=stamp, vault=vault))
            for each in numbers_of(person):
                connection.execute(
                    identifiers.insert(),
                    identifier_row(each, person_id, key=key, identifier_id=person_id, stamp=stamp, vault=vault),
                )
    began = time.perf_counter()
    opened = sum(map(len, candidate_pages(registry)))
    rate = opened / (time.perf_counter() - began)
    registry.close()
    return round(rate)
