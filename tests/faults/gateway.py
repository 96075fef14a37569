"""One gateway of the simulation: the product's worker and intake on a simulated line, dying between any two of its steps.

- Real: ``Worker`` (its loop, its order of commit, receipts, acknowledgement, its patience with a registry that is away), ``Intake``,
  ``read_delivery``, ``EnvelopeOpener``, ``SequenceWatch``, ``KioskStates``, ``KeyringUpdates``, signing and signing again, and
  ``Sending``, which decides when an acknowledgement goes.
- Injected: the clock, randomness, the transport (``gateway_line.py``, for the port in ``gateway/port.py``), and the registry's door
  (``watched``), through which every transaction passes: there it may be away, or the process may die before the commit.
- A receipt key is chosen at the start, as in the product; a restart after a rotation signs with the new one.
- What a transaction changed is told to the history after its commit, and so is every number, to count the gaps there really were.

Example: ``gateway = Gateway(world, "gateway-a", shards=(21,), alone=False); gateway.boot()``
"""

from __future__ import annotations

import contextlib
import sqlite3

from sqlalchemy.exc import OperationalError

from faults.virtual_time import Killed, Stopping, VirtualClock
from gateway.intake import Intake
from gateway.keyring_updates import KeyringUpdates
from gateway.worker import Worker
from residence.clock import rfc3339
from residence.wire.envelope import EnvelopeOpener
from residence.wire.state import GatewayState, encode_state
from residence.wire.topics import GATEWAY_STATE


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

    def _set_aside(self, asides, outcome, now, **how):
        self.gateway.holding = [each.header for each in asides if each.header is not None]
        super()._set_aside(asides, outcome, now, **how)
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

    def dies(self, kind):
        """Draw whether it stops here."""
        if self.world.chaos and self.world.rng.random() < self.world.plan.gateway_dies:
            self.world.history.struck(kind)
            return True
        return False

    def may_die(self, kind):
        """Stop here, sometimes."""
        if self.dies(kind):
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
