"""Follows the words of the screens while a kiosk runs: takes new ones between two visits, without a new start, and goes back when they do not work.

- What may not stand on a screen is refused before it is tried (``Screens.check``): the words before go on.
- New words wait on the disk until the screen is idle. Then they are in force at once, and every screen's texts are filled in (``Screens.draw``):
  if that fails, now or within ``steady`` seconds, the words before are in force again and these are never tried a second time.
- Being tried, they have as many starts as settings (``slots.py``): words that crash the process are given up.
- A text that is missing is said in the words of the image, and operators are told (``words.missing``).
- ``pin`` and the kiosk's place in a rollout hold as for settings.

Example: ``FollowingWords(slots, fetch=lambda: fetching.also(path), screens=screens, idle=idle, clock=clock, steady=60.0, place=17)``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from edge_agent.configuration.fetching import UNREACHABLE
from edge_agent.configuration.slots import Slots
from firmware_config.signed.paths import WORDS
from firmware_config.signed.words import Words, WordsDocument, read_words
from residence.clock import Clock
from residence.errors import LuutruError

TAKEN_BACK: Final = "words.taken_back"
MISSING: Final = "words.missing"
_log = structlog.get_logger("luutru.kiosk")


@dataclass(frozen=True, kw_only=True, slots=True)
class Screens:
    """What following needs of the screens. ``check`` raises ``LuutruError`` for words they cannot show."""

    check: Callable[[Words], int]  # returns how many texts of these languages are missing
    use: Callable[[Words], None]  # at once; no words: those of the image
    draw: Callable[[], None]  # raises whatever goes wrong


class FollowingWords:
    """One kiosk's words. ``start`` once, before anything is shown; ``ask`` and ``look`` from the thread that follows settings."""

    name: Final = "words"

    def __init__(
        self,
        slots: Slots,
        *,
        fetch: Callable[[], bytes | None],
        screens: Screens,
        idle: Callable[[], bool],
        clock: Clock,
        steady: float,
        place: int,
        pin: str = "",
    ) -> None:
        self._slots, self._fetch, self._screens, self._idle = slots, fetch, screens, idle
        self._clock, self._steady, self._place, self._pin = clock, steady, place, pin
        self._trouble = ""
        self._missing = 0
        self._since: float | None = None  # since when what is tried is in force in this process

    def start(self) -> None:
        """Put the words in force that lie here; those that cannot be used any more are given up, and the image's are said."""
        if self._slots.state.trying and not self._slots.state.tries:
            self._use_good()  # what is new waits for its first idle screen, as before the restart
            return
        while (folder := self._slots.at_start()) is not None and not self._used(folder):
            if not self._give_up():
                break
        self._since = self._seconds() if self._slots.state.trying else None
        self._trouble = TAKEN_BACK if self._slots.state.refused and not self._slots.state.trying else ""

    def health(self) -> str:
        """Return ``ok:<name>`` of the words in force, or ``degraded:<code>``."""
        if self._trouble or self._missing:
            return f"degraded:{self._trouble or MISSING}"
        state = self._slots.state
        return f"ok:{state.trying_name if self._since is not None else state.good_name}".removesuffix(":")

    def ask(self) -> None:
        """Keep what is new for the next idle screen."""
        if self._slots.state.trying:
            return
        try:
            data = self._fetch()
            document = read_words(data) if data is not None else None
            if document is not None and not self._held(document) and self._slots.wants(document.name):
                self._screens.check(document.words)
                self._slots.put(document.name, {WORDS: data or b""})
            self._trouble = TAKEN_BACK if document is not None and document.name in self._slots.state.refused else ""
        except LuutruError as error:
            _log.warning(error.code, detail=error.detail)
            if error.code != UNREACHABLE:  # said for days with the settings
                self._trouble = error.code

    def look(self) -> None:
        """Begin with what waits when nobody stands there; keep it when it has proved itself, go back when it has not."""
        state = self._slots.state
        if not state.trying:
            return
        if self._since is None and self._idle():
            folder = self._slots.at_start()
            if folder is None or folder.name != self._slots.state.trying:
                return  # a disk that cannot count a try makes none
            _log.info("words to be tried", name=state.trying_name)
            self._since = self._seconds()
            self._proved(lambda: self._use((folder / WORDS).read_bytes()))
        elif self._since is not None and self._proved() and self._seconds() - self._since >= self._steady:
            self._slots.confirm()
            self._since = None
            _log.info("words kept", name=self._slots.state.good_name)

    def _proved(self, before: Callable[[], None] = lambda: None) -> bool:
        try:
            before()
            self._screens.draw()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with new words, those before are said again at once
            _log.warning("words taken back", name=self._slots.state.trying_name, error=str(error))
            self._since, self._trouble = None, TAKEN_BACK
            self._slots.take_back()
            self._use_good()
            return False
        return True

    def _use_good(self) -> None:
        good = self._slots.state.good
        if not good or not self._used(self._slots.folder / good):
            self._missing = 0
            self._screens.use({})

    def _used(self, folder: Path) -> bool:
        try:
            self._use((folder / WORDS).read_bytes())
        except (LuutruError, OSError) as error:
            _log.warning("words not usable", error=str(error))
            return False
        return True

    def _use(self, data: bytes) -> None:
        words = read_words(data).words
        self._missing = self._screens.check(words)
        self._screens.use(words)

    def _give_up(self) -> bool:
        try:
            self._slots.take_back() if self._slots.state.trying else self._slots.forget()
        except OSError:
            return False
        return True

    def _held(self, document: WordsDocument) -> bool:
        return self._place >= document.share or (bool(self._pin) and not document.name.startswith(self._pin))

    def _seconds(self) -> float:
        return self._clock.monotonic_ns() / 1e9
