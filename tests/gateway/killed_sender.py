"""Runs the real sending pass in forked children, each killed at a given point: SIGKILL before or after a call that leaves the process.

Started as a program with a registry, a vault and a file of authorities. Each line on stdin is a point (0: do not kill); for each it forks, lets the child
tell what is due, and prints whether it was killed and how many points it passed. Nothing of the product knows of it: points are counted by a profiler.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import structlog

from luutru.processes.authority import AuthorityProcess, send_due

LEAVING = {"execute", "executemany", "commit", "rollback", "send", "sendall", "recv", "recv_into", "connect"}


def count_points(kill_at, passed):
    """Count the calls into the database and the network, as they begin and as they end, and die at one of them."""

    def notice(_frame, event, function):
        if event in {"c_call", "c_return"} and getattr(function, "__name__", "") in LEAVING:
            passed[0] += 1
            if passed[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(notice)


def run_child(process, kill_at, pipe):
    passed = [0]
    count_points(kill_at, passed)
    send_due(process, most=100, stopping=threading.Event())
    sys.setprofile(None)
    os.write(pipe, str(passed[0]).encode())
    os._exit(0)


def main():
    registry, vault, settings = sys.argv[1:]
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[structlog.processors.KeyValueRenderer()])
    process = AuthorityProcess(registry=registry, vault=Path(vault), settings=Path(settings))
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                run_child(process, int(line), writing)
            finally:
                os._exit(3)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        points = os.read(reading, 16).decode() or "-"
        os.close(reading)
        print(os.waitstatus_to_exitcode(status), points, flush=True)


if __name__ == "__main__":
    main()
