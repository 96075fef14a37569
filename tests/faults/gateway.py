"""One gateway of the simulation: the product's worker and intake on a simulated line, dying between any two of its steps.

- Real: ``Worker`` (its loop, its order of commit, acknowledgement, receipts, its patience with a registry that is away), ``Intake``,
  ``read_delivery``, ``EnvelopeOpener``, ``SequenceWatch``, ``KioskStates``, ``KeyringUpdates``, signing and signing again.
- Injected: the clock, randomness, the transport (``SimulatedTransport``, for the port in ``gateway/port.py``), and the registry's door
  (``watched``), through which every transaction passes: there it may be away, or the process may die before the commit.
- A receipt key is chosen at the start, as in the product; a restart after a rotation signs with the new one.
- What a transaction changed is told to the history after its commit, and so is every number, to count the gaps there really were.

Example: ``gateway = Gateway(world, "gateway-a", shards=(21,), alone=False); gateway.boot()``
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3

from sqlalchemy.exc import OperationalError

from faults.virtual_time import Killed, Mailbox, Stopping, VirtualClock
from gateway.intake import Intake
from gateway.keyring_updates import KeyringUpdates
from gateway.port import ConnectionState, Delivery
from gateway.worker import Worker
from residence.clock import rfc3339
from residence.wire.envelope import EnvelopeOpener
from residence.wire.receipts import unpack_receipts
from residence.wire.state import GatewayState, encode_state
from residence.wire.topics import GATEWAY_STATE, shard_filter

RECONNECT_WITHIN = 3.0


def watched(registry, gateway):
    """Let every writing transaction of ``registry`` pass under the eyes of ``gateway``."""
    write = registry.writing

    @contextlib.contextmanager
    def writing():
        gateway.reach_registry()
        gateway.staged = []
        with write() as connection:
            yield connection
            if gateway.staged or gateway.holding:
                gateway.may_die("gateway died before its commit")
        gateway.note_commit()

    registry.writing = writing
    return registry


class SimulatedTransport:
    """The gateway's line: one durable session, acknowledgements only on the connection that brought the message."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._broker = gateway.world.broker
        self._deliveries = Mailbox()
        self._connection = 0
        self._line = None
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
        for each in deliveries:
            if each.message_id and each.connection == self._connection and self._line is not None:
                self._gateway.world.history.acknowledged(self._gateway.world.id_of(each.payload))
                self._line.carry(self._broker.acknowledge, self._line, each.message_id)

    def publish(self, topic, payload, *, retain=False):
        if topic.endswith("/r"):
            self._gateway.may_die("gateway died before its receipts")
            for data in unpack_receipts(payload):
                self._gateway.world.history.published(data, newest=self._gateway.signer.key_id)
        if self._line is None or self._line.dead:
            return False
        self._line.carry(self._broker.publish, self._line, topic, payload, retain)
        return True

    def flush(self):
        """Lines here carry at once."""

    def drop(self):
        if self._line is not None:
            self._line.drop()

    def _connect(self):
        gateway = self._gateway
        if gateway.transport is not self:
            return
        self._connection += 1
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


class WatchedIntake(Intake):
    """The product's intake; what it recorded and reported is noted."""

    gateway = None

    def record_in(self, connection, reads, now):
        recorded = self.gateway.world.parts.record(self, connection, reads, now)
        self.gateway.staged.extend(zip(reads, recorded, strict=True))
        return recorded

    def record_really(self, connection, reads, now):
        """Record as the product does."""
        return super().record_in(connection, reads, now)

    def _set_aside(self, asides, outcome, now):
        self.gateway.holding = [each.header for each in asides if each.header is not None]
        super()._set_aside(asides, outcome, now)
        for header in self.gateway.holding:
            self.gateway.world.history.hold(header.declaration_id)
            self.gateway.note_number(header)
        self.gateway.holding = []

    def take(self, deliveries, *, isolate=False):
        self.gateway.holding = []
        outcome = super().take(deliveries, isolate=isolate)
        self.gateway.world.history.reported_gaps += outcome.counts["gap"]
        return outcome


class Gateway:
    """One gateway process, started again whenever it dies."""

    def __init__(self, world, client_id, *, shards, alone):
        self.world = world
        self.client_id = client_id
        self.shards = shards
        self.alone = alone
        self.clock = VirtualClock(world.loop)
        self.away_until = 0.0  # the registry, from here
        self.staged = []
        self.holding = []  # headers of what is being set aside
        self.process = self.transport = self.registry = self.signer = self._intake = None
        self._highest = {}

    @property
    def up(self):
        return self.transport is not None

    def boot(self):
        """Start the process, unless it runs."""
        if self.up or self.world.over:
            return
        world = self.world
        self._highest = {}
        self.signer = world.authority.newest_receipt_key
        self.registry = watched(world.parts.open_registry(world), self)
        self._intake = world.parts.intake(
            self.registry,
            opener=EnvelopeOpener([world.authority.sealing_key]),
            rules=world.rules,
            signer=self.signer,
            clock=self.clock,
            random_bytes=world.rng.randbytes,
            trust=world.parts.trust(world, self.registry),
        )
        self._intake.gateway = self
        self.transport = world.parts.transport(self)
        stopping = Stopping()
        updates = KeyringUpdates(self._intake.trust, signer=world.authority.keyring_key, shards=self.shards)
        worker = Worker(self.transport, self._intake, clock=self.clock, rhythm=world.plan.rhythm, updates=updates)
        self.process = stopping.owner = world.loop.start(lambda: worker.run(stopping))

    def crash(self):
        """Kill the process; it starts again by itself."""
        if not self.up:
            return
        self.transport.drop()
        if self.alone:
            self.world.broker.announce(GATEWAY_STATE, self.says(online=False))
        self.transport = None
        self.registry.close()
        self.world.loop.call_after(self.world.rng.uniform(0.2, 6), self.boot)
        self.process.kill()

    def close(self):
        """End for good."""
        if self.up:
            self.registry.close()

    def may_die(self, kind):
        """Stop here, sometimes."""
        if self.world.chaos and self.world.rng.random() < self.world.plan.gateway_dies:
            self.world.history.struck(kind)
            self.crash()
            raise Killed  # this very process has ended already; its line must not go on

    def reach_registry(self):
        """Raise what a database that is away raises."""
        if self.world.loop.now < self.away_until:
            self.world.history.struck("registry away")
            raise OperationalError("BEGIN", None, sqlite3.OperationalError("disk I/O error"))

    def note_commit(self):
        """Tell the history what the transaction that just ended changed."""
        history = self.world.history
        for read, recorded in self.staged:
            header = read.header
            history.statements[recorded.declaration_id] = read.statement
            if recorded.set_aside is not None:
                history.answered.add(recorded.declaration_id)
            elif not recorded.replayed:
                history.effect(recorded.declaration_id, header.kiosk_id, header.epoch, header.sequence)
            if read.delivery.message_id:  # a letter tried again was counted when it came
                self.note_number(header)
        self.staged = []

    def note_number(self, header):
        """Count a number as come, and the gaps there really are."""
        key, sequence = (header.kiosk_id, header.epoch), header.sequence
        highest = self._highest.get(key)
        if highest is not None and sequence > highest + 1:
            self.world.history.true_gaps += 1
            self.world.history.struck("gap in a kiosk's numbers")
        if highest is not None and sequence < highest:
            self.world.history.struck("overtaken by a later one")
        self._highest[key] = max(highest or 0, sequence)

    def says(self, *, online):
        """Return the retained state of this gateway."""
        return encode_state(GatewayState(online=online, at=rfc3339(self.clock.now())))
