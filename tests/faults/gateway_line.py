"""A gateway's line in the simulation: what the product's transport promises, on the simulated broker.

- One durable session; acknowledgements only on the connection that brought the message.
- When an acknowledgement goes is decided by the product's ``Sending``: the bytes it writes are read again and carried.
- The process may die before its receipts, before its acknowledgements, and between the broker's answers to receipts.

Example: ``Worker(SimulatedTransport(gateway), intake, clock=clock)``
"""

from __future__ import annotations

import contextlib
import queue
from functools import partial

import mqtt5

from faults.virtual_time import Mailbox
from gateway.mqtt_sending import Sending
from gateway.port import ConnectionState, Delivery
from residence.wire.receipts import read_unverified, unpack_receipts
from residence.wire.topics import GATEWAY_STATE, shard_filter

RECONNECT_WITHIN = 3.0
WINDOW = 3  # messages of ours the broker takes before its answer: few, so that some are held


class SimulatedTransport:
    """The gateway's line: one durable session, acknowledgements only on the connection that brought the message."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._broker = gateway.world.broker
        self._deliveries = Mailbox()
        self._connection = 0
        self._line = None
        self._sending = None  # the product's, one per connection
        self._under_way = {}  # packet id -> receipts in it
        self._taken = {}  # message id -> declaration id
        self.state = ConnectionState.STOPPED

    def start(self):
        self._deliveries.owner = self._gateway.process
        self._connect()

    def stop(self):
        """Never comes to this: the process is killed."""

    def collect(self, limit, *, wait_seconds, fill_seconds):
        batch = []
        with contextlib.suppress(queue.Empty):
            batch.append(self._deliveries.get(timeout=wait_seconds))
            self._gateway.process.pause(fill_seconds)
            while len(batch) < limit and not self._deliveries.empty():
                batch.append(self._deliveries.get(timeout=0.0))
        return batch

    def acknowledge(self, deliveries):
        self._gateway.may_die("gateway died between commit and acknowledgement")
        self._sending.acknowledge(self.own(deliveries), self._gateway.world.loop.now)
        self._speak()

    def own(self, deliveries):
        """Return the message ids of what came over this very connection, and remember whose they are."""
        own = [each for each in deliveries if each.message_id and each.connection == self._connection]
        self._taken |= {each.message_id: self._gateway.world.id_of(each.payload) for each in own}
        return [each.message_id for each in own]

    def send_acknowledgement(self, message_id):
        """Say it on the line; what is said to a line that is dead was not said."""
        if self._line is not None and not self._line.dead:
            self._gateway.world.history.acknowledged(self._taken.pop(message_id))
            self._line.carry(self._broker.acknowledge, self._line, message_id)

    def publish(self, topic, payload, *, retain=False):
        if topic.endswith("/r"):
            self._gateway.may_die("gateway died before its receipts")
            for data in unpack_receipts(payload):
                self._gateway.world.history.published(data, newest=self._gateway.signer.key_id)
        if self._line is None or self._line.dead:
            return False
        self._sending.publish(topic, payload, retain=retain)
        self._speak()
        return True

    def flush(self):
        """Lines here carry at once."""

    def _speak(self):
        """Carry what the product's code wrote for its line."""
        data = memoryview(bytes(self._sending.take()))
        while data:
            packet, length = mqtt5.read(data)
            data = data[length:]
            if isinstance(packet, mqtt5.PubAckPacket):
                self.send_acknowledgement(packet.packet_id)
            elif self._line is not None:
                receipts = unpack_receipts(packet.payload) if packet.topic.endswith("/r") else []
                self._under_way[packet.packet_id] = [read_unverified(each).declaration_id for each in receipts]
                answer = partial(self._answered, self._sending, packet.packet_id)
                self._line.carry(self._broker.publish, self._line, packet.topic, bytes(packet.payload), packet.retain, answer)

    def _answered(self, sending, packet_id, _code):
        """The broker's answer: whatever it is, it has had the message."""
        if sending is not self._sending or self._gateway.transport is not self:
            return
        self._gateway.world.history.handed.update(self._under_way.pop(packet_id))
        if self._gateway.dies("gateway died between receipts and acknowledgement"):
            self._gateway.crash()
            return
        sending.answered(packet_id)
        self._speak()

    def drop(self):
        if self._line is not None:
            self._line.drop()

    def _connect(self):
        gateway = self._gateway
        if gateway.transport is not self:
            return
        self._connection += 1
        self._sending = Sending(b"")
        self._sending.window = WINDOW
        self._under_way.clear()
        self._taken.clear()
        try:
            self._line = self._broker.connect(gateway.client_id, on_message=self._received, on_closed=self._closed)
        except OSError:
            self._closed()
            return
        self._line.carry(self._connected, self._line)

    def _connected(self, line):
        self._broker.attach(line)
        wanted = {shard_filter(shard, leaf) for shard in self._gateway.shards for leaf in "ds"}
        line.carry(self._subscribed, line, wanted)

    def _subscribed(self, line, wanted):
        self._broker.subscribe(line, wanted)
        self._broker.publish(line, GATEWAY_STATE, self._gateway.says(online=True), True)

    def _received(self, topic, payload, message_id):
        delivery = Delivery(topic=topic, payload=payload, connection=self._connection, message_id=message_id)
        self._deliveries.put(delivery)

    def _closed(self):
        self._line = None
        world = self._gateway.world
        if self._gateway.alone and self._gateway.transport is self:
            self._broker.announce(GATEWAY_STATE, self._gateway.says(online=False))
        world.loop.call_after(world.rng.uniform(0, RECONNECT_WITHIN), self._connect)
