"""``luutru bench checkin``: the two figures people feel, each beside the bare cost of its parts, all from one run.

- *kept*: milliseconds from the first readable frame with a card until the screen says that the declaration is kept
  (``kept.py``); baseline: decoding the same frames alone.
- *receipted*: declarations per second one gateway verifies, opens, reconciles, commits and receipts (``checkin_gateway.py``), on
  SQLite and, where PostgreSQL's programs are installed, on PostgreSQL; baselines: the broker alone, bare inserts alone.
- ``--quick`` takes a tenth of the work; where PostgreSQL is missing its figure is null, never a guess.

Example: ``luutru bench checkin --json``
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from luutru.benchmarks import checkin_gateway, kept
from luutru.benchmarks.postgres import BINARIES, running_postgres
from luutru.benchmarks.result import BenchResult

BATCH: Final = 500


def run(*, quick: bool) -> BenchResult:
    """Measure both and the parts of each."""
    visits_count, declarations = (12, 500) if quick else (120, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        visits = kept.measure(Path(folder), count=visits_count)
        sqlite = checkin_gateway.receipted_per_second(f"sqlite:///{folder}/registry.db", count=declarations, batch=BATCH)
    postgres = _on_postgres(declarations)
    decode, whole = median(visits.decode_ms), median(visits.kept_ms)
    broker = checkin_gateway.transport_alone_per_second(count=declarations)
    insert = checkin_gateway.insert_alone_per_second(count=declarations, batch=BATCH)
    figures: dict[str, Any] = {
        "kept_p50_ms": round(whole, 2),
        "kept_p95_ms": round(quantiles(visits.kept_ms, n=20)[-1], 2),
        "receipted_per_second_sqlite": round(sqlite),
        "receipted_per_second_postgresql": postgres,
    }
    return BenchResult(
        name="checkin",
        figures=figures,
        baselines={
            "decode_ms": round(decode, 3),
            "broker_alone_per_second": round(broker),
            "insert_alone_per_second": round(insert),
        },
        ratios={
            "kept_to_decode": round(whole / decode, 2),
            "gateway_to_insert": round(sqlite / insert, 4),
            "gateway_to_broker": round(sqlite / broker, 4),
        },
        settings={"visits": visits_count, "declarations": declarations, "batch": BATCH, "kiosk_keys": checkin_gateway.KIOSKS},
    )


def _on_postgres(declarations: int) -> int | None:
    if not (BINARIES / "initdb").exists():
        return None
    with running_postgres() as server:
        return round(checkin_gateway.receipted_per_second(server.new_database(), count=declarations, batch=BATCH))
