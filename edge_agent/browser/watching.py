"""The browser is kept up: started, and started again when it has died or hangs.

- The page gives a sign of life every few seconds (``/alive``). While the agent answers and the page has been silent for ``SILENT_SECONDS``, the
  browser hangs, shows an error page, or has crashed inside: it is killed with all its processes and started anew.
- A new browser may take longer until its first page: as long as ``SILENT_SECONDS`` the first time, twice as long each time it was killed without having shown one, up to
  ``LONGEST_PATIENCE``; and once a page lived, twice what that one took. So a slow machine gets there, and a quick one is judged soon.
- While the agent does not answer nobody is judged: the page says "restarting", and a browser begun now shows the local waiting page.
- One whose page lived is started again at once, one that never showed it after a pause that doubles up to ``LONGEST_PAUSE``: well within twenty seconds.
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
LONGEST_PATIENCE: Final = 96.0
TRIES: Final = 4  # as many as it takes to come to the longest patience and through it
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 8.0
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
        self._patience = SILENT_SECONDS  # with a browser that has not shown its page yet
        self._in_vain = 0  # browsers since the last that showed it
        self._lived = self._away = False

    @property
    def in_good_hope(self) -> bool:
        """Tell whether the page lives or may still come: False after ``TRIES`` browsers that never showed it to an agent that answered."""
        return self._away or self._in_vain < TRIES

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
        self._judge(self._page_silence(), now)

    def _judge(self, silence: float | None, now: float) -> None:
        self._away = silence is None
        if silence is None:
            self._judged_from = now
            return
        watched = now - self._judged_from
        if not self._lived and silence < now - self._began:
            self._lived, self._in_vain = True, 0
            self._patience = min(max(SILENT_SECONDS, 2 * watched), LONGEST_PATIENCE)
        if min(silence, watched) >= (SILENT_SECONDS if self._lived else self._patience):
            _log.warning("browser hangs", seconds=round(watched), had_shown_the_page=self._lived)
            if not self._lived:
                self._patience = min(2 * self._patience, LONGEST_PATIENCE)
            self.stop()
            self._gone(now)

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
        self._lived = False
        _log.info("browser started")

    def _gone(self, now: float) -> None:
        if self._browser is not None:
            self.stop()  # what it left behind
        if self._lived:
            self._pause = FIRST_PAUSE
        self._in_vain += not self._lived
        self._start_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
