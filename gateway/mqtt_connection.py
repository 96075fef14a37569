"""One MQTT v5 connection as the gateway speaks it, without any input or output: bytes in, deliveries and bytes out.

- From CONNECT to SUBACK by itself; a PUBLISH may come before the SUBACK. Packets may be split over reads at any byte.
- A PUBLISH is taken apart here, all else by ``mqtt5``: a PUBLISH is what kiosks can influence, down to its properties, which we pass over
  unread. ``mqtt5`` reads them, and 0.8.0 panics on text that is not UTF-8: one such message would come again with every connection.
- Whatever breaks the protocol and a packet over ``MAX_PACKET`` end the connection with a reason (``Broken``), never the process.
  More than the receive maximum does not: Mosquitto 2.0.11 keeps to it only until the first acknowledgement, and sends again all that an
  earlier connection had under way. Memory is bounded all the same, because nobody reads on when enough is parked.
- What we publish, and when what we received is acknowledged: ``gateway/mqtt_sending.py``. The caller bounds ``backlog``.
- A peer of whom nothing is heard is asked (PINGREQ) after half the keepalive, and given up ``ANSWER_SECONDS`` later. It is judged
  only when everything that arrived was read: what we did not read is no silence.

Example: ``connection.took(line.receive_into(connection.room), now); line.say(connection.to_send(now))``
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import mqtt5

from gateway.mqtt_sending import MAX_ID, Sending
from gateway.port import Delivery

MAX_PACKET: Final = 64 * 1024  # our broker takes messages of 16 KiB; topic and properties come on top
BUFFER_BYTES: Final = 256 * 1024
ANSWER_SECONDS: Final = 10.0
PUBLISH: Final = 3  # packet type
FAILURE: Final = 0x80  # reason codes from here on
EXACTLY_ONCE: Final = 2
LAST_SHIFT: Final = 21  # a length has four bytes of seven bits at most


class Broken(Exception):
    """The connection cannot go on; the text says why, ``code`` what the broker is told, if anything."""

    def __init__(self, why: str, code: mqtt5.DisconnectReasonCode | None = mqtt5.DisconnectReasonCode.PROTOCOL_ERROR) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Hello:
    """What we tell the broker at the start of every connection."""

    client_id: str
    durable: Sequence[str]  # subscribed at QoS 1
    latest: Sequence[str]  # subscribed at QoS 0
    receive_maximum: int
    keepalive_seconds: int
    session_seconds: int
    will_topic: str = ""
    will: bytes = b""


class MqttConnection:
    """The protocol's state on one connection. ``number`` marks its deliveries."""

    def __init__(self, hello: Hello, *, number: int, now: float) -> None:
        self._hello = hello
        self.number: Final = number
        self.parked: deque[Delivery] = deque()  # arrived and not handed out
        self.accepted = False
        self.subscribed = False
        self.refused_filters: list[str] = []
        self.refused_publishes: Counter[str] = Counter()
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._end = 0
        self._sending = Sending(_connect(hello))
        self._largest = 1 << 28
        self._keepalive = float(hello.keepalive_seconds)
        self._began = self._heard = self._said = now
        self._asked: float | None = None

    @property
    def room(self) -> memoryview:
        """Where the next bytes go; never empty."""
        return self._buffer[self._end :]

    @property
    def backlog(self) -> int:
        """Bytes of ours that are not handed to the line yet."""
        return len(self._sending.out) + self._sending.held_bytes

    @property
    def waits(self) -> bool:
        """Tell whether something of ours waits for the broker's answers."""
        return self._sending.waits

    def took(self, count: int, now: float) -> None:
        """Understand ``count`` bytes more, or raise ``Broken``."""
        self._heard, self._asked = now, None
        self._end += count
        for start, body, stop in self._frames():
            kind = self._buffer[start]
            if kind >> 4 == PUBLISH:
                self._take_publish(kind, self._buffer[body:stop])
            else:
                self._take_other(_decoded(self._buffer[start:stop]))

    def to_send(self, now: float) -> bytearray:
        """Return what has to be sent, and forget it."""
        out = self._sending.take()
        if out:
            self._said = now
        return out

    def acknowledge(self, message_ids: Sequence[int], now: float) -> None:
        """Say that these were committed, once all that was published before is answered; in order of arrival."""
        self._sending.acknowledge(message_ids, now)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Send at QoS 1, or hold until the broker takes more. False: it does not take anything of this size, or nothing yet."""
        if not self.accepted or len(topic) + len(payload) + 16 > self._largest:
            return False
        self._sending.publish(topic, payload, retain=retain)
        return True

    def say_goodbye(self, code: mqtt5.DisconnectReasonCode = mqtt5.DisconnectReasonCode.NORMAL_DISCONNECTION) -> None:
        """End it in order; without an error code the will is not sent."""
        self._sending.out += mqtt5.DisconnectPacket(reason_code=code).write()

    def look_at_clock(self, now: float, *, all_read: bool) -> None:
        """Ask the broker whether it is there when it was silent, or give it up; say something when we were silent."""
        missed = self._sending.give_up_waiting(now) if all_read else 0
        if missed:
            self.refused_publishes["UNANSWERED"] += missed
        if not self.subscribed and now - self._began > ANSWER_SECONDS:
            raise Broken("the broker did not answer in time")
        if self._asked is not None:
            if all_read and now - self._asked > ANSWER_SECONDS:
                raise Broken("the broker does not answer", mqtt5.DisconnectReasonCode.KEEP_ALIVE_TIMEOUT)
        elif self.accepted and now - min(self._heard, self._said) > self._keepalive / 2:
            self._asked = now
            self._sending.out += mqtt5.PingReqPacket().write()

    def _frames(self) -> Iterator[tuple[int, int, int]]:
        """Yield start, start of the body and end of each complete packet in the buffer; keep the rest for the next bytes."""
        buffer, end, at = self._buffer, self._end, 0
        while at < end:
            length, shift, body = 0, 0, at + 1
            while body < end:
                byte = buffer[body]
                body += 1
                length |= (byte & 0x7F) << shift
                if byte < 0x80:  # noqa: PLR2004 - the last byte of a length
                    break
                shift += 7
                if shift > LAST_SHIFT:
                    raise Broken("malformed packet", mqtt5.DisconnectReasonCode.MALFORMED_PACKET)
            else:
                break
            if body + length - at > MAX_PACKET:
                raise Broken("packet too large", mqtt5.DisconnectReasonCode.PACKET_TOO_LARGE)
            if body + length > end:
                break
            yield at, body, body + length
            at = body + length
        self._end = end - at
        buffer[: self._end] = buffer[at:end]

    def _take_publish(self, kind: int, body: memoryview) -> None:
        if not self.accepted:
            raise Broken("a message before the broker accepted us")
        try:
            topic, message_id, payload = _publish_parts(kind >> 1 & 3, body)
        except IndexError:
            raise Broken("malformed packet", mqtt5.DisconnectReasonCode.MALFORMED_PACKET) from None
        self.parked.append(Delivery(topic=topic, payload=payload, connection=self.number, message_id=message_id))

    def _take_other(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PubAckPacket() if self._sending.answered(packet.packet_id):
                if packet.reason_code.value >= FAILURE:
                    self.refused_publishes[packet.reason_code.name] += 1
            case mqtt5.PubAckPacket() | mqtt5.PingRespPacket() if self.accepted:
                pass
            case mqtt5.ConnAckPacket() if not self.accepted:
                self._begin(packet)
            case mqtt5.SubAckPacket() if self.accepted and packet.packet_id == 1:
                failed = [each.name for each in packet.reason_codes if each.value >= FAILURE]
                self.refused_filters = sorted(set(failed))
                self.subscribed = True
            case mqtt5.DisconnectPacket():
                raise Broken(_reason("the broker disconnected", packet.reason_code.name, packet.reason_str), None)
            case _:
                raise Broken(f"unexpected {type(packet).__name__}")

    def _begin(self, packet: mqtt5.ConnAckPacket) -> None:
        if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise Broken(_reason("the broker refused us", packet.reason_code.name, packet.reason_str), None)
        self.accepted = True
        self._sending.window = min(packet.receive_max, MAX_ID - 1)
        self._largest = packet.max_packet_size or self._largest
        self._keepalive = float(packet.server_keep_alive or self._hello.keepalive_seconds)
        self._sending.out += _subscribe(self._hello)


def _connect(hello: Hello) -> bytes:
    will = mqtt5.Will(hello.will_topic, payload=hello.will, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=True) if hello.will else None
    return mqtt5.ConnectPacket(
        hello.client_id,
        clean_start=False,
        will=will,
        keep_alive=hello.keepalive_seconds,
        session_expiry_interval=hello.session_seconds,
        receive_max=hello.receive_maximum,
        max_packet_size=MAX_PACKET,
    ).write()


def _subscribe(hello: Hello) -> bytes:
    levels = ((hello.durable, mqtt5.QoS.AT_LEAST_ONCE), (hello.latest, mqtt5.QoS.AT_MOST_ONCE))
    filters = [
        mqtt5.TopicFilter(each, max_qos=qos, no_local=True, retain_as_published=False)
        for wanted, qos in levels
        for each in wanted
    ]
    return mqtt5.SubscribePacket(1, filters).write()


def _publish_parts(qos: int, body: memoryview) -> tuple[str, int, bytes]:
    """Return topic, message id (0 at QoS 0) and payload, or raise ``IndexError``; properties are passed over unread."""
    at = 2 + (body[0] << 8 | body[1])
    try:
        topic = str(body[2:at], "utf-8")
    except UnicodeDecodeError:
        topic = ""  # no topic of ours; intake sets it aside
    message_id = 0
    if qos:
        message_id = body[at] << 8 | body[at + 1]
        at += 2
        if not message_id or qos >= EXACTLY_ONCE:  # we subscribe at QoS 1 at most
            raise IndexError
    properties, shift = 0, 0
    while (byte := body[at]) >= 0x80:  # noqa: PLR2004 - another byte of the length follows
        properties |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if shift > LAST_SHIFT:
            raise IndexError
    at += 1 + (properties | byte << shift)
    if at > len(body):
        raise IndexError
    return topic, message_id, bytes(body[at:])


def _decoded(packet: memoryview) -> mqtt5.Packet:
    try:
        return mqtt5.read(packet)[0]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - mqtt5 0.8.0 panics on text that is not UTF-8, and a panic is no Exception
        raise Broken("malformed packet", mqtt5.DisconnectReasonCode.MALFORMED_PACKET) from None


def _reason(what: str, name: str, text: str | None) -> str:
    return f"{what}: {name}" + (f" ({text[:200]})" if text else "")
