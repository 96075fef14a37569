"""Follows the list for a site's doors as it is published beside settings: the second way of what comes over the broker.

- What counts is what the gateway signed inside: the newest version wins, whichever way it came, and none goes back. Its end is as ever.
- A list is taken whole, and only when it names this kiosk's doors: one that does not prove itself changes nothing, and the one before goes on.
- It waits until nobody stands at the screen, but no longer than ``patience`` seconds: somebody who stays there must not hold up who may pass a door.
- Orders and revoked passes do not come this way (``residence/wire/door_list.py``).

Example: ``FollowingDoorList(fetch=lambda: fetching.also(path), take=papers.take_whole, version=version, idle=idle, clock=clock, patience=600.0)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from edge_agent.configuration.fetching import UNREACHABLE
from firmware_config.signed.door_list import read_door_list
from residence.clock import Clock
from residence.errors import LuutruError

_log = structlog.get_logger("luutru.kiosk")


class FollowingDoorList:
    """One site's list. ``take`` raises ``LuutruError`` for parts that are not a whole list of this site."""

    name: Final = "door-list"

    def __init__(
        self,
        *,
        fetch: Callable[[], bytes | None],
        take: Callable[[Sequence[bytes]], bool],
        version: Callable[[], int],
        idle: Callable[[], bool],
        clock: Clock,
        patience: float,
    ) -> None:
        self._fetch, self._take, self._version, self._idle = fetch, take, version, idle
        self._clock, self._patience = clock, patience
        self._trouble = ""
        self._seen: bytes | None = None
        self._waiting: tuple[Sequence[bytes], float] | None = None

    def health(self) -> str:
        """Return ``ok:<version>`` of the list in force, or ``degraded:<code>``."""
        return f"degraded:{self._trouble}" if self._trouble else f"ok:{self._version()}"

    def ask(self) -> None:
        """Look at what is published now; what was looked at before is not looked at again."""
        try:
            data = self._fetch()
            if data is None or data == self._seen:
                return
            self._seen, self._waiting = data, None
            self._waiting = (read_door_list(data).parts, self._seconds())
        except LuutruError as error:
            if error.code != UNREACHABLE:  # said for days with the settings
                self._say(error)

    def look(self) -> None:
        """Take the list that waits, when nobody is there or it has waited long enough."""
        if self._waiting is None:
            return
        parts, since = self._waiting
        if not self._idle() and self._seconds() - since < self._patience:
            return
        try:
            if self._take(parts):
                _log.info("door list taken from the published papers", version=self._version())
            self._trouble = ""
        except LuutruError as error:
            self._say(error)
        self._waiting = None

    def _say(self, error: LuutruError) -> None:
        _log.warning(error.code, detail=error.detail)
        self._trouble, self._seen = error.code, None  # looked at again: the key it is signed with may be on its way

    def _seconds(self) -> float:
        return self._clock.monotonic_ns() / 1e9
