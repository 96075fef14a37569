"""Goes round with the real bridge in forked children, each killed at a given point: SIGKILL before or after a call that leaves the process.

Started as a program with the bridge's settings. Each line on stdin is a point (0: do not kill); for each it forks, lets the child go round once, and prints
how it ended and how many points it passed. Nothing of the product knows of it: points are counted by a profiler.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from luutru.processes.pms import once

LEAVING = {"connect", "send", "sendall", "recv_into", "open", "write", "flush", "fsync", "rename", "replace", "flock"}


def count_points(kill_at, passed):
    """Count the calls into the network and the disk, as they begin and as they end, and die at one of them."""

    def notice(_frame, event, function):
        if event in {"c_call", "c_return"} and getattr(function, "__name__", "") in LEAVING:
            passed[0] += 1
            if passed[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(notice)


def run_child(settings, kill_at, pipe):
    passed = [0]
    count_points(kill_at, passed)
    (done,) = once(settings, only=None).values()
    sys.setprofile(None)
    os.write(pipe, str(passed[0]).encode())
    os._exit(1 if done.get("code") else 0)


def main():
    settings = Path(sys.argv[1])
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                run_child(settings, int(line), writing)
            finally:
                os._exit(3)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        points = os.read(reading, 16).decode() or "-"
        os.close(reading)
        print(os.waitstatus_to_exitcode(status), points, flush=True)


if __name__ == "__main__":
    main()
