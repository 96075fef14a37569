"""Writes down, signed, every time nothing came through: a kiosk that is heard of again, a worker that reports again.

- A worker that was stopped, hung or cut off from the registry finds its own last report too old when it writes the next.
- A kiosk's outage ends with the first state of it that says it delivers.
- Written in the transaction of what shows it, so an outage is written once.

Example: ``watch.kiosks_heard(connection, states, now=now)`` before the states are kept
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import structlog
from sqlalchemy import Connection

from registry.outage_windows import came_back, keep_outage, last_states, worker_came_back
from residence.cases.outages import Outage
from residence.clock import rfc3339, uuid7_text
from residence.wire.outages import OutageWindow
from residence.wire.signing import SigningKey
from residence.wire.state import KioskState

log = structlog.get_logger("luutru.gateway")


class OutageWatch:
    """What one worker knows of outages: who signs for them, and which shards are its own."""

    def __init__(self, *, worker: str, shards: Iterable[int], signer: SigningKey, random_bytes: Callable[[int], bytes]) -> None:
        self._worker = worker
        self._shards = tuple(sorted(shards))
        self._signer = signer
        self._random_bytes = random_bytes

    def kiosks_heard(self, connection: Connection, states: Iterable[KioskState], *, now: datetime) -> None:
        """Write the outages that end with these states."""
        heard = {each.kiosk_id: each for each in states}
        for kiosk_id, last in last_states(connection, heard).items():
            outage = came_back(last, heard[kiosk_id], now)
            if outage is not None:
                self._keep(connection, outage, premises_id=last.premises_id, commune_code=last.commune_code)

    def reporting(self, connection: Connection, *, now: datetime) -> None:
        """Write our own outage, if this report ends one."""
        outage = worker_came_back(connection, self._worker, now=now)
        if outage is not None:
            self._keep(connection, outage, shards=self._shards)

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
