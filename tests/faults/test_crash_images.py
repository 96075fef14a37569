"""Crash images of the outbox, a short run of the campaign; and that the shim below SQLite misses nothing."""

import json
import random
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.faults.power_loss import Disk

ROOT = Path(__file__).resolve().parents[2]
RECORDED = textwrap.dedent(
    """
    import random, sys
    from pathlib import Path
    import tests.faults
    from tests.faults.crash_images import as_built, record
    log, life = record(Path(sys.argv[1]), random.Random(5), weaken=as_built, early=False)
    for what, *rest in log:
        if what in {"write", "sync", "truncate", "delete"}:
            print(what, rest[0], rest[1] if what in {"write", "truncate"} else "")
        elif what == "sync folder":
            print("sync", "folder", "")
    """
)
CALLS = {"pwrite64": "write", "fdatasync": "sync", "fsync": "sync", "ftruncate": "truncate", "unlink": "delete"}


def test_no_image_of_the_outbox_loses_or_tears_anything_and_every_control_does():
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.crash_images", "--seed", "20261128", "--count", "3500", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert sum(result["subjects"][0]["kinds"].values()) >= 3500
    assert all(control["lost"] + control["corrupt"] + control["torn"] for control in result["controls"])


def traced(lines, folder):
    """The same calls as the kernel saw them."""
    for line in lines:
        found = re.search(r"(pwrite64|fdatasync|fsync|ftruncate|unlink)\((?:\d+<|\")([^>\"]*)[>\"](.*)\) = ", line)
        if found is None or not found[2].startswith(str(folder)) or found[2].endswith("-shm"):
            continue
        name = found[2][len(str(folder)) + 1 :] or "folder"
        number = re.search(r", (\d+)$", found[3])
        yield f"{CALLS[found[1]]} {name} {number[1] if number else ''}".strip()


def test_the_shim_sees_every_call_that_the_kernel_sees(tmp_path):
    folder, trace = tmp_path / "kiosk", tmp_path / "trace"
    folder.mkdir()
    asked = "trace=" + ",".join(CALLS)
    command = ["strace", "-f", "-y", "-s", "0", "-o", str(trace), "-e", asked, sys.executable, "-c", RECORDED, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    seen = [line.strip() for line in done.stdout.splitlines()]
    assert len(seen) > 500
    assert seen == list(traced(trace.read_text().splitlines(), folder))


@pytest.mark.parametrize(
    ("events", "kind", "possible"),
    [
        ([("create", "a"), ("write", "a", 0, b"x")], "nothing", [{"a": b""}]),
        ([("create", "a"), ("write", "a", 0, b"x")], "cut", [{"a": b"x"}]),
        ([("create", "a"), ("write", "a", 0, b"x"), ("sync", "a")], "entries", [{}, {"a": b"x"}]),
        ([("create", "a"), ("sync folder",), ("delete", "a")], "entries", [{}, {"a": b""}]),
        (
            [("create", "a"), ("write", "a", 0, b"xy"), ("sync", "a"), ("truncate", "a", 1)],
            "dropped",
            [{"a": b"x"}, {"a": b"xy"}],
        ),
        ([("create", "a"), ("write", "a", 0, b"x"), ("write", "a", 1, b"y")], "reordered", [{"a": b"xy"}, {"a": b"\0y"}]),
        (
            [("create", "a"), ("write", "a", 0, b"x" * 1024)],
            "torn",
            [{"a": b""}, {"a": b"x" * 512}, {"a": bytes(512) + b"x" * 512}, {"a": b"x" * 1024}],
        ),
    ],
)
def test_after_a_power_cut_there_is_what_was_synced_and_any_part_of_the_rest(events, kind, possible):
    disk = Disk()
    for event in events:
        disk.apply(event)
    found = [disk.image(kind, random.Random(seed)) for seed in range(60)]
    assert all(image in possible for image in found)
    assert all(image in found for image in possible)
