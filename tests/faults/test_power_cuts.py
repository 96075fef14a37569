"""Real power cuts on a loop mount, a short run of the campaign; root (or sudo) and loop devices are needed, and asked for loudly."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ("--count", "16", "--registry", "6", "--postgres", "3", "--keys", "5")


def test_after_a_power_cut_everything_confirmed_is_there_and_every_control_loses(tmp_path):
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    report, said = tmp_path / "report.json", tmp_path / "said.txt"
    # Into files: a pipe would be waited for as long as anything that was started holds it open.
    with report.open("wb") as out, said.open("wb") as err:
        done = subprocess.run(
            [*as_root, sys.executable, "-m", "tests.faults.power_cuts", "--seed", "20261128", *COUNTS, "--json"],
            stdout=out,
            stderr=err,
            check=False,
            cwd=ROOT,
        )
    assert done.returncode == 0, report.read_text("utf-8") + said.read_text("utf-8")
    result = json.loads(report.read_text("utf-8"))
    assert [subject["faults"] for subject in result["subjects"]] == [16, 6, 3, 5]
    assert all(control["lost"] + control["corrupt"] for control in result["controls"])
