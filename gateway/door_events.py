"""Door events from kiosks: believed when the kiosk of the topic signed them, kept in order, answered with a signed word of how far.

- They come without acknowledgement by the broker: what is lost, the kiosk sends again until our answer says that it is kept. The answer is
  retained, so one of many is enough.
- Committed first, answered then. What cannot be written now is dropped here, and comes again.
- At most ``AT_ONCE`` batches wait for a turn; a flood of one kiosk costs that kiosk its turn, and no declaration waits for events.

Example: ``events.hear(delivery, trust, now); events.write(transport, now)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.port import Delivery, Transport
from gateway.trust import Trust
from registry.database import Registry
from registry.door_events import record_events
from registry.outages import is_machines_fault
from registry.recording import is_outage
from residence.clock import rfc3339
from residence.errors import LuutruError
from residence.wire.door_events import DoorEventBatch, DoorEventsKept, sign_kept, verify_events
from residence.wire.signing import SigningKey
from residence.wire.topics import paper_topic, parse_topic

AT_ONCE: Final = 200
SAY_AGAIN_AFTER: Final = timedelta(hours=1)
MOST_SAID: Final = 1_000
LONGEST_TOPIC: Final = 200
EVENTS_LEAF: Final = "/e"
log = structlog.get_logger("luutru.gateway")


class DoorEvents:
    """Batches heard and not yet written: the newest of each kiosk. Used from the worker's thread only."""

    def __init__(self, registry: Registry, *, signer: SigningKey) -> None:
        self._registry = registry
        self._signer = signer
        self._heard: dict[str, tuple[str, DoorEventBatch]] = {}  # kiosk id -> site and commune, batch
        self._communes: dict[str, str] = {}
        self._say_again_at: datetime | None = None
        self._said: set[tuple[str, str]] = set()

    def hear(self, delivery: Delivery, trust: Trust, now: datetime) -> bool:
        """Take one batch; False when it is not believed."""
        try:
            topic = parse_topic(delivery.topic)
            enrolment = trust.enrolments.get(topic.kiosk)
            if enrolment is None or topic.site != enrolment.premises_id:
                return False
            batch = verify_events(delivery.payload, keyring=trust.keyring, kiosk_id=topic.kiosk, at=now)
        except LuutruError as error:
            self._say_once(delivery.topic, error.code)
            return False
        if len(self._heard) < AT_ONCE or topic.kiosk in self._heard:
            self._heard[topic.kiosk] = (topic.site, batch)
            self._communes[topic.kiosk] = enrolment.commune_code
        return True

    def _say_once(self, topic: str, code: str) -> None:
        """Log what is not believed once an hour for each topic: whoever sends it may send a thousand a second; all are counted."""
        if len(self._said) < MOST_SAID and (topic, code) not in self._said:
            self._said.add((topic, code))
            log.warning("door events not believed", code=code, topic=topic[:LONGEST_TOPIC])

    def write(self, transport: Transport, now: datetime) -> int:
        """Keep what was heard in one transaction, then answer; return how many kiosks."""
        heard, self._heard = self._heard, {}
        if heard:
            marks = self._keep(heard, now)
            for kiosk, up_to in marks.items():
                site, batch = heard[kiosk]
                kept = DoorEventsKept(kiosk_id=kiosk, epoch=batch.epoch, up_to=up_to, at=rfc3339(now))
                transport.publish(paper_topic(site, kiosk, "kept"), sign_kept(kept, self._signer), retain=True)
            transport.flush()
        self._say_again(now)
        return len(heard)

    def _keep(self, heard: dict[str, tuple[str, DoorEventBatch]], now: datetime) -> dict[str, int]:
        """Keep all in one transaction; what does not go in is found by halving and logged, for its kiosk alone has to wait for it."""
        try:
            with self._registry.writing() as connection:
                return {
                    kiosk: record_events(connection, batch, commune_code=self._communes[kiosk], now=now)
                    for kiosk, (_, batch) in heard.items()
                }
        except Exception as error:
            if is_machines_fault(error) or is_outage(error):
                raise
            kiosks = list(heard)
            if len(kiosks) == 1:
                log.warning("door events not kept", kiosk_id=kiosks[0], error=type(error).__name__)
                return {}
        middle = len(kiosks) // 2
        halves = ({kiosk: heard[kiosk] for kiosk in each} for each in (kiosks[:middle], kiosks[middle:]))
        return {kiosk: up_to for half in halves for kiosk, up_to in self._keep(half, now).items()}

    def _say_again(self, now: datetime) -> None:
        if self._say_again_at is None or now >= self._say_again_at:
            self._say_again_at = now + SAY_AGAIN_AFTER
            self._said.clear()
