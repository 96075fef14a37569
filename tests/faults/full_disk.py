"""A kiosk that starts when its disk has no room left: ext4 below 512 MB has blocks of 1 KB, and SQLite maps pages of 4.

python -m tests.faults.full_disk
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from edge_agent.store import open_store, remember
from faults.chaos_strikes import fill
from faults.crash_images import MEMORY
from faults.loop_disk import LoopDisk, own_mounts

MEGABYTES, FACTS = 12, 300


def life(path, facts):
    """Open, write, and die without closing, so that the next start finds a log."""
    store = open_store(path)
    for number in range(facts):
        with store.transaction(growing=True) as cursor:
            remember(cursor, f"fact {number}", "something" * 300)
    assert len(store.read("SELECT name FROM facts WHERE name LIKE 'fact %'")) == FACTS
    os.kill(os.getpid(), 9)


def main():
    own_mounts()
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, LoopDisk(folder, megabytes=MEGABYTES) as disk:
        command = [sys.executable, "-m", "tests.faults.full_disk", str(disk.mount / "outbox.db")]
        first = subprocess.run([*command, str(FACTS)], check=False).returncode
        full = fill(disk.mount / "filler")
        again = subprocess.run([*command, "0"], check=False).returncode
    print(f"first start {first}, disk full {full}, second start {again}")
    return 0 if (first, full, again) == (-9, True, -9) else 1


if __name__ == "__main__":
    sys.exit(life(Path(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 1 else main())
