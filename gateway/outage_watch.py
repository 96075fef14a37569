"""Writes down, signed, every time nothing came through: a kiosk that is heard of again, a worker that reports again.

- A worker that was stopped, hung or cut off from the registry finds its own last report too old when it writes the next.
- A kiosk's outage ends with the first state of it that says it delivers.
- A clock set forward while we run is told from an outage by the monotonic one (``luutru demo`` moves the clock; so does a time server).
- Written in the transaction of what shows it, so an outage is written once.

Example: ``watch.kiosks_heard(connection, states, now=now)`` before the states are kept
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec
import structlog
from sqlalchemy import Connection

from registry.outage_windows import came_back, keep_outage, last_states, worker_came_back
from residence.cases.outages import SHORTEST, Outage
from residence.clock import Clock, rfc3339, uuid7_text
from residence.wire.outages import OutageWindow
from residence.wire.signing import SigningKey
from residence.wire.state import KioskState

log = structlog.get_logger("luutru.gateway")


class OutageWatch:
    """What one worker knows of outages: who signs for them, and which shards are its own."""

    def __init__(
        self, *, worker: str, shards: Iterable[int], signer: SigningKey, clock: Clock, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._worker = worker
        self._shards = tuple(sorted(shards))
        self._signer = signer
        self._clock = clock
        self._random_bytes = random_bytes
        self._before: tuple[datetime, int] | None = None  # wall and monotonic, when we looked last
        self._set_forward: tuple[datetime, timedelta] | None = None  # after when, by how much

    def kiosks_heard(self, connection: Connection, states: Iterable[KioskState], *, now: datetime) -> None:
        """Write the outages that end with these states."""
        heard = {each.kiosk_id: each for each in states}
        self._look_at_the_clock(now)
        for kiosk_id, last in last_states(connection, heard).items():
            outage = self._less_what_was_set_forward(came_back(last, heard[kiosk_id], now))
            if outage is not None:
                self._keep(connection, outage, premises_id=last.premises_id, commune_code=last.commune_code)

    def reporting(self, connection: Connection, *, now: datetime) -> None:
        """Write our own outage, if this report ends one."""
        self._look_at_the_clock(now)
        outage = self._less_what_was_set_forward(worker_came_back(connection, self._worker, now=now))
        if outage is not None:
            self._keep(connection, outage, shards=self._shards)

    def _look_at_the_clock(self, now: datetime) -> None:
        """Notice that our clock was set forward while we ran: that is no outage, however long it looks."""
        running = self._clock.monotonic_ns()
        if self._before is not None:
            wall, monotonic = self._before
            ahead = now - wall - timedelta(microseconds=(running - monotonic) / 1000)
            if ahead >= SHORTEST:
                self._set_forward = (wall, ahead)
        self._before = (now, running)

    def _less_what_was_set_forward(self, outage: Outage | None) -> Outage | None:
        if outage is None or self._set_forward is None or outage.began_at > self._set_forward[0]:
            return outage
        began = outage.began_at + self._set_forward[1]
        return msgspec.structs.replace(outage, began_at=began) if outage.ended_at - began >= SHORTEST else None

    def _keep(
        self,
        connection: Connection,
        outage: Outage,
        *,
        premises_id: str | None = None,
        shards: tuple[int, ...] = (),
        commune_code: str | None = None,
    ) -> None:
        window = OutageWindow(
            outage_id=uuid7_text(outage.ended_at, self._random_bytes(10)),
            cause=outage.cause,
            began_at=rfc3339(outage.began_at),
            ended_at=rfc3339(outage.ended_at),
            premises_id=premises_id,
            shards=shards,
        )
        keep_outage(connection, window, commune_code=commune_code, signer=self._signer)
        log.warning(
            "outage over", cause=window.cause, began_at=window.began_at, ended_at=window.ended_at, premises_id=premises_id
        )
