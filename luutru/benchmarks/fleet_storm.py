"""``luutru bench fleet``: a city's kiosks at one broker, each with a connection and a certificate of its own.

- A power cut ends: all kiosks come back, once all at the same instant (the baseline) and once spread as a kiosk spreads itself
  (``broker.spread_seconds``). Every handshake is a whole one, for what a kiosk kept of the last went with the power.
- The line of the whole city breaks and is back: the same, with TLS sessions taken up again and without.
- The broker is killed and started: kiosks come back by their own patience, nobody spreads anything.
- An evening: every kiosk declares within a minute, signs of life go on; each declaration must have its receipt from the real gateway.
- Sites lose their power: what an operator sees are as many alarms as sites, not as kiosks.
- Kiosks, broker and gateway share this machine's cores, so a broker of its own does better; the figures say whose processor was used.

Example: ``luutru bench fleet --kiosks 500,1000 --json``
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import msgspec

from luutru.benchmarks.crowd import Crowd, Member, Order, Report, crowd, unique
from luutru.benchmarks.crowd_line import WILL_DELAY_SECONDS
from luutru.benchmarks.gateway_drain import gateway_arguments
from luutru.benchmarks.gateway_ground import Copy, Ground, prepared
from luutru.benchmarks.gateway_load import Load, read_messages
from luutru.benchmarks.gateway_process import GatewayProcess, cpu_seconds, resident, running
from luutru.benchmarks.result import BenchResult
from luutru.demo.broker import Broker
from luutru.system import SystemClock

SPARE_FILES: Final = 200
PATIENCE_SECONDS: Final = 300.0
ALARM_SECONDS: Final = 90.0
Progress = Callable[[str], None]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    kiosks: tuple[int, ...] = (500, 1_000, 2_500, 5_000)
    spread: float = 30.0
    evening: float = 60.0  # seconds in which every kiosk declares
    declarations: int = 2  # of each kiosk
    persons: int = 20_000
    processes: int = 2
    will_delay: int = WILL_DELAY_SECONDS  # after which the broker tells of a kiosk that went without a word


FULL: Final = Plan()
QUICKLY: Final = Plan(kiosks=(16,), spread=1.0, evening=2.0, declarations=1, persons=200, will_delay=1)


def run(*, quick: bool) -> BenchResult:
    """Measure with the usual amounts."""
    return measure(QUICKLY if quick else FULL)


def measure(plan: Plan, *, folder: Path | None = None, progress: Progress = lambda _what: None) -> BenchResult:
    """Measure a fleet of each size; the figures are the largest one's, ``points`` has all."""
    points = [_measure_one(plan, each, folder=folder, progress=progress) for each in plan.kiosks]
    last = max(points, key=lambda each: int(each["kiosks"]))
    figures = {name: value for name, value in last.items() if not name.endswith("_at_once") and name != "whole_handshake_seconds"}
    at_once, spread = last["all_connected_seconds_at_once"], last["all_connected_seconds"]
    return BenchResult(
        figures={**figures, "points": points},
        baselines={
            "all_connected_seconds_at_once": at_once,
            "failed_attempts_at_once": last["failed_attempts_at_once"],
            "broker_cpu_seconds_whole_handshakes": last["whole_handshake_seconds"],
        },
        ratios={
            "spread_to_at_once": round(spread / at_once, 2) if at_once else None,
            "resumed_to_whole_handshakes": round(last["broker_cpu_seconds_resumed"] / last["whole_handshake_seconds"], 2)
            if last["whole_handshake_seconds"]
            else None,
        },
        settings=msgspec.to_builtins(plan),
    )


def _measure_one(plan: Plan, kiosks: int, *, folder: Path | None, progress: Progress) -> dict[str, Any]:
    raise_file_limit(kiosks + SPARE_FILES)
    load = Load(persons=plan.persons, messages=kiosks * plan.declarations, kiosks=kiosks)
    with prepared(load, databases=("sqlite",), folder=folder, progress=progress) as ground:
        progress(f"{kiosks} certificates")
        members = [
            Member(kiosk_id=each.kiosk_id, topics=each.topics, identity=ground.pki.kiosk(each.kiosk_id))
            for each in ground.fleet.kiosks
        ]
        with (
            ground.broker() as broker,
            ground.copy("sqlite") as copy,
            running(gateway_arguments(ground, copy, broker, shards="0-63", batch=500)) as gateway,
            crowd(members, (broker.host, broker.port), processes=plan.processes, will_delay=plan.will_delay) as lines,
        ):
            gateway.wait_begun()
            fleet = _Fleet(ground, copy, broker=broker, gateway=gateway, lines=lines, progress=progress)
            return fleet.measure(plan)


class _Fleet:
    """Everything that runs, and what is done to it, one after another."""

    def __init__(
        self, ground: Ground, copy: Copy, *, broker: Broker, gateway: GatewayProcess, lines: Crowd, progress: Progress
    ) -> None:
        self._ground, self._copy, self._broker, self._gateway = ground, copy, broker, gateway
        self._lines, self._kiosks, self._progress = lines, ground.load.kiosks, progress

    def measure(self, plan: Plan) -> dict[str, Any]:
        """Return this size's figures."""
        found: dict[str, Any] = {"kiosks": self._kiosks}
        at_once = self._storm("power is back, all at once", spread=0.0)
        found |= {"all_connected_seconds_at_once": at_once["seconds"], "failed_attempts_at_once": at_once["failed"]}
        spread = self._storm("power is back, spread", spread=plan.spread)
        found |= {
            "all_connected_seconds": spread["seconds"],
            "failed_attempts": spread["failed"],
            "connected_p95_seconds": spread["p95"],
            "broker_cpu_share_in_storm": spread["share"],
            "handshakes_per_broker_cpu_second": round(self._kiosks / spread["cpu"]) if spread["cpu"] else None,
            "whole_handshake_seconds": spread["cpu"],
        }
        again = self._storm("the line is back, sessions taken up again", spread=plan.spread, resume=True)
        found |= {"resumed": again["resumed"], "broker_cpu_seconds_resumed": again["cpu"]}
        found["broker_restart_all_connected_seconds"] = self._restart()
        found |= self._evening(plan)
        found |= self._dark(max(1, self._kiosks // 4 // 10))
        return found

    def _storm(self, what: str, *, spread: float, resume: bool = False) -> dict[str, Any]:
        self._progress(f"{self._kiosks} kiosks: {what}")
        self._lines.order(Order(what="cut"))
        self._lines.wait(lambda report: report.up == 0, seconds=5)
        time.sleep(1.0)  # the broker notices
        before, began = cpu_seconds(self._broker.pid or 0), time.monotonic()
        self._lines.order(Order(what="storm", spread=spread, resume=resume))
        report = self._all_up()
        used, took = cpu_seconds(self._broker.pid or 0) - before, time.monotonic() - began
        return {
            "seconds": round(max(report.seconds, default=0.0), 2),
            "p95": round(quantiles(report.seconds, n=20)[18], 2),
            "failed": report.failed,
            "resumed": report.resumed,
            "cpu": round(used, 2),
            "share": round(used / took, 2),
        }

    def _restart(self) -> float:
        self._progress(f"{self._kiosks} kiosks: the broker is killed")
        self._broker.kill()
        self._lines.wait(lambda report: report.up == 0, seconds=30)
        self._lines.order(Order(what="storm", spread=0.0))  # counts from now; their own waits are running already
        self._broker.start()
        began = time.monotonic()
        self._all_up()
        return round(time.monotonic() - began, 2)

    def _evening(self, plan: Plan) -> dict[str, Any]:
        self._progress(f"{self._kiosks} kiosks: an evening of declarations")
        messages = unique(list(read_messages(self._ground.messages, self._ground.load.messages)))
        broker, gateway, began = cpu_seconds(self._broker.pid or 0), self._gateway.cpu_seconds(), time.monotonic()
        self._lines.order(Order(what="declare", spread=plan.evening, messages=messages))
        report = self._lines.wait(lambda report: len(report.seconds) >= len(messages), seconds=plan.evening + PATIENCE_SECONDS)
        took = time.monotonic() - began
        parts = quantiles(report.seconds, n=100) if len(report.seconds) > 1 else [0.0] * 99
        return {
            "declarations": len(messages),
            "receipted": len(report.seconds),
            "lost": len(messages) - len(report.seconds),
            "receipt_p50_ms": round(parts[49] * 1e3, 1),
            "receipt_p99_ms": round(parts[98] * 1e3, 1),
            "life_signs_in_evening": report.life_signs,
            "broker_rss_mib": round(resident(self._broker.pid or 0) / 2**20, 1),
            "broker_cpu_share": round((cpu_seconds(self._broker.pid or 0) - broker) / took, 2),
            "gateway_rss_mib": round(self._gateway.rss_mib(), 1),
            "gateway_cpu_share": round((self._gateway.cpu_seconds() - gateway) / took, 2),
        }

    def _dark(self, sites: int) -> dict[str, Any]:
        """Cut some sites' power and look at what the operators' page would say."""
        places = sorted({each.premises_id for each in self._ground.fleet.kiosks})[:sites]
        kiosks = tuple(each.kiosk_id for each in self._ground.fleet.kiosks if each.premises_id in places)
        self._progress(f"{self._kiosks} kiosks: {len(places)} sites lose their power")
        self._lines.order(Order(what="cut", kiosks=kiosks))
        began = time.monotonic()
        while True:
            seen, single = self._alarms()
            if (seen == len(places) and not single) or time.monotonic() - began > ALARM_SECONDS:
                break
            time.sleep(1.0)
        return {
            "sites_cut": len(places),
            "kiosks_cut": len(kiosks),
            "site_alarms": seen,
            "single_kiosk_alarms": single,
            "alarm_seconds": round(time.monotonic() - began, 1),
        }

    def _alarms(self) -> tuple[int, int]:
        from luutru.benchmarks.fleet import COMMUNE
        from luutru.opening import open_registry
        from server.operators.fleet import Patience, dark_sites, fleet_of

        registry = open_registry(self._copy.url, self._copy.vault)
        try:
            with registry.reading() as connection:
                now = SystemClock().now()
                fleet = fleet_of(connection, COMMUNE, now=now, patience=Patience(), limit=self._kiosks)
        finally:
            registry.close()
        dark = dark_sites(fleet)
        single = sum(each.health.state == "lost" and each.kiosk.premises_id not in dark for each in fleet)
        return len(dark), single

    def _all_up(self) -> Report:
        report = self._lines.wait(lambda report: report.up == self._kiosks, seconds=PATIENCE_SECONDS)
        if report.up < self._kiosks:
            raise RuntimeError(f"only {report.up} of {self._kiosks} kiosks were connected after {PATIENCE_SECONDS:.0f} s")
        return report


def raise_file_limit(files: int) -> None:
    """Let this process and its children open so many files, or say in a sentence what is needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= files or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < files:
        raise RuntimeError(f"{files} open files are needed and {hard} allowed; run: ulimit -Hn {files}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
