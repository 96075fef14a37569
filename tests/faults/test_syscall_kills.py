"""Kills and disk errors at exact system calls of kiosk and gateway, a short run of the campaign."""

import json
import subprocess
import sys
from pathlib import Path

from tests.faults.traced_child import Call, answered_unsynced

ROOT = Path(__file__).resolve().parents[2]


def test_killed_or_refused_at_any_call_nothing_confirmed_is_lost_or_doubled():
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.syscall_kills", "--seed", "20261128", "--count", "96", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert sum(subject["faults"] for subject in result["subjects"]) > 80
    assert all(control["lost"] + control["doubled"] + control["torn"] + control["silent"] for control in result["controls"])


def call(name, path="kiosk.db-wal", text="", *, failed=False):
    return Call(name=name, path=path, failed=failed, injected=False, text=text)


def test_an_answer_after_a_write_without_a_sync_is_found_in_a_trace():
    kept = call("sendto", "socket", '3<socket:[1]>, "kept 7\\n", 7')
    for calls, unsynced in (
        ([call("pwrite64"), call("fdatasync"), kept], []),
        ([call("pwrite64"), kept], ["kept 7"]),
        ([call("pwrite64"), call("fdatasync", failed=True), kept], ["kept 7"]),
        ([call("pwrite64"), call("fdatasync", "another"), kept], ["kept 7"]),
        ([call("pwrite64", failed=True), kept], []),
    ):
        assert answered_unsynced(calls, log="-wal", answers={"kept"}) == unsynced
