"""What every campaign of faults shares: its command line, its report and its verdict.

- Options: ``--seed`` the first, ``--seeds`` how many, ``--jobs`` processes, ``--json``, ``--controls`` how many seeds a planted bug gets.
- A campaign passes when no trial failed, every fault kind struck as often as the plan demands, and every planted bug was found.
- What 0 failures in n trials say is said as they say it: a rate below 3/n at 95 %, never "proved". n counts seeds, not rows.
- Exit status 0 when it passed, 1 when it did not.

Example: ``raise SystemExit(conclude(report, as_json=options.json))``
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, field

FEW = 30
SHOWN = 10


def command_line(description, *, seeds):
    """Return a parser with the options every campaign has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=0, help="the first seed; a failing one is replayed with --seeds 1")
    parser.add_argument("--seeds", type=int, default=seeds, help="how many seeds")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    parser.add_argument(
        "--controls", type=int, default=300, help="in how many seeds a planted bug must be found; 0: leave them out"
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


def rate_bound(trials):
    """Return the rate of failures that ``trials`` independent ones without any rule out at 95 %."""
    if trials < 1:
        return 1.0
    return 3 / trials if trials >= FEW else 1 - 0.05 ** (1 / trials)


@dataclass(kw_only=True)
class Report:
    """What a campaign came to."""

    campaign: str
    first_seed: int
    trials: int = 0
    failures: dict = field(default_factory=dict)  # seed -> sentences
    counts: dict = field(default_factory=dict)  # fault kind -> how often it struck
    demanded: dict = field(default_factory=dict)  # fault kind -> how often it must
    controls: dict = field(default_factory=dict)  # planted bug -> {"seed", "found"}; seed None: not found
    facts: dict = field(default_factory=dict)  # whatever else is worth printing

    @property
    def too_rare(self):
        return [kind for kind, least in self.demanded.items() if self.counts.get(kind, 0) < least]

    @property
    def missed(self):
        return [name for name, result in self.controls.items() if result["seed"] is None]

    @property
    def passed(self):
        return not (self.failures or self.too_rare or self.missed)

    def lines(self):
        """Return the report for a terminal."""
        yield f"{self.campaign}: seeds {self.first_seed} to {self.first_seed + self.trials - 1}"
        yield from (f"  {name}: {value}" for name, value in self.facts.items())
        yield "faults that struck"
        yield from (f"  {times:>9,}  {kind}" for kind, times in sorted(self.counts.items(), key=lambda each: -each[1]))
        yield from (f"  TOO RARE: {kind}, {self.counts.get(kind, 0)} of {self.demanded[kind]}" for kind in self.too_rare)
        if self.controls:
            yield "planted bugs"
        for name, result in self.controls.items():
            found = "NOT FOUND" if result["seed"] is None else f"seed {result['seed']}: {result['found']}"
            yield f"  {name}: {found}"
        for seed, problems in list(self.failures.items())[:SHOWN]:
            yield from (f"  FAILED seed {seed}: {each}" for each in problems[:SHOWN])
        bound = f"0 of {self.trials:,} failed: below {rate_bound(self.trials):.2g} a seed (95 %)"
        yield f"{len(self.failures):,} of {self.trials:,} seeds FAILED" if self.failures else bound
        yield "passed" if self.passed else "FAILED"


def conclude(report, *, as_json):
    """Print the report and return the exit status."""
    if as_json:
        whole = asdict(report) | {"passed": report.passed, "too_rare": report.too_rare, "missed": report.missed}
        whole["rate_bound"] = None if report.failures else rate_bound(report.trials)
        print(json.dumps(whole, ensure_ascii=False))
    else:
        print("\n".join(report.lines()))
    return 0 if report.passed else 1
