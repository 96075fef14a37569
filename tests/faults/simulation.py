"""The simulation campaigns: ``python -m tests.faults.simulation --on ledger --seeds 10000``, or ``--on registry``.

- Real in both: everything named in ``kiosk.py`` and ``gateway.py``: outbox, store, uplink and its send plan, worker, intake, receipts,
  keys, signatures, seals. Injected: clocks, randomness, both MQTT clients, the broker, and where processes die.
- ``ledger``: recording is the page in ``ledger.py``; for runs by the ten thousand. ``registry``: the real registry on SQLite; hundreds.
- A seed decides everything: the same seed is the same run, in any process. ``--bug NAME`` replays a planted bug.
- Every kind of fault must strike once per hundred seeds, and every planted bug must be found.

Example: ``scripts/test-faults simulation --seeds 1 --seed 4711``
"""

from __future__ import annotations

import contextlib
import gc
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import structlog

from faults.campaign import Report, command_line, conclude
from faults.ledger_parts import LEDGER_PARTS
from faults.planted import planted
from faults.registry_parts import REGISTRY_PARTS
from faults.world import KINDS, make_empty_store, run_seed

PARTS = {"ledger": LEDGER_PARTS, "registry": REGISTRY_PARTS}
RARELY_ENOUGH = 100  # each kind of fault at least once in so many seeds
SLICE = 200
QUIET = 50  # logging.CRITICAL
MEMORY = Path("/dev/shm")


@contextlib.contextmanager
def stage():
    """Give a folder in memory and an empty kiosk's store in it; the product's logs are kept off, its garbage seldom collected."""
    before = structlog.get_config() if structlog.is_configured() else None
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(QUIET))
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            yield {"folder": Path(folder), "empty_store": make_empty_store(Path(folder))}
    finally:
        gc.set_threshold(*thresholds)
        structlog.reset_defaults()
        if before is not None:
            structlog.configure(**before)


def run_seeds(name, seeds, *, bug=None, tell=lambda *_words: None):
    """Run seeds one after the other and return (counts, failures, facts)."""
    parts = planted(PARTS[name])[bug].parts if bug else PARTS[name]
    counts, facts, failures = Counter(), Counter(), {}
    with stage() as place:
        for seed in seeds:
            verdict = run_seed(seed, parts=parts, tell=tell, **place)
            counts.update(verdict.counts)
            facts.update({"declarations": verdict.declared, "waiting in a store that was wiped": verdict.wiped})
            facts["longest to settle, virtual s"] = max(facts["longest to settle, virtual s"], round(verdict.settle_seconds or 0))
            if verdict.problems:
                failures[seed] = verdict.problems
    return counts, failures, facts


def find_planted(name, bug, *, first, seeds):
    """Return the first seed at which a planted bug shows as it must, and how; ``seed`` None when none does."""
    bad = planted(PARTS[name])[bug]
    with stage() as place:
        for seed in range(first, first + seeds):
            for problem in run_seed(seed, parts=bad.parts, **place).problems:
                if problem.startswith(bad.shows_as):
                    return {"seed": seed, "found": problem}
    return {"seed": None, "found": None}


def run_campaign(name, *, first, seeds, jobs=1, controls=0, progress=lambda _done: None):
    """Run a campaign and return its report."""
    began = time.perf_counter()
    report = Report(campaign=f"simulation on the {name}", first_seed=first, trials=seeds)
    report.demanded = dict.fromkeys(KINDS, seeds // RARELY_ENOUGH)
    counts, facts, done = Counter(), Counter(), 0
    slices = [range(each, min(each + SLICE, first + seeds)) for each in range(first, first + seeds, SLICE)]
    for one, failures, known in _each_slice(name, slices, jobs):
        longest = max(facts["longest to settle, virtual s"], known["longest to settle, virtual s"])
        counts.update(one)
        facts.update(known)
        facts["longest to settle, virtual s"] = longest
        report.failures |= failures
        done += SLICE
        progress(done)
    seconds = time.perf_counter() - began
    report.counts = dict(counts)
    report.facts = {
        **facts,
        "faults": sum(counts.values()),
        "seconds": round(seconds, 1),
        "ms a seed": round(1000 * seconds / seeds, 1),
    }
    if controls:
        report.controls = {bug: find_planted(name, bug, first=first, seeds=controls) for bug in planted(PARTS[name])}
    return report


def _each_slice(name, slices, jobs):
    if jobs == 1:
        yield from (run_seeds(name, each) for each in slices)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run_seeds, [name] * len(slices), slices)


def replay(options):
    """Run seeds again, with a bug planted or telling what happens, and demand nothing of how often faults strike."""

    def tell(seconds, *words):
        if options.tell:
            print(f"{seconds:8.3f}", *words, file=sys.stderr)

    seeds = range(options.seed, options.seed + options.seeds)
    counts, failures, facts = run_seeds(options.on, seeds, bug=options.bug, tell=tell)
    campaign = f"{options.bug or 'no bug'}, on the {options.on}"
    return Report(
        campaign=campaign,
        first_seed=options.seed,
        trials=options.seeds,
        failures=failures,
        counts=dict(counts),
        facts=dict(facts),
    )


def main():
    """Run from the command line."""
    parser = command_line("Simulate kiosks, broker and gateways with everything going wrong.", seeds=10_000)
    parser.add_argument("--on", choices=PARTS, default="ledger", help="what gateways record into")
    parser.add_argument("--bug", choices=planted(LEDGER_PARTS), help="plant this bug: to replay a control")
    parser.add_argument("--tell", action="store_true", help="with --bug or few seeds: what happened when, in virtual seconds")
    options = parser.parse_args()
    if options.tell or options.bug:
        return conclude(replay(options), as_json=options.json)

    def progress(done):
        if sys.stderr.isatty():
            print(f"\r{min(done, options.seeds):,} of {options.seeds:,}", end="", file=sys.stderr, flush=True)

    report = run_campaign(
        options.on, first=options.seed, seeds=options.seeds, jobs=options.jobs, controls=options.controls, progress=progress
    )
    return conclude(report, as_json=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
