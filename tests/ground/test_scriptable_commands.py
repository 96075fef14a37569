"""What programs may rely on: ``doctor`` and ``bench`` as docs/commands.md and the public contract have them.

The other scriptable commands have their contract tests beside their own area.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# the keys other programs read; more may be printed, none may be missing
CHECKIN = {
    "figures": {"kept_p50_ms", "kept_p95_ms", "receipted_per_second_sqlite", "receipted_per_second_postgresql"},
    "ratios": {"kept_to_decode", "gateway_to_insert"},
}
DUPLICATES = {
    "figures": {"precision", "recall", "seconds", "rss_mib"},
    "ratios": {"recall_to_exact_match", "recall_to_jaro_winkler"},
}
REGISTRY = {
    "figures": {"persons", "import_seconds"},
    "baselines": {"bare_copy_seconds"},
    "ratios": {"import_to_bare_copy"},
}
SCANNER = {
    "figures": {"stills_read", "clips_read_1s", "clips_read_2s", "wrong_texts", "codefree_read", "median_ms_720p"},
    "ratios": {"mean_time_to_pyzbar"},
}
UNDECLARED = {"figures": {"precision", "recall", "cases_from_own_outage"}, "ratios": set()}


def luutru(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "luutru", *arguments], capture_output=True, text=True, timeout=280)


def test_doctor_says_of_each_check_whether_it_is_fine_what_it_means_and_how_to_mend_it():
    answer = luutru("doctor", "--json")
    report = json.loads(answer.stdout)
    assert set(report) == {"ok", "checks"}
    assert answer.returncode == (0 if report["ok"] else 1)
    for check in report["checks"]:
        assert {"name", "ok", "meaning", "mend"} <= set(check)
        assert check["meaning"]
        assert check["mend"]
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]


def test_doctor_looks_only_at_what_one_process_needs_and_refuses_an_unknown_one():
    kiosk = json.loads(luutru("doctor", "--for", "kiosk", "--json").stdout)["checks"]
    assert all("kiosk" in check["needed_by"] for check in kiosk)
    assert luutru("doctor", "--for", "zebra").returncode == 2


def test_bench_lists_its_benchmarks_and_refuses_an_unknown_one():
    listed = luutru("bench", "--list")
    assert listed.returncode == 0
    assert {line.split()[0] for line in listed.stdout.splitlines()} >= {"checkin", "duplicates", "scanner"}
    assert luutru("bench", "zebra").returncode == 2


CLEANING = {"figures": {"persons", "items", "cpu_seconds"}}


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("checkin", CHECKIN),
        ("cleaning", CLEANING),
        ("duplicates", DUPLICATES),
        ("registry", REGISTRY),
        ("scanner", SCANNER),
        ("undeclared", UNDECLARED),
    ],
)
def test_a_quick_benchmark_prints_one_object_with_the_figures_others_read(name, keys):
    answer = luutru("bench", name, "--quick", "--json")
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert set(report) == {"name", "figures", "baselines", "ratios", "machine", "settings"}
    assert report["name"] == name
    assert report["settings"]["quick"] is True
    for part, wanted in keys.items():
        assert wanted <= set(report[part]), part
    assert all(isinstance(report["figures"][name], int | float) for name in keys["figures"])
