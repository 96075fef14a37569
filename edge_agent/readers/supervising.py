"""Keeps one reader going: its daemon thread, its pauses between attempts, and its health, told on change only.

- A session opens the device, reads until it is told to stop, and closes the device; it ends by raising when the device is lost.
- After a session that had worked the next try comes in a quarter second; pauses double up to two seconds while it does not.
- Nothing is raised out of the thread, and no traceback is logged: its frames would hold what was read.
- ``reader.finished`` (a video's end) ends the thread; everything else is tried again until ``stop``.
- Whoever asks whether to stop is alive: the last time it was asked is the thread's beat (``liveness.py``). A device that is lost is no silence.

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


class _Stopping(threading.Event):
    """The wish that a thread ends; it notes when it was last asked for."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        super().__init__()
        self._monotonic_ns = monotonic_ns
        self.asked_ns = 0

    def is_set(self) -> bool:
        self.asked_ns = self._monotonic_ns()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.asked_ns = self._monotonic_ns()
        return super().wait(timeout)


class Supervisor:
    """One reader's thread and health."""

    def __init__(self, name: str, *, clock: Clock) -> None:
        self.stopping: Final = _Stopping(clock.monotonic_ns)
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
        self.stopping.asked_ns = self._clock.monotonic_ns()
        self._report, self._health = report, None
        self._thread = threading.Thread(target=self._run, args=(session,), name=f"reader-{self._name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the session to end and wait shortly for it."""
        self.stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_WITHIN)

    @property
    def beat_ns(self) -> int | None:
        """Return when the thread last looked whether to stop; None when it does not run, or has nothing left to read."""
        running = self._thread is not None and self._thread.is_alive() and not threading.Event.is_set(self.stopping)
        return self.stopping.asked_ns if running else None

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
