"""The negative controls: known bugs, planted one at a time, each a few lines in the place of the product's own.

- A checker that finds nothing may be blind. So every campaign runs these too, and fails unless each of them is found.
- Each says which sentence of the checker it must be found by, so that a bug is not "found" by an accident of the planting.

Example: ``planted(LEDGER_PARTS)["delete on PUBACK"].parts``
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from edge_agent.store import remember
from faults.gateway import WatchedIntake
from faults.gateway_line import SimulatedTransport
from faults.kiosk import FallibleStore, NotedOutbox, SimulatedUplink
from gateway.receipts import post
from residence.wire.envelope import read_header


class AcknowledgesAtOnce(SimulatedTransport):
    """Acknowledge before the commit: the broker forgets what no registry has."""

    def collect(self, limit, *, wait_seconds, fill_seconds):
        batch = super().collect(limit, wait_seconds=wait_seconds, fill_seconds=fill_seconds)
        for each in self.own(batch):
            self.send_acknowledgement(each)
        return batch

    def acknowledge(self, deliveries):
        """Done already."""


class AnswersFirstWaitsNot(SimulatedTransport):
    """Acknowledge after the commit, whether or not the broker has the receipts: with the gateway they die."""

    def acknowledge(self, deliveries):
        for each in self.own(deliveries):
            self.send_acknowledgement(each)


class AnswersEarly(WatchedIntake):
    """Receipt before the commit: a promise of what may never be."""

    def record_in(self, connection, reads, now):
        recorded = super().record_in(connection, reads, now)
        post(self.gateway.transport, [(read.topic, each.receipt_bytes) for read, each in zip(reads, recorded, strict=True)])
        return recorded


class RemembersInMemory(WatchedIntake):
    """Deduplicate in memory only: a restart forgets what was recorded."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self._seen = set()

    def record_in(self, connection, reads, now):
        own_ids = [each.header.declaration_id for each in reads]
        self.gateway.world.parts.forget(connection, [each for each in own_ids if each not in self._seen])
        self._seen.update(own_ids)
        return super().record_in(connection, reads, now)


class DeletesOnPuback(NotedOutbox):
    """Delete on PUBACK: believe the broker."""

    def mark_sent(self, declaration_id):
        super().mark_sent(declaration_id)
        with self._store.transaction() as cursor:
            cursor.execute("DELETE FROM outbox WHERE declaration_id = ?", (declaration_id,))


class NeverSyncs(FallibleStore):
    """No fsync: a commit that a power cut takes back."""

    def _prepare(self):
        super()._prepare()
        self._connection.execute("PRAGMA synchronous=OFF")


class KeepsItsEpoch(NotedOutbox):
    """Reused sequence after a reset: an epoch that belongs to the kiosk and not to the store."""

    def __init__(self, store, **named):
        with store.transaction() as cursor:
            remember(cursor, "epoch", "e90c0000-0000-4000-8000-000000000000")
        super().__init__(store, **named)


class HidesOlderRows(SimulatedUplink):
    """A resend moves the place up to which the outbox was looked through: the product's own bug, found here and mended."""

    def _publish_row(self, envelope):
        self._plan.cursor = max(self._plan.cursor, read_header(envelope).sequence)
        return super()._publish_row(envelope)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A bug in its place, and how it has to show."""

    parts: Any
    shows_as: tuple


def planted(parts):
    """Return every planted bug over ``parts``, by name."""
    return {
        "acknowledge before commit": _plant(parts, "acknowledged before the commit", transport=AcknowledgesAtOnce),
        "acknowledge without the receipt": _plant(parts, "acknowledged before the broker had", transport=AnswersFirstWaitsNot),
        "deduplicate in memory": _plant(parts, "doubled", intake=RemembersInMemory),
        "delete on PUBACK": _plant(parts, "lost", outbox=DeletesOnPuback),
        "receipt before commit": _plant(parts, "receipt before the commit", "settled without an effect", intake=AnswersEarly),
        "no fsync": _plant(parts, "lost", store=NeverSyncs),
        "reused sequence after reset": _plant(parts, "lost", outbox=KeepsItsEpoch),
        "resends hide older rows": _plant(parts, "not settled", uplink=HidesOlderRows),
    }


def _plant(parts, *shows_as, **changes):
    return Planted(parts=dataclasses.replace(parts, **changes), shows_as=shows_as)
