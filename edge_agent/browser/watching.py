"""The browser is kept up: started, and started again when it has died or hangs.

- The page gives a sign of life every few seconds (``/alive``). While the agent answers and the page has been silent for ``SILENT_SECONDS``, the
  browser hangs, shows an error page, or has crashed inside: it is killed with all its processes and started anew.
- While the agent does not answer nobody is judged: the page says "restarting", and a browser begun now shows the local waiting page.
- One that dies at once is started again after a pause that doubles up to ``LONGEST_PAUSE``: well within twenty seconds.
- It decides by the clock it is given; ``turn`` is one look, made about once a second.

Example: ``watch = BrowserWatch(start=start, page_silence=ask, monotonic_ns=clock.monotonic_ns); watch.turn()``
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Final

import structlog

SILENT_SECONDS: Final = 12.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 8.0
SETTLED_SECONDS: Final = 30.0
_log = structlog.get_logger("kiosk.browser")


class BrowserWatch:
    """One browser. ``page_silence``: seconds since the page's last sign of life, infinity for never; None while the agent is away."""

    def __init__(
        self,
        *,
        start: Callable[[], subprocess.Popen[bytes]],
        page_silence: Callable[[], float | None],
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._start = start
        self._page_silence = page_silence
        self._monotonic_ns = monotonic_ns
        self._browser: subprocess.Popen[bytes] | None = None
        self._began = self._judged_from = self._start_at = 0.0
        self._pause = FIRST_PAUSE

    @property
    def pid(self) -> int | None:
        """Return the browser's process; None while there is none."""
        return self._browser.pid if self._browser is not None else None

    def turn(self) -> None:
        """Look once, and do what is to be done."""
        now = self._monotonic_ns() / 1e9
        if self._browser is not None and self._browser.poll() is not None:
            _log.warning("browser ended", status=self._browser.returncode)
            self._gone(now)
        if self._browser is None:
            if now >= self._start_at:
                self._begin(now)
            return
        silence = self._page_silence()
        if silence is None:
            self._judged_from = now
        elif min(silence, now - self._judged_from) >= SILENT_SECONDS:
            _log.warning("browser hangs", silent_seconds=round(now - self._judged_from))
            self.stop()
            self._gone(now)
        elif now - self._began >= SETTLED_SECONDS:
            self._pause = FIRST_PAUSE

    def stop(self) -> None:
        """End the browser with everything it started. Harmless when there is none."""
        browser, self._browser = self._browser, None
        if browser is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGKILL)  # a hung browser hears nothing else
        browser.wait()

    def _begin(self, now: float) -> None:
        self._browser = self._start()
        self._began = self._judged_from = now
        _log.info("browser started")

    def _gone(self, now: float) -> None:
        if self._browser is not None:
            self.stop()  # what it left behind
        self._start_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
