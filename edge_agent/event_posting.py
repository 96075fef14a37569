"""A kiosk's events on their way up, whatever carries them: the part of the uplink that knows the event book and no MQTT.

- One batch at a time: sent, and sent again after a while that doubles, until the authority says up to which number it keeps them. Its word
  is about this store's epoch and signed; nothing else lets an event go.
- A broker's acknowledgement would say nothing here, so none is asked for.

Example: ``post.take(payload); data = post.due(at=12.5)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge_agent.event_book import EventBook
from residence.clock import parse_instant
from residence.wire.door_events import EVENTS_A_BATCH, DoorEventBatch, sign_events, verify_kept
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

KEPT: Final = "kept"
AGAIN_FIRST: Final = 5.0
AGAIN_CAP: Final = 300.0


class EventPost:
    """The events of one kiosk. Used from the uplink's thread."""

    def __init__(
        self,
        book: EventBook,
        *,
        kiosk_id: str,
        epoch: str,
        signer: SigningKey,
        keyring: Callable[[], Keyring],
        jitter: Callable[[], float],
    ) -> None:
        self._book = book
        self._kiosk_id = kiosk_id
        self._epoch = epoch
        self._signer = signer
        self._keyring = keyring
        self._jitter = jitter
        self._again_at = 0.0
        self._pause = AGAIN_FIRST

    def take(self, payload: bytes) -> None:
        """Take the authority's word of how far it keeps them, or raise ``Malformed`` / ``Untrusted``."""
        kept = verify_kept(payload, keyring=self._keyring())
        if (kept.kiosk_id, kept.epoch) == (self._kiosk_id, self._epoch):
            self._book.kept(kept.up_to, at=parse_instant(kept.at))
            self.reopen()

    def reopen(self) -> None:
        """Send what waits without delay: there is a new connection, or an answer came."""
        self._again_at, self._pause = 0.0, AGAIN_FIRST

    def due(self, *, at: float) -> bytes | None:
        """Return a batch to be sent now, if there is one."""
        if at < self._again_at:
            return None
        events = self._book.waiting(EVENTS_A_BATCH)
        if not events:
            return None
        self._again_at = at + self._pause * (0.5 + self._jitter() / 2)
        self._pause = min(self._pause * 2, AGAIN_CAP)
        batch = DoorEventBatch(kiosk_id=self._kiosk_id, epoch=self._epoch, oldest_held=events[0].sequence, events=tuple(events))
        return sign_events(batch, self._signer)
