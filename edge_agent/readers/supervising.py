"""Keeps one reader going: its daemon thread, its pauses between attempts, and its health, told on change only.

- A session opens the device, reads until it is told to stop, and closes the device; it ends by raising when the device is lost.
- After a session that had worked the next try comes in a quarter second; pauses double up to two seconds while it does not.
- Nothing is raised out of the thread, and no traceback is logged: its frames would hold what was read.
- ``reader.finished`` (a video's end) ends the thread; everything else is tried again until ``stop``.

Example: ``Supervisor("camera", clock=clock).start(session, report)``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from edge_agent.readers.port import HealthState, ReaderHealth, Report, Setting
from residence.clock import Clock
from residence.errors import LuutruError

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 2.0
_STOP_WITHIN: Final = 3.0

log = structlog.get_logger(__name__)


def _tell_nobody(health: ReaderHealth) -> None:
    """Stand in until ``start`` says who wants to know."""


class Supervisor:
    """One reader's thread and health."""

    def __init__(self, name: str, *, clock: Clock) -> None:
        self.stopping: Final = threading.Event()
        self._name = name
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._report: Report = _tell_nobody
        self._health: tuple[HealthState, str, tuple[Setting, ...]] | None = None
        self._worked = False

    def start(self, session: Callable[[], None], report: Report) -> None:
        """Run sessions on a daemon thread until ``stop``."""
        self.stop()
        self.stopping.clear()
        self._report, self._health = report, None
        self._thread = threading.Thread(target=self._run, args=(session,), name=f"reader-{self._name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the session to end and wait shortly for it."""
        self.stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_WITHIN)

    def say(self, state: HealthState, code: str = "", *, settings: tuple[Setting, ...] = ()) -> None:
        """Report health if it changed."""
        self._worked = self._worked or state != "lost"
        if self._health != (state, code, settings):
            self._health = (state, code, settings)
            now_ns = self._clock.monotonic_ns()
            self._report(ReaderHealth(reader=self._name, state=state, code=code, at_ns=now_ns, settings=settings))

    def _run(self, session: Callable[[], None]) -> None:
        pause = FIRST_PAUSE
        while not self.stopping.is_set():
            self._worked = False
            code = self._attempt(session)
            if code == "reader.finished":
                return
            pause = FIRST_PAUSE if self._worked else min(pause * 2, LONGEST_PAUSE)
            self.stopping.wait(pause)

    def _attempt(self, session: Callable[[], None]) -> str:
        try:
            session()
        except LuutruError as error:
            self.say("lost", error.code)
            return error.code
        except Exception as error:  # noqa: BLE001 -- a device's library may raise anything; the thread must live on
            log.error("reader failed", reader=self._name, error=type(error).__name__)  # noqa: TRY400 -- see the rules above
            self.say("lost", "reader.failed")
            return "reader.failed"
        return ""
