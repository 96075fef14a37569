"""Telling systemd how a process is: ready, alive, ending. Without systemd nothing is told and nothing runs.

- The socket and the watchdog's time come from systemd's variables; a message is one datagram.
- Fed is only by whoever has just looked that the process works: a thread that fed by itself would keep a corpse warm.

Example: ``ServiceManager.of_this_process().ready()``
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final, Self

import structlog

from luutru import system

LOOKS_PER_TIME: Final = 3  # two looks may fail to be in time
LEAST_PAUSE: Final = 1.0
_log = structlog.get_logger("luutru.notifying")


class ServiceManager:
    """The service manager that started this process, if there is one."""

    def __init__(self, address: str, *, watchdog_seconds: float = 0.0) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_seconds: Final = watchdog_seconds

    @classmethod
    def of_this_process(cls) -> Self:
        """Return whom systemd's variables name."""
        microseconds = system.setting("WATCHDOG_USEC", "0")
        return cls(system.setting("NOTIFY_SOCKET"), watchdog_seconds=int(microseconds) / 1e6 if microseconds.isdigit() else 0.0)

    @property
    def is_there(self) -> bool:
        """Tell whether anybody listens."""
        return bool(self._address)

    def tell(self, *lines: str) -> None:
        """Send one message; that nobody takes it ends nothing."""
        if not self.is_there:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            try:
                line.sendto("\n".join(lines).encode(), self._address)
            except OSError as error:
                _log.warning("service manager not reached", error=type(error).__name__)


class Watchdog:
    """Looks at intervals whether a process works, and feeds the watchdog then and only then."""

    def __init__(self, manager: ServiceManager, stuck: Callable[[], Sequence[str]]) -> None:
        self._manager = manager
        self._stuck = stuck
        self._stopping = threading.Event()
        self._ready = False

    def look(self) -> None:
        """Look once: ready at the first time all is well, fed each time."""
        stuck = list(self._stuck())
        if stuck:
            _log.warning("not working", parts=stuck)
            self._manager.tell(f"STATUS=stuck: {', '.join(stuck)}")
            return
        first = [] if self._ready else ["READY=1"]
        self._ready = True
        self._manager.tell(*first, "WATCHDOG=1", "STATUS=working")

    def start(self) -> None:
        """Look on a thread of its own, until ``stop``; no thread without a service manager."""
        if self._manager.is_there:
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Say that the process ends, which takes as long as it takes."""
        self._stopping.set()
        self._manager.tell("STOPPING=1")

    def _run(self) -> None:
        pause = LEAST_PAUSE
        while not self._stopping.wait(pause):
            self.look()
            if self._ready:
                pause = max(LEAST_PAUSE, self._manager.watchdog_seconds / LOOKS_PER_TIME)
