"""Whether a scanner is still set as it should be: looked at when it is opened, every so often, and after a setup code was shown.

- A look happens only when the line has been silent for a while; bytes of a code that arrive meanwhile are handed back, and end the look.
- ``scanner.settings_drifted``: a setting differs, or the scanner answers at another rate; the line follows it there, so cards are read.
- Only when the kiosk's profile says so is it set again (``scanner.settings_repaired``); otherwise a person must, with the command.
  Four times an hour at most: whatever keeps undoing it must be looked into, and flash wears out.
- Other rates are tried only at the first look, after a setup code, and for noise once a minute, for that takes seconds of deafness.
- ``scanner.no_answer``: nothing can be said; the line goes back to the rate it had and listening goes on. Asked again after a minute.
- A model that cannot be asked (DE2120) gives no verdict on its settings, only on whether it answers.

Example: ``Care(load_model("gm65"), wish=Wish(baud_rate=115_200), repairs=True, clock=clock).look(line)``
"""

from __future__ import annotations

from typing import Final

import msgspec
import structlog

from edge_agent.scanner_protocols.conversing import Conversation, Line
from edge_agent.scanner_protocols.tending import Wish, configure, probe, survey, talk
from firmware_config.scanner_models import ScannerModel
from residence.clock import Clock
from residence.errors import LuutruError

EVERY_NS: Final = 600_000_000_000
AGAIN_NS: Final = 60_000_000_000
QUIET_NS: Final = 2_000_000_000
HOUR_NS: Final = 3_600_000_000_000
REPAIRS_AN_HOUR: Final = 4

log = structlog.get_logger(__name__)


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What a look found: a code of ``scanners.toml`` or nothing, and bytes of codes that came meanwhile.

    ``sure``: every setting could be asked. ``finished``: false when a code came in between, so nothing is known yet.
    """

    code: str = ""
    stray: bytes = b""
    sure: bool = False
    finished: bool = True


class Care:
    """Looks after one scanner on behalf of its reader; all calls come from the reader's thread."""

    def __init__(
        self, model: ScannerModel, *, wish: Wish, repairs: bool, clock: Clock, every_ns: int = EVERY_NS, quiet_ns: int = QUIET_NS
    ) -> None:
        self._model = model
        self._wish = wish
        self._settings = model.chosen(wish.settings)
        model.baud_code(wish.baud_rate)  # a rate the model has not is refused before anything is opened
        self._repairs = repairs
        self._clock = clock
        self._every_ns = every_ns
        self._quiet_ns = quiet_ns
        self._next_ns = 0
        self._quiet_since = 0
        self._searches = True
        self._searched_ns = 0
        self._repaired_ns: list[int] = []

    def heard(self, now_ns: int) -> None:
        """Take note that bytes came."""
        self._quiet_since = now_ns

    def look_soon(self) -> None:
        """Ask for a look at everything as soon as the line is silent."""
        self._next_ns, self._searches = 0, True

    def noise(self, now_ns: int) -> None:
        """Take note of noise: perhaps the scanner has another rate now, perhaps it is a motor near the cable."""
        if now_ns - self._searched_ns >= AGAIN_NS:
            self.look_soon()

    def is_due(self, now_ns: int) -> bool:
        """Tell whether it is time for a look and nobody is scanning."""
        return now_ns >= self._next_ns and now_ns - self._quiet_since >= self._quiet_ns

    def look(self, line: Line) -> Looked:
        """Look at rate and settings; set them again when the profile allows it."""
        conversation, rate_before = talk(line, self._model, clock=self._clock, yields=True), line.baud_rate
        try:
            looked = self._judge(conversation)
        except LuutruError as error:
            if error.code == "reader.device_lost":
                raise
            line.set_baud(rate_before)
            if conversation.was_interrupted:
                return self._interrupted(conversation)
            looked = Looked(code=error.code)
        wait = AGAIN_NS if self._searches and looked.code == "scanner.no_answer" else self._every_ns
        if self._searches:
            self._searches, self._searched_ns = False, self._clock.monotonic_ns()
        self._next_ns = self._clock.monotonic_ns() + min(wait, self._every_ns)
        return looked

    def _judge(self, conversation: Conversation) -> Looked:
        line = conversation.line
        rates = (self._wish.baud_rate, *self._model.probe_rates) if self._searches else ()
        rate = probe(conversation, (line.baud_rate, *rates))
        held = survey(conversation, self._settings)
        wrong = [each for each in held if each.state in {"differs", "implausible"}]
        sure = bool(held) and all(each.state != "unreadable" for each in held)
        stray = conversation.take_stray()
        if not wrong and rate == self._wish.baud_rate:
            return Looked(stray=stray, sure=sure)
        log.warning("scanner settings differ", model=self._model.name, baud_rate=rate, settings=[each.name for each in wrong])
        if stray or not self._may_repair():
            return Looked(code="scanner.settings_drifted", stray=stray, sure=sure)
        configure(line, self._model, clock=self._clock, wish=self._wish)
        return Looked(code="scanner.settings_repaired", sure=sure)

    def _may_repair(self) -> bool:
        """Tell whether the scanner may be set again now, and count it."""
        now_ns = self._clock.monotonic_ns()
        self._repaired_ns = [at for at in self._repaired_ns if now_ns - at < HOUR_NS]
        if not self._repairs or len(self._repaired_ns) >= REPAIRS_AN_HOUR:
            return False
        self._repaired_ns.append(now_ns)
        return True

    def _interrupted(self, conversation: Conversation) -> Looked:
        """Give back what came, and try again when the line is silent."""
        now_ns = self._clock.monotonic_ns()
        self._next_ns, self._quiet_since = 0, now_ns
        return Looked(stray=conversation.take_stray(), finished=False)
