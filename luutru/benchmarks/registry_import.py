"""How long a register takes to be taken over on PostgreSQL, beside a bare COPY of the very rows it made.

- The register is an invented city (``registry/synthetic``), written to Parquet first; its drawing is not counted.
- Ours: premises, households, residents and old-number links, each read, cleaned, checked, looked up, sealed and written in batches, durable.
- The baseline: the same rows, sealed already, by ``COPY`` from a file into empty tables with the same keys and indexes, one transaction a table.
- Seconds are of the wall; ``cpu_seconds`` are this process's own, and the machine's load at the start stands in the settings: on a busy
  machine only the ratio means something.

Example: ``run(persons=100_000)``
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from luutru.benchmarks.postgres import PostgresServer, running_postgres
from luutru.benchmarks.result import BenchResult
from luutru.system import rss_mib
from registry import tables
from registry.database import Registry, connect, upgrade
from registry.importing.fields import KINDS
from registry.importing.journal import Who
from registry.importing.mapping import Mapping
from registry.importing.reading import open_file
from registry.importing.running import BATCH_ROWS, Task, run_import
from registry.importing.taking import Means
from registry.key_provider import FileKeyProvider
from registry.synthetic.city import city
from registry.synthetic.files import write_city
from registry.vault import Vault

FULL, QUICK = 100_000, 600
SEED: Final = 1
_SETTINGS: Final = ("shared_buffers=512MB", "max_wal_size=4GB")
_NOW: Final = datetime(2026, 7, 10, 7, 0, tzinfo=UTC)
# What an import writes, what others refer to first.
_WRITTEN: Final = (
    "subject_keys", "premises", "units", "households", "persons", "identifiers", "name_tokens", "residences", "findings", "finding_links",
    "imported_rows", "imports", "import_batches",
)  # fmt: skip
Progress = Callable[[str, int, int], None]


def run(*, persons: int, progress: Progress = lambda _what, _done, _all: None) -> BenchResult:
    """Measure an import of a city of so many persons."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="luutru-import-") as name, running_postgres(_SETTINGS) as server:
        folder = Path(name)
        drawn = _timed(lambda: write_city(city(persons, np.random.default_rng(SEED)), folder, form="parquet"))
        ours = _import(server, folder, progress)
        bare = _bare_copy(server, ours["url"], folder, progress)
    figures = {
        "persons": persons,
        "import_seconds": round(ours["seconds"], 2),
        "import_rows": ours["rows"],
        "import_persons_per_second": round(persons / ours["seconds"]),
        "import_cpu_seconds": round(ours["cpu"], 2),
        "import_rss_mib": ours["rss"],
        "city_drawn_seconds": round(drawn, 2),
    }
    return BenchResult(
        figures=figures,
        baselines={"bare_copy_seconds": round(bare, 2)},
        ratios={"import_to_bare_copy": round(ours["seconds"] / bare, 2)},
        settings={
            "engine": "postgresql",
            "batch_rows": BATCH_ROWS,
            "seed": SEED,
            "load_before": round(load, 1),
            "postgres": list(_SETTINGS),
        },
    )


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _import(server: PostgresServer, folder: Path, progress: Progress) -> dict[str, Any]:
    url = server.new_database()
    upgrade(url)
    registry = connect(
        url, vault=Vault(FileKeyProvider(folder / "vault", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    )
    most, rows = rss_mib(), 0

    def watched(what: str, done: int, of: int) -> None:
        nonlocal most
        most = max(most, rss_mib())
        progress(what, done, of)

    started, cpu = time.perf_counter(), time.process_time()
    for kind in KINDS:
        rows += _import_kind(registry, folder, kind, watched)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    registry.close()
    return {"url": url, "seconds": seconds, "cpu": cpu, "rss": most, "rows": rows}


def _import_kind(registry: Registry, folder: Path, kind: Any, progress: Progress) -> int:
    rows, mapping = open_file(folder / f"{kind}.parquet", Mapping()), Mapping()
    means = Means(vault=registry.vault, now=_NOW, today=_NOW.date(), source="", import_id="")
    task = Task(rows=rows, kind=kind, mapping=mapping, who=Who(name="bench", now=_NOW, batch_rows=BATCH_ROWS))
    run_import(task, means, transaction=registry.writing, progress=progress)
    return rows.rows


def _bare_copy(server: PostgresServer, source: str, folder: Path, progress: Progress) -> float:
    """Return how long ``COPY`` takes for the same rows, read from files, into an empty registry."""
    target = server.new_database()
    upgrade(target)
    taken = 0.0
    for done, name in enumerate(_WRITTEN, 1):
        columns = ", ".join(f'"{each.name}"' for each in tables.metadata.tables[name].columns)
        _copy_out(source, folder / name, columns)
        started = time.perf_counter()
        _copy_in(target, folder / name, columns)
        taken += time.perf_counter() - started
        progress("bare copy", done, len(_WRITTEN))
    return taken


def _copy_out(url: str, path: Path, columns: str) -> None:
    asked = f"COPY {path.name} ({columns}) TO STDOUT (FORMAT binary)"
    with (
        psycopg.connect(_plain(url)) as connection,
        connection.cursor() as cursor,
        path.open("wb") as file,
        cursor.copy(asked) as copy,
    ):
        file.writelines(copy)


def _copy_in(url: str, path: Path, columns: str) -> None:
    asked = f"COPY {path.name} ({columns}) FROM STDIN (FORMAT binary)"
    with (
        path.open("rb") as file,
        psycopg.connect(_plain(url)) as connection,
        connection.cursor() as cursor,
        cursor.copy(asked) as copy,
    ):
        while piece := file.read(1 << 18):
            copy.write(piece)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
