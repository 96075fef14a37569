"""``luutru bench gateway``: how many declarations a gateway accepts, beside the floor of its stages and beside its peers, in one run.

- Ours: one worker on SQLite and on PostgreSQL, two workers, a steady thousand a second, a backlog of 100,000, a crash. Everything is on:
  TLS, signatures, sealing, a registry of a million, full sync, signed receipts.
- Floor: the same stages bare, on the same messages (``gateway_floor.py``). Rates are per second of the workers' CPU time where they say *core*.
- Peers: a plain consumer and Node-RED on the same declarations in plain JSON. What is not installed gives null, and says how to install it.
- ``accepted`` counts a declaration once, with its receipt; those set down as conflicting are recorded and receipted, and count.

Example: ``luutru bench gateway --json``
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import msgspec

from luutru.benchmarks import gateway_peers as peers
from luutru.benchmarks import node_red
from luutru.benchmarks.gateway_drain import BATCH, Drained, Live, drain, killed, live
from luutru.benchmarks.gateway_floor import CRYPTO, Bare
from luutru.benchmarks.gateway_ground import Database, Ground, prepared
from luutru.benchmarks.gateway_load import AGAIN, RENAMED, UNKNOWN, Load
from luutru.benchmarks.gateway_rows import Rows, new_rows
from luutru.benchmarks.postgres import BINARIES
from luutru.benchmarks.result import BenchResult

BACKLOG: Final = 100_000  # another size gives a rate, not the figure named after this one
Progress = Callable[[str], None]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured. 0 leaves a part out."""

    persons: int = 1_000_000
    kiosks: int = 1_000
    messages: int = 40_000
    backlog: int = BACKLOG
    live: int = 20_000
    per_second: int = 1_000
    warm_up: int = 1_000
    floor: int = 10_000
    peers: int = 20_000
    row_by_row: int = 4_000
    batch: int = BATCH
    briefly: bool = False  # on PostgreSQL one worker only, without its floor


FULL: Final = Plan()
QUICKLY: Final = Plan(
    persons=1_000, kiosks=50, messages=1_000, backlog=0, live=400, warm_up=100, floor=500, peers=0, row_by_row=1_000, briefly=True
)


class Ours(msgspec.Struct, kw_only=True):
    """What was measured of the gateway on one database, with the floor under it."""

    one: Drained
    two: Drained | None = None
    floor: dict[str, float] = {}
    own_stages: dict[str, float] = {}
    commit_wall_us: float = 0.0
    broker_per_second: float = 0.0


def run(*, quick: bool) -> BenchResult:
    """Measure with the usual amounts."""
    return measure(QUICKLY if quick else FULL)


def measure(plan: Plan, *, folder: Path | None = None, progress: Progress = lambda _what: None) -> BenchResult:
    """Measure everything the plan names."""
    databases: tuple[Database, ...] = ("sqlite", "postgresql") if (BINARIES / "initdb").exists() else ("sqlite",)
    most = max(plan.messages, plan.backlog, plan.live + plan.warm_up, plan.floor, plan.peers, plan.row_by_row)
    load = Load(persons=plan.persons, messages=most, kiosks=plan.kiosks)
    with prepared(load, databases=databases, folder=folder, progress=progress) as ground:
        ours = {each: _measure_on(ground, each, plan, progress) for each in databases}
        backlog = None
        if plan.backlog:
            progress(f"a backlog of {plan.backlog}, two workers")
            backlog = drain(ground, databases[-1], messages=plan.backlog, workers=2, batch=plan.batch)
        progress(f"{plan.per_second} a second")
        steady = live(ground, "sqlite", messages=plan.live, per_second=plan.per_second, warm_up=plan.warm_up, batch=plan.batch)
        progress(f"{plan.per_second} a second, and the night's work beside")
        at_night = live(
            ground, "sqlite", messages=plan.live, per_second=plan.per_second, warm_up=plan.warm_up, batch=plan.batch, night=0
        )
        beside = _measure_peers(ground, plan, progress)
    return _result(plan, ours, backlog=backlog, steady=steady, at_night=at_night, beside=beside)


def _measure_on(ground: Ground, database: Database, plan: Plan, progress: Progress) -> Ours:
    progress(f"one worker on {database}")
    rows: Rows = {}
    share = min(plan.floor / plan.messages, 1.0)
    one = drain(
        ground,
        database,
        messages=plan.messages,
        batch=plan.batch,
        look=lambda copy: rows.update(new_rows(copy, ground, share=share)),
    )
    if plan.briefly and database == "postgresql":
        return Ours(one=one)
    progress(f"the floor on {database}")
    bare = Bare(ground, database, rows, messages=min(plan.floor, plan.messages), batch=plan.batch)
    floor, own_stages = bare.measure(), bare.ours()
    rows.clear()
    progress(f"two workers on {database}")
    return Ours(
        one=one,
        two=drain(ground, database, messages=plan.messages, workers=2, batch=plan.batch),
        floor=floor,
        own_stages=own_stages,
        commit_wall_us=bare.commit_wall_us,
        broker_per_second=bare.broker_per_second,
    )


class _Beside(msgspec.Struct, kw_only=True):
    row_by_row: float | None = None
    node_red: float | None = None
    node_red_lost: float | None = None
    ours_lost: float | None = None


def _measure_peers(ground: Ground, plan: Plan, progress: Progress) -> _Beside:
    beside = _Beside()
    if plan.row_by_row:
        progress("a plain consumer, row by row")
        beside.row_by_row = peers.measure(ground, peers.row_by_row, messages=plan.row_by_row).per_second
    if plan.peers:
        progress("our own crash")
        beside.ours_lost = killed(ground, messages=plan.peers)
    if plan.peers and node_red.is_installed():
        progress("Node-RED, and its crash")
        beside.node_red = peers.measure(ground, peers.node_red, messages=plan.peers).per_second
        beside.node_red_lost = peers.measure(ground, peers.node_red, messages=plan.peers, kill=True).lost
    return beside


def _result(
    plan: Plan, ours: dict[Database, Ours], *, backlog: Drained | None, steady: Live, at_night: Live, beside: _Beside
) -> BenchResult:
    sqlite, postgres = ours["sqlite"], ours.get("postgresql")
    runs = [each for one in ours.values() for each in (one.one, one.two) if each is not None] + ([backlog] if backlog else [])
    waits, nightly = sorted(steady.offered.milliseconds), sorted(at_night.offered.milliseconds)
    figures: dict[str, Any] = {
        "accepted_per_second_per_core_sqlite": round(sqlite.one.per_core),
        "accepted_per_second_per_core_postgresql": round(postgres.one.per_core) if postgres else None,
        "accepted_per_second_two_workers": _rate(sqlite.two),
        "accepted_per_second_two_workers_postgresql": _rate(postgres.two) if postgres else None,
        "p99_ms_at_1000_per_second": round(quantiles(waits, n=100)[-1], 2) if len(waits) > 1 else None,
        "p50_ms_at_1000_per_second": round(quantiles(waits, n=2)[0], 2) if len(waits) > 1 else None,
        "p99_ms_at_night": round(quantiles(nightly, n=100)[-1], 2) if len(nightly) > 1 else None,
        "unanswered_at_1000_per_second": steady.offered.unanswered,
        "sent_late_ms_at_1000_per_second": round(steady.offered.late_ms, 2),
        "backlog_100000_seconds": round(backlog.seconds_from_start, 2) if backlog and plan.backlog == BACKLOG else None,
        "backlog_per_second": round(plan.backlog / backlog.seconds_from_start) if backlog else None,
        "rss_mib": round(max(steady.rss_mib, *(each.rss_mib for each in runs))),
        "lost_when_killed": beside.ours_lost,
    }
    baselines: dict[str, Any] = {
        "row_by_row_per_second": beside.row_by_row and round(beside.row_by_row),
        "node_red_per_second": beside.node_red and round(beside.node_red),
        "node_red_lost_when_killed": beside.node_red_lost and round(beside.node_red_lost, 4),
        "broker_only_per_second": round(sqlite.broker_per_second),
    }
    ratios: dict[str, Any] = {
        "two_workers_to_one": _two_to_one(sqlite),
        "two_workers_to_one_postgresql": _two_to_one(postgres) if postgres else None,
        "to_node_red": _ratio(sqlite.one.per_second, beside.node_red),
        "to_row_by_row": _ratio(sqlite.one.per_second, beside.row_by_row),
    }
    for database, each in ours.items():
        _add(figures, baselines, ratios, database=database, ours=each)
    return BenchResult(
        name="gateway", figures=figures, baselines=baselines, ratios=ratios, settings=_settings(plan, backlog_on=[*ours][-1])
    )


def _add(figures: dict[str, Any], baselines: dict[str, Any], ratios: dict[str, Any], *, database: Database, ours: Ours) -> None:
    """Add what is told of each database; ratios are of rates, so that less than one is slower than the other."""
    us = ours.one.us_per_message
    tail = "" if database == "sqlite" else f"_{database}"
    figures[f"accepted_per_second_{database}"] = round(ours.one.per_second)
    figures[f"us_per_message_{database}"] = round(us, 1)
    if database == "postgresql":
        figures["server_us_per_message_postgresql"] = round(ours.one.server_cpu_seconds / ours.one.messages * 1e6, 1)
    if not ours.floor:
        return
    crypto = sum(ours.floor[stage] for stage in CRYPTO)
    for stage, own in ours.own_stages.items():
        figures[f"us_{stage}_{database}"] = round(own, 1)
    figures[f"us_the_rest_{database}"] = round(us - sum(ours.own_stages.values()), 1)
    for stage, bare in ours.floor.items():
        baselines[f"floor_us_{stage}_{database}"] = round(bare, 1)
    baselines[f"floor_us_{database}"] = round(sum(ours.floor.values()), 1)
    baselines[f"crypto_only_per_second{tail}"] = round(1e6 / crypto)
    baselines[f"insert_only_per_second{tail}"] = round(1e6 / ours.commit_wall_us)
    ratios[f"to_floor{tail}"] = round(sum(ours.floor.values()) / us, 3)
    ratios[f"to_crypto_bound{tail}"] = round(crypto / us, 3)


def _rate(run_: Drained | None) -> int | None:
    return round(run_.per_second) if run_ else None


def _two_to_one(ours: Ours) -> float | None:
    return _ratio(ours.two.per_second if ours.two else None, ours.one.per_second)


def _ratio(one: float | None, other: float | None) -> float | None:
    return round(one / other, 2) if one and other else None


def _settings(plan: Plan, *, backlog_on: Database) -> dict[str, Any]:
    said = {
        **msgspec.structs.asdict(plan),
        "sent_again": AGAIN,
        "unknown": UNKNOWN,
        "other_name": RENAMED,
        "backlog_on": backlog_on,
        "peers_get": "plain JSON of the same declarations: no signature, no sealing, no registry, no receipt",
    }
    if plan.peers and not node_red.is_installed():
        said["node_red"] = node_red.HOW_TO_INSTALL
    return said
