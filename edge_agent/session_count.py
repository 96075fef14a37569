"""Which connection this is: a number that goes on for ever, and by what it is counted, so that a late death notice is recognised.

- The number is durable, and counted by the outbox's epoch: whoever sees two of one epoch knows which came later.
- Where no number can be kept (a full disk, a memory card that is read-only) it is counted in memory under an id of this process's own. Such a number
  says nothing beside another counting's: a start that counts the same number again is a new life, not the old one (``residence.wire.state.is_newer``).

Example: ``SessionCount(store, epoch=epoch, random_bytes=random_bytes).next()``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec

from edge_agent.store import Store, remember
from residence.errors import Refused

_FACT: Final = "session"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One connection. ``counting``: only numbers with the same one can be compared; empty is not said."""

    number: int
    counting: str = ""


class SessionCount:
    """The connections of one outbox. Asked by the line's one thread."""

    def __init__(self, store: Store, *, epoch: str, random_bytes: Callable[[int], bytes]) -> None:
        self._store = store
        self._epoch = epoch
        self._passing = str(UUID(bytes=random_bytes(16), version=4))
        self._passed = 0

    def next(self) -> Session:
        """Return the next connection."""
        if not self._store.read_only:
            try:
                return Session(number=self._raise(), counting=self._epoch)
            except Refused:  # the line still has to deliver
                pass
        self._passed += 1
        return Session(number=self._passed, counting=self._passing)

    def _raise(self) -> int:
        with self._store.transaction() as cursor:
            number = int(self._store.fact(_FACT) or 0) + 1
            remember(cursor, _FACT, str(number))
        return number
