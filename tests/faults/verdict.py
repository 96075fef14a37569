"""What a campaign of faults found, and when that counts as passed.

- Passed: nothing lost, doubled, corrupt or torn, every kind of fault hit as often as asked, and every control lost something.
- A control is the same campaign on a configuration known to be wrong. One that loses nothing means that the faults did not bite.
- The bound is 3/n for n independent faults without a failure (95 %), 1 - 0.05^(1/n) for fewer than 30. Never "proved".

Example: ``verdict.hit("torn"); verdict.wrong("lost", "row 7"); sys.exit(conclude(verdict, as_json=True))``
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

WRONGS = (
    "lost",
    "doubled",
    "corrupt",
    "torn",
    "silent",
    "unexpected",
    "early",
    "receipt",
    "left out",
    "unsettled",
    "too few",
    "blind",
)
ALWAYS_SAID = ("lost", "doubled", "corrupt")
KNOWN = {"name", "faults", "kinds", "examples", "bound", *WRONGS}
SHOWN = 8
FEW = 30


@dataclass
class Verdict:
    """Counts of one configuration under one campaign."""

    name: str
    kinds: Counter = field(default_factory=Counter)
    wrongs: Counter = field(default_factory=Counter)
    facts: dict = field(default_factory=dict)
    examples: list = field(default_factory=list)

    def hit(self, kind, times=1):
        """Count a fault that really happened."""
        self.kinds[kind] += times

    def wrong(self, what, detail):
        """Count one thing that must not happen; a fault may do several."""
        self.wrongs[what] += 1
        if len(self.examples) < SHOWN:
            self.examples.append(f"{what}: {detail}")

    @property
    def faults(self):
        return sum(self.kinds.values())

    def as_dict(self):
        return {
            "name": self.name,
            "faults": self.faults,
            "kinds": dict(sorted(self.kinds.items())),
            **{each: self.wrongs[each] for each in WRONGS},
            **self.facts,
            "examples": self.examples,
        }


@dataclass
class Campaign:
    """One run: the subjects that must hold, and the controls that must not."""

    name: str
    seed: int
    subjects: list = field(default_factory=list)
    controls: list = field(default_factory=list)
    minimum: dict = field(default_factory=dict)  # kind -> how often it must have happened, in each subject that knows it

    def complaints(self):
        """Everything for which this run does not count as passed."""
        found = [f"{each.name}: {each.wrongs[what]} {what}" for each in self.subjects for what in WRONGS if each.wrongs[what]]
        for kind, least in self.minimum.items():
            seen = sum(each.kinds[kind] for each in self.subjects)
            if seen < least:
                found.append(f"{kind}: hit {seen} times, at least {least} asked")
        found += [f"control {each.name}: lost nothing in {each.faults} faults" for each in self.controls if not each.wrongs]
        if not self.subjects or any(not each.faults for each in self.subjects):
            found.append("no fault happened")
        return found

    def as_dict(self):
        complaints = self.complaints()
        return {
            "campaign": self.name,
            "seed": self.seed,
            "passed": not complaints,
            "complaints": complaints,
            "subjects": [{**each.as_dict(), "bound": bound(each.faults)} for each in self.subjects],
            "controls": [each.as_dict() for each in self.controls],
            "versions": {"sqlite": sqlite3.sqlite_version, "python": platform.python_version(), "kernel": platform.release()},
            "commit": commit(),
        }


def bound(faults):
    """The rate (95 %) that so many independent faults without a failure leave possible."""
    if not faults:
        return 1.0
    return 3 / faults if faults >= FEW else 1 - 0.05 ** (1 / faults)


def commit():
    """Which version was run; "unknown" outside a checkout."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent, check=False
    )
    return done.stdout.strip() or "unknown"


def arguments(description, *, count):
    """The command line every campaign has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=1, help="replays a run")
    parser.add_argument("--count", type=int, default=count, help="how many faults")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def conclude(campaign, *, as_json):
    """Print the result and return the exit code."""
    result = campaign.as_dict()
    print(json.dumps(result, indent=1) if as_json else _sentences(result))
    return 0 if result["passed"] else 1


def _sentences(result):
    lines = [f"{result['campaign']}, seed {result['seed']}, commit {result['commit']}, {result['versions']}"]
    for role in ("subjects", "controls"):
        for each in result[role]:
            figures = ", ".join(f"{name} {each[name]}" for name in WRONGS if each[name] or name in ALWAYS_SAID)
            limit = f" (below {each['bound']:.2g} per fault, 95 %)" if role == "subjects" else ""
            lines.append(f"{role[:-1]} {each['name']}: {each['faults']} faults {each['kinds']}: {figures}{limit}")
            lines += [f"    {name}: {each[name]}" for name in sorted(set(each) - KNOWN)]
            lines += [f"    {example}" for example in each["examples"]] if role == "subjects" else []
    return "\n".join([*lines, *result["complaints"], "passed" if result["passed"] else "FAILED"])
