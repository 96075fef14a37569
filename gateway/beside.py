"""A thread beside the intake for work that takes its time: a night's work, a mail server that does not answer.

- One thread, one duty after the other; a duty that fails is logged and waits for its next turn, like the worker's own (``gateway/worker.py``).
- It shares nothing with the intake but the registry, in transactions of its own.
- Asked to stop it ends after the step in hand. A duty that does not come back within ``PATIENCE`` is left behind: its transaction rolls back.

Example: ``with Beside([Duty("night", timedelta(minutes=1), work)], clock=clock).running(): worker.run(stopping)``
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import structlog

from gateway.worker import Duty
from residence.clock import Clock

LOOK_EVERY: Final = 1.0  # seconds
PATIENCE: Final = 20.0
log = structlog.get_logger("luutru.gateway")


class Beside:
    """The thread and its duties. ``stopping`` may be asked by a duty."""

    def __init__(self, duties: Sequence[Duty], *, clock: Clock, stopping: threading.Event) -> None:
        self._duties = duties
        self._clock = clock
        self._stopping = stopping

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the thread run while the block does."""
        thread = threading.Thread(target=self._run, name="beside", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join(PATIENCE)
            if thread.is_alive():
                log.warning("work beside the intake was left behind")

    def turn(self) -> None:
        """Perform the duties that are due, unless asked to stop."""
        for duty in self._duties:
            if self._stopping.is_set():
                return
            duty.perform(self._clock.now())

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY):
            self.turn()
