"""Whether the authority has refused this kiosk's clock: it called it confirmed, and what it said could not be true (ADR 25).

- So it has when its answer to something of ours is signed well before our confirmed clock says that thing was: the answer came later
  (``clock_floor.py``). A clock that is ahead by less than what is refused would else turn passes away at a door.
- From then on the clock is not called ``synced``, whatever the operating system says: what is declared next is taken and judged by the
  authority's clock. Nobody at the screen is turned away.
- The newest confirmed time was a wrong one, too; how it goes down is ``clock_floor.py``'s.
- The doubt ends when an answer is as old as this clock says it is: both agree again.
- It is kept with the outbox, so that a restart does not have the next statements held again.

Example: ``doubt.hear(parse_instant(receipt.accepted_at), wall=clock.now(), refused=is_refused(receipt)); doubt.stands``
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Final

import structlog

from edge_agent.store import Store, remember
from residence.clock import rfc3339
from residence.errors import Refused
from residence.wire.messages import Receipt
from residence.wire.times import CLOCK_IMPOSSIBLE

AGREES: Final = timedelta(minutes=10)
_log = structlog.get_logger(__name__)


class ClockDoubt:
    """What the authority last let us know of our clock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stands = bool(store.fact("clock_refused_at"))

    @property
    def stands(self) -> bool:
        """Tell whether our clock is not to be called confirmed."""
        return self._stands

    def hear(self, at: datetime, *, wall: datetime, refused: bool, contradicted: bool = False) -> None:
        """Take when the authority signed an answer into account; a disk that is full only forgets the doubt at the next start."""
        agrees = not refused and abs(wall - at) <= AGREES
        refused = refused or (contradicted and not agrees)  # what was contradicted may have been put right since
        if refused == self._stands or not (refused or agrees):
            return
        self._stands = refused
        _log.warning("clock refused" if refused else "clock agrees again", accepted_at=rfc3339(at))
        with contextlib.suppress(Refused), self._store.transaction() as cursor:
            remember(cursor, "clock_refused_at", rfc3339(at) if refused else "")


def is_refused(receipt: Receipt) -> bool:
    """Tell whether a receipt says that our confirmed clock cannot be right."""
    return any(each.code == CLOCK_IMPOSSIBLE for each in receipt.findings)
