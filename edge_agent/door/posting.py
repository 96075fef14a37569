"""Door events up and papers for doors down, whatever carries them: the part of the uplink that knows doors and no MQTT.

- One batch at a time: sent, and sent again after a while that doubles, until the authority says up to which number it keeps them. Its word
  is about this store's epoch and signed; nothing else lets an event go.
- A broker's acknowledgement would say nothing here, so none is asked for.
- Papers come retained with every connection; what is old is passed over.

Example: ``post.take("now", payload); data = post.due(at=12.5)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from edge_agent.door.event_log import DoorEventLog
from edge_agent.door.papers import DoorPapers
from residence.wire.door_events import EVENTS_A_BATCH, DoorEventBatch, sign_events, verify_kept
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

KEPT: Final = "kept"
AGAIN_FIRST: Final = 5.0
AGAIN_CAP: Final = 300.0
_log = structlog.get_logger("kiosk.door")


class DoorPost:
    """What doors send and are sent. Used from the uplink's thread."""

    def __init__(
        self,
        log: DoorEventLog,
        papers: DoorPapers,
        *,
        kiosk_id: str,
        epoch: str,
        signer: SigningKey,
        keyring: Callable[[], Keyring],
        jitter: Callable[[], float],
    ) -> None:
        self._log = log
        self._papers = papers
        self._kiosk_id = kiosk_id
        self._epoch = epoch
        self._signer = signer
        self._keyring = keyring
        self._jitter = jitter
        self._again_at = 0.0
        self._pause = AGAIN_FIRST

    def take(self, name: str, payload: bytes) -> None:
        """Take one paper by the last level of its topic, or raise ``Malformed`` / ``Untrusted`` / ``Refused``."""
        if name != KEPT:
            self._papers.take(name, payload)
            return
        kept = verify_kept(payload, keyring=self._keyring())
        if (kept.kiosk_id, kept.epoch) == (self._kiosk_id, self._epoch):
            self._log.kept(kept.up_to)
            self.reopen()

    def reopen(self) -> None:
        """Send what waits without delay: there is a new connection, or an answer came."""
        self._again_at, self._pause = 0.0, AGAIN_FIRST

    def due(self, *, at: float) -> bytes | None:
        """Return a batch to be sent now, if there is one."""
        if at < self._again_at:
            return None
        events = self._log.waiting(EVENTS_A_BATCH)
        if not events:
            return None
        self._again_at = at + self._pause * (0.5 + self._jitter() / 2)
        self._pause = min(self._pause * 2, AGAIN_CAP)
        batch = DoorEventBatch(kiosk_id=self._kiosk_id, epoch=self._epoch, oldest_held=events[0].sequence, events=tuple(events))
        return sign_events(batch, self._signer)
