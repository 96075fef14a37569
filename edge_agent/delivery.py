"""Rows up and receipts down, whatever carries them: the part of the uplink that knows the outbox and no MQTT.

- The broker's answers are numbers here: 0 means taken, 0x10 nobody subscribed, 0x87 not authorised, 0x97 quota. All but 0 keep
  the row and name a trouble; none settles anything.
- A row larger than the broker takes is never handed to it: the broker would hang up, and so hold up every row behind it for ever.
- A receipt that is not genuine is logged by code and dropped; the others of the same message count.

Example: ``delivery.send_rows(at=now, publish=lambda data: client.publish(topic, data, qos=1).mid)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from edge_agent.outbox import Outbox, Row
from edge_agent.sending import SendPlan
from residence.errors import LuutruError, Refused
from residence.wire.receipts import unpack_receipts

Publish = Callable[[bytes], int]  # envelope -> message id
NOT_AUTHORISED: Final = 0x87
REFUSALS: Final = {0x10: "uplink.no_gateway", NOT_AUTHORISED: "uplink.not_authorised", 0x97: "uplink.quota"}
TOO_LARGE: Final = "uplink.too_large"
FRAME_BYTES: Final = 16  # of a publish besides topic and payload: fixed header, lengths, message id, no properties
_log = structlog.get_logger(__name__)


class Delivery:
    """Moves what the plan says. Used from one thread."""

    def __init__(self, outbox: Outbox, plan: SendPlan) -> None:
        self._outbox = outbox
        self._plan = plan
        self._mids: dict[int, str] = {}
        self._largest: int | None = None
        self._too_large: set[str] = set()

    @property
    def trouble(self) -> str:
        """Return the code of what keeps rows from being sent at all, or ""."""
        return TOO_LARGE if self._too_large else ""

    def send_rows(self, *, at: float, publish: Publish) -> None:
        """Send what is due again, then what was never sent, as far as the window reaches."""
        for declaration_id in self._plan.due(at=at)[: self._plan.room_for_resends(at=at)]:
            row = self._outbox.row(declaration_id)
            if row is None:
                self._plan.settled(declaration_id)
            else:
                self._send(row, publish, at)
        while room := self._plan.room(at=at):
            rows = self._outbox.unsettled(room, after=self._plan.cursor)
            for row in rows:
                self._plan.cursor = row.sequence
                if not self._plan.waiting(row.declaration_id):
                    self._send(row, publish, at)
            if not rows:
                return

    def acknowledged(self, mid: int, code: int, *, at: float) -> str | None:
        """Take the broker's answer to one message; return a trouble code or "", None when it was no row."""
        declaration_id = self._mids.pop(mid, None)
        if declaration_id is None:
            return None  # the kiosk's own state message
        if code == 0:
            self._plan.taken(declaration_id, at=at)
            self._outbox.mark_sent(declaration_id)
            return self.trouble
        self._plan.refused(declaration_id, at=at)
        return REFUSALS.get(code, "uplink.quota")

    def receipts(self, payload: bytes) -> None:
        """Settle every genuine receipt of one message; ``Refused``: the disk is full, the rest of the message is for another time."""
        for data in unpack_receipts(payload):
            try:
                settled = self._outbox.settle(data).declaration_id
                self._plan.settled(settled)
                self._too_large.discard(settled)
            except Refused:
                raise
            except LuutruError as error:
                _log.warning(error.code, where="receipt")

    def connected(self, *, largest_packet: int | None, topic: str) -> None:
        """Begin a connection; a broker may have said how large a packet it takes."""
        self.connection_lost()
        self._largest = None if largest_packet is None else largest_packet - len(topic) - FRAME_BYTES

    def connection_lost(self) -> None:
        """Forget what was in flight, and what the broker of that connection was too small for."""
        self._mids.clear()
        for declaration_id in self._too_large:
            self._plan.settled(declaration_id)  # the next broker is asked afresh
        self._too_large.clear()
        self._plan.connection_lost()

    def _send(self, row: Row, publish: Publish, at: float) -> None:
        if self._largest is not None and len(row.envelope) > self._largest:
            if row.declaration_id not in self._too_large:
                _log.error(TOO_LARGE, declaration_id=row.declaration_id, bytes=len(row.envelope), largest=self._largest)
            self._too_large.add(row.declaration_id)
            self._plan.put_off(row.declaration_id, at=at)
            return
        self._plan.sent(row.declaration_id)
        self._mids[publish(row.envelope)] = row.declaration_id
