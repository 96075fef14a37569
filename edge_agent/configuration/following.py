"""Follows a kiosk's configuration while it runs: asks now and then, tries what is new when nobody is there, keeps it when it has proved itself.

- Nothing changes while somebody stands at the kiosk: a new document waits until the screen is idle, then the process ends and its service
  manager starts it with the new one.
- What is tried is kept when every reader is well and the line is up, for ``steady`` seconds; when that has not come about within ``patience``
  it is taken back, and the process ends once more. A document that does not even read is never tried.
- ``pin`` holds a kiosk at one document: whatever else is published, it tries nothing.
- Other signed papers (words, a door list) are asked for with the settings and followed each in its own way (``Beside``).
- ``health`` is for operators, beside the readers: ``ok``, or ``degraded`` with a code: taken back, ended, rolled back, not to be reached for days.

Example: ``Following(slots, fetch=fetching.fetch, check=check, proved=proved, idle=idle, end=end, clock=clock).start()``
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from edge_agent.configuration.fetching import UNREACHABLE, Fetched
from edge_agent.configuration.slots import Slots
from residence.clock import Clock
from residence.errors import LuutruError

TAKEN_BACK: Final = "configuration.taken_back"
AWAY: Final = timedelta(days=3)  # before it is worth telling somebody
LOOK_SECONDS: Final = 0.5
_log = structlog.get_logger("luutru.kiosk")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often and how long. Seconds."""

    every: float = 900.0
    steady: float = 60.0
    patience: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Kiosk:
    """What following needs of a kiosk."""

    check: Callable[[Mapping[str, bytes]], None]  # raises LuutruError for files this kiosk cannot work by
    proved: Callable[[], bool]
    idle: Callable[[], bool]
    end: Callable[[], None]


class Beside(Protocol):
    """Another paper that comes from the same place."""

    @property
    def name(self) -> str:
        """Return what it is called among the kiosk's readers, where operators see how it goes."""

    def ask(self) -> None:
        """Look at what the authority has now. Called after each time it was asked; no ``LuutruError`` leaves it."""

    def look(self) -> None:
        """Go on with what was begun, if its time has come. Called twice a second."""

    def health(self) -> str:
        """Return ``ok:<name>`` or ``degraded:<code>``."""


class Following:
    """One thread that looks after one kiosk's configuration."""

    def __init__(
        self,
        slots: Slots,
        *,
        fetch: Callable[[datetime], Fetched | None],
        kiosk: Kiosk,
        clock: Clock,
        jitter: Callable[[], float],
        pace: Pace,
        pin: str = "",
        besides: Sequence[Beside] = (),
    ) -> None:
        self._slots, self._fetch, self._kiosk, self._clock, self._jitter = slots, fetch, kiosk, clock, jitter
        self._pace, self._pin, self._besides = pace, pin, tuple(besides)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = TAKEN_BACK if slots.state.refused and not slots.state.trying else ""
        self._started = self._seconds()
        self._well_since: float | None = None
        self._reached = clock.now()
        self._due = self._started + jitter() * min(60.0, pace.every)

    def health(self) -> str:
        """Return ``ok:<name>`` (of the document it works by), or ``degraded:<code>``."""
        if self._trouble:
            return f"degraded:{self._trouble}"
        state = self._slots.state
        return f"ok:{state.trying_name if state.trying and state.tries else state.good_name}".removesuffix(":")

    def healths(self) -> dict[str, str]:
        """Return how each of the other papers is."""
        return {each.name: each.health() for each in self._besides}

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._run, name="configuration", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stopping.wait(min(LOOK_SECONDS, self._pace.every)):
            try:
                if self._slots.state.trying and self._slots.state.tries:
                    self._prove()
                elif self._slots.state.trying:
                    self._begin_when_idle()
                elif self._seconds() >= self._due:
                    self._due = self._seconds() + self._pace.every * (0.5 + self._jitter())
                    self._ask()
                self._beside(lambda each: each.look())
            except OSError as error:  # a full or failing disk: the kiosk goes on with what it has
                _log.warning("configuration not kept", error=str(error))

    def _prove(self) -> None:
        now = self._seconds()
        self._well_since = (now if self._well_since is None else self._well_since) if self._kiosk.proved() else None
        if self._well_since is not None and now - self._well_since >= self._pace.steady:
            self._slots.confirm()
            _log.info("configuration kept", name=self._slots.state.good_name)
        elif now - self._started >= self._pace.patience and self._kiosk.idle():
            _log.warning("configuration taken back", name=self._slots.state.trying_name)
            self._slots.take_back()
            self._trouble = TAKEN_BACK
            self._kiosk.end()

    def _begin_when_idle(self) -> None:
        if self._kiosk.idle():
            _log.info("configuration to be tried", name=self._slots.state.trying_name)
            self._stopping.set()
            self._kiosk.end()

    def _ask(self) -> None:
        now = self._clock.now()
        try:
            found = self._fetch(now)
            self._reached = now
            wanted = found is not None and not self._held_at_another(found.name) and self._slots.wants(found.name)
            if found is not None and wanted:
                self._kiosk.check(found.files)
                self._slots.put(found.name, found.files)
            self._trouble = TAKEN_BACK if found is not None and found.name in self._slots.state.refused else ""
        except LuutruError as error:
            _log.warning(error.code, detail=error.detail)
            if error.code != UNREACHABLE or now - self._reached >= AWAY:
                self._trouble = error.code
        self._beside(lambda each: each.ask())

    def _beside(self, work: Callable[[Beside], None]) -> None:
        for each in self._besides:
            try:
                work(each)
            except Exception:  # noqa: BLE001 - whatever one paper meets, settings and the other papers are followed on
                _log.exception("paper failed", paper=each.name)

    def _held_at_another(self, name: str) -> bool:
        return bool(self._pin) and not name.startswith(self._pin)

    def _seconds(self) -> float:
        return self._clock.monotonic_ns() / 1e9
