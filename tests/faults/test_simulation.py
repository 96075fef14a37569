"""Kiosks, broker and gateways with everything going wrong, by the thousand: nothing lost, nothing doubled, and the same seed is the
same run. The long runs are ``scripts/test-faults``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from faults.planted import planted
from faults.simulation import PARTS, find_planted, run_seeds, stage
from faults.world import KINDS, run_seed

ROOT = Path(__file__).resolve().parents[2]
SLICES, SEEDS = 5, 2000
ONCE_FAILED = (
    22504,
    60033,
)  # somebody declared after everything had been found settled; other runs since a gateway may die once more


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [pytest.param(each, marks=pytest.mark.xdist_group(f"seeds-{each}")) for each in range(SLICES)])
def test_ten_thousand_seeds_lose_nothing_and_double_nothing(number):
    counts, failures, _ = run_seeds("ledger", range(number * SEEDS, (number + 1) * SEEDS))
    assert failures == {}
    assert not [kind for kind in KINDS if counts[kind] < SEEDS // 100]


def test_seeds_that_once_failed_pass():
    _, failures, _ = run_seeds("ledger", ONCE_FAILED)
    assert failures == {}


@pytest.mark.timeout(600)
def test_the_real_registry_loses_nothing_doubles_nothing_and_does_not_mind_the_order():
    counts, failures, _ = run_seeds("registry", range(120))
    assert failures == {}
    assert not [kind for kind in (*KINDS, "held for its clock") if not counts[kind]]


@pytest.mark.parametrize("bug", planted(PARTS["ledger"]))
@pytest.mark.parametrize("name", PARTS)
def test_every_planted_bug_is_found(name, bug):
    assert find_planted(name, bug, first=0, seeds=100)["seed"] is not None


def test_a_seed_is_the_same_run_in_another_process_and_after_other_runs():
    code = "from faults.simulation import run_seeds; print(run_seeds('ledger', [31, 7]))"
    alone = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": "tests:.", "PYTHONHASHSEED": "5"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    run_seeds("ledger", range(3))
    assert alone.stdout.strip() == str(run_seeds("ledger", [31, 7]))


def test_what_is_late_doubled_or_overtaken_is_told_apart_by_seed():
    with stage() as place:
        verdicts = [run_seed(seed, parts=PARTS["ledger"], **place) for seed in range(6)]
    assert len({str(sorted(each.counts.items())) for each in verdicts}) == len(verdicts)
    assert sum((each.counts for each in verdicts), Counter())["overtaken by a later one"] > 0


@pytest.mark.parametrize(
    ("options", "status"), [(["--seed", "3", "--seeds", "1"], 0), (["--seeds", "12", "--bug", "delete on PUBACK"], 1)]
)
def test_the_long_runs_are_one_command_that_says_how_it_ended(options, status):
    ran = subprocess.run(
        [ROOT / "scripts" / "test-faults", "simulation", *options, "--controls", "0"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == status, ran.stderr
    assert ran.stdout.splitlines()[-1] == ("passed" if status == 0 else "FAILED")
    assert ("FAILED seed" in ran.stdout) is (status == 1)
