"""A chip reader whose coming and going is written down: it says nothing between readings, so each reading shows whether it is there.

- ``chip.no_reader`` is a reader that is lost; whatever else a reading comes to, but for being given up before, is one that is there.
- Told on change only; before the first reading nothing is known, and nothing is said.

Example: ``chips = NotedChips(chips, hear=events.hear, monotonic_ns=clock.monotonic_ns)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge_agent.chip.one_at_a_time import STOPPED
from edge_agent.kiosk.chip_states import NO_MORE_NUMBERS
from edge_agent.kiosk.events import Event
from edge_agent.kiosk.news import ChipFailed
from edge_agent.kiosk.ports import ChipPort
from edge_agent.readers.port import ReaderHealth, Report
from residence.credentials.evidence import Reading

NAME: Final = "chip"
NO_READER: Final = "chip.no_reader"
_SAY_NOTHING: Final = frozenset({STOPPED, NO_MORE_NUMBERS})  # of the reader: it was not asked


class NotedChips:
    """A chip port as any other."""

    def __init__(self, chips: ChipPort, *, hear: Report, monotonic_ns: Callable[[], int]) -> None:
        self._chips = chips
        self._hear = hear
        self._monotonic_ns = monotonic_ns
        self._code: str | None = None

    def begin(self, own_id: str, reading: Reading | None, tell: Callable[[Event], None], *, can: str = "") -> None:
        """Read one chip, and note whether there was a reader for it."""

        def hand_on(event: Event) -> None:
            code = event.code if isinstance(event, ChipFailed) else ""
            if code not in _SAY_NOTHING:
                self._note(code if code == NO_READER else "")
            tell(event)

        self._chips.begin(own_id, reading, hand_on, can=can)

    def stop(self) -> None:
        """Give up what was asked."""
        self._chips.stop()

    def _note(self, code: str) -> None:
        before, self._code = self._code, code
        if code != before:
            at_ns = self._monotonic_ns()
            self._hear(ReaderHealth(reader=NAME, state="lost" if code else "ok", code=code, at_ns=at_ns))
