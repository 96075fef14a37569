"""Whether the authority has refused this kiosk's clock: it called it confirmed, and what it said could not be true (ADR 25).

- From then on the clock is not called ``synced``, whatever the operating system says: what is declared next is taken and judged by the
  authority's clock. Nobody at the screen is turned away.
- The newest confirmed time was a wrong one, too; how it goes down is ``clock_floor.py``'s.
- The doubt ends when a receipt is as old as this clock says it is: both agree again.
- It is kept with the outbox, so that a restart does not have the next statements held again.

Example: ``doubt.hear(receipt, wall=clock.now()); doubt.stands``
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Final

import structlog

from edge_agent.store import Store, remember
from residence.clock import parse_instant
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

    def hear(self, receipt: Receipt, *, wall: datetime) -> None:
        """Take a genuine receipt into account; a disk that is full only forgets the doubt at the next start."""
        refused = any(each.code == CLOCK_IMPOSSIBLE for each in receipt.findings)
        agrees = abs(wall - parse_instant(receipt.accepted_at)) <= AGREES
        if refused == self._stands or not (refused or agrees):
            return
        self._stands = refused
        _log.warning("clock refused" if refused else "clock agrees again", accepted_at=receipt.accepted_at)
        with contextlib.suppress(Refused), self._store.transaction() as cursor:
            remember(cursor, "clock_refused_at", receipt.accepted_at if refused else "")
