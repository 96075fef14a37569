"""Which camera frames are searched for a machine-readable zone, and when what was read is passed on.

- A frame is searched only when something moved, no code was read in it, ``every_ns`` have passed since the last search, and at least
  ``_REST`` times as long as that search took: codes keep three quarters of a slow machine's time.
- A search goes on no longer than ``_LONGEST_NS`` and the look it is at: a code held up meanwhile must not wait for a hopeless picture.
- Only an accepted zone is passed on: check digits right, every sign sure, dates possible. A doubtful one is forgotten; the next frame comes.
- The payload is the lines with line ends between; the reader's name says that signs were corrected (``ocr-b-corrected``).
- Nothing is kept but two times.

Example: ``ZoneWatch(clock=clock).look(frame.grey, now_ns=frame.taken_ns)``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from edge_agent.mrz_reading.bands import Grey
from edge_agent.mrz_reading.reading import READER, outcome_of, read_zone
from residence.clock import VIETNAM, Clock
from residence.credentials.mrz import NO_EXPIRY_VALUES

EVERY_NS: Final = 700_000_000
_REST: Final = 3
_LONGEST_NS: Final = 500_000_000
SYMBOLOGY: Final = "OCR-B"


class ZoneRead(NamedTuple):
    """An accepted zone: its lines as bytes, and how it was read."""

    payload: bytes
    reader: str


class ZoneWatch:
    """Searches a camera's frames for zones, now and then."""

    def __init__(self, *, clock: Clock, every_ns: int = EVERY_NS, no_expiry: Sequence[str] = NO_EXPIRY_VALUES) -> None:
        self._clock = clock
        self._every_ns = every_ns
        self._no_expiry = tuple(no_expiry)
        self._next_ns: int | None = None

    def look(self, grey: Grey) -> ZoneRead | None:
        """Search one frame (uint8, height by width) if its turn has come; return the zone when it is accepted."""
        began = self._clock.monotonic_ns()
        if self._next_ns is not None and began < self._next_ns:
            return None
        seen = read_zone(grey, time_left=lambda: self._clock.monotonic_ns() - began < _LONGEST_NS)
        ended = self._clock.monotonic_ns()
        self._next_ns = max(began + self._every_ns, ended + _REST * (ended - began))
        if seen is None:
            return None
        today = self._clock.now().astimezone(VIETNAM).date()
        if not outcome_of(seen, reader=READER, today=today, no_expiry=self._no_expiry).ok:
            return None
        return ZoneRead("\n".join(seen.lines).encode("ascii"), f"{READER}-corrected" if seen.exchanges else READER)
