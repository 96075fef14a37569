"""A program with everything loaded that forks the real processes: fifty of them are killed in the time ten would need to start.

- Started with the name of what it forks: ``gateway`` (the real one, killed between commit and acknowledgement) or ``kiosk`` (no screen).
- Each line on stdin is a command line, as JSON. It forks, says the child's process id, and when the child ended how (minus a signal).
- A child opens everything itself: nothing is open before the fork, only code is loaded. What it writes goes where stderr goes.

Example: ``python nursery.py kiosk``, then ``["kiosk.toml", "ledger", "--count", "5"]``
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
PROGRAMS = {"gateway": "acceptance.crashing_gateway", "kiosk": "acceptance.driver_kiosk"}
LOADED = {"gateway": ("luutru.commands.gateway", "luutru.processes.gateway", "gateway.clock_claims", "luutru.logs")}


def run_child(program: Callable[[], int | None], command: list[str]) -> None:
    """Be the program."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(2, 1)
    sys.argv[1:] = command
    os._exit(program() or 0)


def main() -> None:
    name = sys.argv[1]
    program = importlib.import_module(PROGRAMS[name]).main
    for module in LOADED.get(name, ()):
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run_child(program, json.loads(line))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(3)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
