"""Rows up and receipts down, whatever carries them: the part of the uplink that knows the outbox and no MQTT.

- The broker's answers are numbers here: 0 means taken, 0x10 nobody subscribed, 0x87 not authorised, 0x97 quota. All but 0 keep
  the row and name a trouble; none settles anything.
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
_log = structlog.get_logger(__name__)


class Delivery:
    """Moves what the plan says. Used from one thread."""

    def __init__(self, outbox: Outbox, plan: SendPlan) -> None:
        self._outbox = outbox
        self._plan = plan
        self._mids: dict[int, str] = {}

    def send_rows(self, *, at: float, publish: Publish) -> None:
        """Send what is due again, then what was never sent, as far as the window reaches."""
        for declaration_id in self._plan.due(at=at)[: self._plan.room_for_resends(at=at)]:
            row = self._outbox.row(declaration_id)
            if row is None:
                self._plan.settled(declaration_id)
            else:
                self._send(row, publish)
        while room := self._plan.room(at=at):
            rows = self._outbox.unsettled(room, after=self._plan.cursor)
            for row in rows:
                self._plan.cursor = row.sequence
                if not self._plan.waiting(row.declaration_id):
                    self._send(row, publish)
            if not rows:
                return

    def acknowledged(self, mid: int, code: int, *, at: float) -> str | None:
        """Take the broker's answer to one message; return a trouble code, "" when it took a row, None when it was no row."""
        declaration_id = self._mids.pop(mid, None)
        if declaration_id is None:
            return None  # the kiosk's own state message
        if code == 0:
            self._plan.taken(declaration_id, at=at)
            self._outbox.mark_sent(declaration_id)
            return ""
        self._plan.refused(declaration_id, at=at)
        return REFUSALS.get(code, "uplink.quota")

    def receipts(self, payload: bytes) -> None:
        """Settle every genuine receipt of one message; ``Refused`` (disk full) leaves the message with the broker."""
        for data in unpack_receipts(payload):
            try:
                self._plan.settled(self._outbox.settle(data).declaration_id)
            except Refused:
                raise
            except LuutruError as error:
                _log.warning(error.code, where="receipt")

    def connection_lost(self) -> None:
        """Forget what was in flight."""
        self._mids.clear()
        self._plan.connection_lost()

    def _send(self, row: Row, publish: Publish) -> None:
        self._plan.sent(row.declaration_id)
        self._mids[publish(row.envelope)] = row.declaration_id
