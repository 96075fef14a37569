"""What we send on one MQTT connection: messages within the broker's window, and acknowledgements that wait for its answers (ADR 15).

- As many messages are under way as the broker's receive maximum allows, the rest is held in order.
- An acknowledgement waits until everything published before it is answered, whatever the answer: so what the broker has not got of
  us comes again to whoever reads our session next, and is answered again.
- Acknowledgements leave in the order they were given, which is the order of arrival (MQTT 5.0, [MQTT-4.6.0-2]).
- A refused message is answered, too: it is counted, and holds up nothing. A broker that does not answer at all is waited
  for no longer than ``RECEIPT_SECONDS``: nobody's line stands still for one receipt.
- Nothing is scanned: a batch of acknowledgements counts how many answers it still waits for.

Example: ``sending.publish("r/1", receipt, retain=False); sending.acknowledge([7], now); sending.answered(2); sending.take()``
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import mqtt5

RECEIPT_SECONDS: Final = 10.0
MAX_ID: Final = 65_535


@dataclass(kw_only=True, slots=True, eq=False)
class _Due:
    """Acknowledgements, and how many of the messages published before them are not answered."""

    unanswered: int = 0
    message_ids: Sequence[int] = ()
    since: float = 0.0


class Sending:
    """The bytes that have to go out, and what they wait for."""

    def __init__(self, first: bytes) -> None:
        self.out = bytearray(first)
        self.window = MAX_ID - 1
        self.held: deque[tuple[str, bytes, bool, _Due]] = deque()
        self.held_bytes = 0
        self._under_way: dict[int, _Due] = {}
        self._last_id = 1  # the SUBSCRIBE has 1
        self._due: deque[_Due] = deque()
        self._next = _Due()

    @property
    def waits(self) -> bool:
        """Tell whether messages wait for the broker to take those before them, or acknowledgements for its answers."""
        return bool(self.held or self._due)

    def take(self) -> bytearray:
        """Return what has to be sent, and forget it."""
        out, self.out = self.out, bytearray()
        return out

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Send at QoS 1, or hold until the broker takes more."""
        due = self._next
        due.unanswered += 1
        if self.held or len(self._under_way) >= self.window:
            self.held.append((topic, payload, retain, due))
            self.held_bytes += len(topic) + len(payload)
        else:
            self._send(topic, payload, retain=retain, due=due)

    def acknowledge(self, message_ids: Sequence[int], now: float) -> None:
        """Send these acknowledgements once all that was published before is answered."""
        if not message_ids:
            return
        due, self._next = self._next, _Due()
        due.message_ids, due.since = message_ids, now
        self._due.append(due)
        self._settle()

    def answered(self, packet_id: int) -> bool:
        """Take the broker's answer to one message; False when none of that id was under way."""
        due = self._under_way.pop(packet_id, None)
        if due is None:
            return False
        due.unanswered -= 1
        while self.held and len(self._under_way) < self.window:
            topic, payload, retain, waiting = self.held.popleft()
            self.held_bytes -= len(topic) + len(payload)
            self._send(topic, payload, retain=retain, due=waiting)
        self._settle()
        return True

    def give_up_waiting(self, now: float) -> int:
        """Let acknowledgements go that have waited too long; return for how many answers."""
        missed = 0
        while self._due and now - self._due[0].since > RECEIPT_SECONDS:
            missed += self._due[0].unanswered
            self._due[0].unanswered = 0
            self._settle()
        return missed

    def _settle(self) -> None:
        while self._due and self._due[0].unanswered <= 0:
            self.out += b"".join([mqtt5.PubAckPacket(each).write() for each in self._due.popleft().message_ids])

    def _send(self, topic: str, payload: bytes, *, retain: bool, due: _Due) -> None:
        packet_id = self._last_id % MAX_ID + 1
        while packet_id in self._under_way:
            packet_id = packet_id % MAX_ID + 1
        self._last_id = packet_id
        self._under_way[packet_id] = due
        qos = mqtt5.QoS.AT_LEAST_ONCE
        self.out += mqtt5.PublishPacket(topic, payload, qos=qos, retain=retain, packet_id=packet_id).write()
