"""The real gateway as a child process, measured from outside: CPU time, memory, what its log says it did.

- CPU time is that of the process and all its children, from the line "gateway starts" (imports are over, nothing is connected) on.
- Memory is the resident set of the process and its children together; pages they share are counted for each.
- Affinity is set right after the start, so every thread and child of the gateway inherits it.

Example: ``with running(command, cores={1}) as worker: ...; worker.cpu_seconds()``
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

BEGUN: Final = "gateway starts"
WORKED: Final = "worked"
STOP_SECONDS: Final = 40.0
_TICK: Final = os.sysconf("SC_CLK_TCK")
_NOT_COUNTS: Final = frozenset({"event", "level", "timestamp", "connection"})


class GatewayProcess:
    """One ``luutru gateway run``."""

    def __init__(self, arguments: Sequence[str], *, cores: set[int] | None) -> None:
        self.counts: Counter[str] = Counter()
        self.begun_at = 0.0
        self._begun_cpu = 0.0
        self._begun = threading.Event()
        self._last_lines: deque[str] = deque(maxlen=20)
        command = [sys.executable, "-m", "luutru", "gateway", "run", *arguments]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.pid = self._process.pid
        pin(self.pid, cores)
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def cpu_seconds(self) -> float:
        """Return the CPU time since it began."""
        return cpu_seconds(self.pid) - self._begun_cpu

    def wait_begun(self, seconds: float = 60.0) -> None:
        """Wait until it has started."""
        end = time.monotonic() + seconds
        while not self._begun.wait(0.05):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the gateway did not start:\n" + "\n".join(self._last_lines))

    def rss_mib(self) -> float:
        """Return the resident memory now."""
        return sum(resident(pid) for pid in family(self.pid)) / 2**20

    def last_words(self) -> str:
        """Return the end of its log."""
        return "\n".join(self._last_lines)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._end()

    def stop(self) -> None:
        """End it politely; its last report is then in ``counts``. Harmless when it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._end()

    def _end(self) -> None:
        self._process.wait()
        self._listening.join(STOP_SECONDS)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _listen(self) -> None:
        for line in self._process.stderr or ():
            self._last_lines.append(line.rstrip())
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if said.get("event") == BEGUN:
                self.begun_at, self._begun_cpu = time.perf_counter(), cpu_seconds(self.pid)
                self._begun.set()
            elif said.get("event") == WORKED:
                self.counts.update({key: value for key, value in said.items() if key not in _NOT_COUNTS and type(value) is int})


@contextmanager
def running(arguments: Sequence[str], *, cores: set[int] | None = None) -> Iterator[GatewayProcess]:
    """Start one and stop it at the end of the block."""
    process = GatewayProcess(arguments, cores=cores)
    try:
        yield process
    finally:
        process.stop()


def pin(pid: int, cores: set[int] | None) -> None:
    """Keep a process that has just been started on some cores; None leaves it alone."""
    if cores:
        os.sched_setaffinity(pid, cores)


def two_cores() -> tuple[set[int], set[int]] | tuple[None, None]:
    """Return a core for broker, database and kiosks, and one for the process under test; none where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[0]}, {cores[1]}) if len(cores) > 1 else (None, None)


@contextmanager
def on_cores(cores: set[int] | None) -> Iterator[None]:
    """Run the block on some cores; None leaves this process alone."""
    before = os.sched_getaffinity(0)
    if cores:
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def family(pid: int) -> list[int]:
    """Return a process and all its descendants that live."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text("ascii").split()
        except OSError:
            continue
        for child in children:
            found += family(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process, its living descendants and the children it waited for."""
    return sum(map(_ticks, family(pid))) / _TICK


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime


def resident(pid: int) -> int:
    """Return one process's resident memory in bytes."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
