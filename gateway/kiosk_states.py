"""The last sign of life of each kiosk, kept for the operator's page.

- State messages are retained and coarse: only the newest of each kiosk between two writes is written.
- A state is believed when its topic names the same kiosk and that kiosk is enrolled at the topic's site; others are dropped.
- A state that ends a time of silence is also an outage, written down (``gateway/outage_watch.py``).
- Losing one costs nothing: the next replaces it, and the broker retains the last. So one that cannot be written is logged and let go,
  and never keeps the others from being written.

Example: ``states.hear(delivery, trust); states.write(now)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from gateway.outage_watch import OutageWatch
from gateway.port import Delivery
from gateway.trust import Trust
from registry.database import Registry
from registry.kiosk_calls import hear_calls
from registry.kiosks import keep_state
from registry.outages import is_machines_fault
from registry.recording import is_outage
from residence.errors import LuutruError
from residence.wire.state import KioskState, decode_kiosk_state, is_newer
from residence.wire.topics import parse_topic

log: Final = structlog.get_logger("luutru.gateway")


class KioskStates:
    """States heard and not yet written."""

    def __init__(
        self,
        registry: Registry,
        *,
        outages: OutageWatch | None = None,
    ) -> None:
        self._registry = registry
        self._outages = outages
        self._on_heard: list[Callable[[KioskState], None]] = []
        self._heard: dict[str, KioskState] = {}

    def tell(self, listener: Callable[[KioskState], None]) -> None:
        """Tell somebody of each state that is heard from now on."""
        self._on_heard.append(listener)

    def hear(self, delivery: Delivery, trust: Trust) -> bool:
        """Take one state message into account; False when it is not believed."""
        if not delivery.payload:
            return False  # a retained state was cleared
        try:
            topic = parse_topic(delivery.topic)
            state = decode_kiosk_state(delivery.payload)
        except LuutruError:
            return False
        enrolment = trust.enrolments.get(state.kiosk_id)
        if enrolment is None or topic.kiosk != state.kiosk_id or topic.site != enrolment.premises_id:
            return False
        if is_newer(state, self._heard.get(state.kiosk_id)):
            self._heard[state.kiosk_id] = state
            for told in self._on_heard:
                told(state)
        return True

    def write(self, now: datetime) -> int:
        """Write what was heard since the last write, in one transaction; returns how many kiosks."""
        if not self._heard:
            return 0
        heard = list(self._heard.values())
        try:
            written = self._write(heard, now)
        except Exception as error:
            if is_machines_fault(error) or is_outage(error):
                raise  # they are written when the registry is there again
            written = sum(self._write_alone(each, now) for each in heard)
        self._heard.clear()
        return written

    def _write(self, states: Sequence[KioskState], now: datetime) -> int:
        with self._registry.writing() as connection:
            if self._outages is not None:
                self._outages.kiosks_heard(connection, states, now=now)
            hear_calls(connection, states, now=now)
            return sum(keep_state(connection, state, now=now) for state in states)

    def _write_alone(self, state: KioskState, now: datetime) -> int:
        try:
            return self._write([state], now)
        except Exception as error:
            if is_machines_fault(error) or is_outage(error):
                raise
            log.warning("kiosk state not kept", kiosk_id=state.kiosk_id, error=type(error).__name__)
            return 0
