"""The parts of the large campaign: everything the product's, recorded into the ledger.

- After the run: the ledger and the history agree, and what the declarations add up to, folded by the product's ``reconcile``, is the
  same in the order they came and in the order they were made. So order per kiosk is not needed, and does not matter.

Example: ``run_seed(7, parts=LEDGER_PARTS, folder=folder, empty_store=store)``
"""

from __future__ import annotations

from datetime import timedelta

from memory_registry import MemoryRegistry

from faults.ledger import Ledger, LedgerRegistry
from faults.virtual_time import BEGIN
from faults.world import Parts
from gateway.clock_claims import ClockBounds
from gateway.trust import Trust
from registry.kiosks import Enrolment
from residence.credentials.chip.trust_store import TrustStore as ChipTrustStore

FOLDED_EVERY = 10  # folding costs as much as a third of the run


class LedgerTrust:
    """Whom a gateway believes, straight from the authority; the real one asks the registry (the other campaign has it)."""

    clock_bounds = ClockBounds(ahead=timedelta.max, behind=timedelta.max)  # dead letters are in the other campaign

    @staticmethod
    def chip_trust(_now):
        return ChipTrustStore()

    def __init__(self, world):
        self._world = world
        self._ring = None

    def current(self, _now):
        ring = self._world.authority.ring
        if ring is not self._ring:
            self._ring = ring
            enrolments = {
                each.kiosk_id: Enrolment(kiosk_id=each.kiosk_id, premises_id=each.site, commune_code="demo-01", profile="lobby")
                for each in self._world.kiosks
            }
            revoked = frozenset(each.key_id for each in ring.entries if each.use == "receipt" and each.revoked_at)
            self._trust = Trust(keyring=ring, enrolments=enrolments, revoked_receipt_keys=revoked)
        return self._trust

    def site_of(self, kiosk_id):
        return next((each.site for each in self._world.kiosks if each.kiosk_id == kiosk_id), None)

    def revoked_in(self, _connection):
        return frozenset(each.key_id for each in self._world.authority.ring.entries if each.revoked_at)


def _prepare(world):
    world.ledger = Ledger()


def _record(intake, connection, reads, now):
    gateway = intake.gateway
    statements = [each.statement for each in reads]
    return connection.record(statements, signer=gateway.signer, now=now, random_bytes=gateway.world.rng.randbytes)


def _forget(connection, declaration_ids):
    for each in declaration_ids:
        connection.forget(each)


def _afterwards(world):
    ledger, history = world.ledger, world.history
    problems = []
    if [each.declaration_id for each in ledger.messages] != [each[0] for each in history.effects]:
        problems.append("the ledger and the history differ")
    came = ledger.messages
    if world.seed % FOLDED_EVERY == 0 and picture(came) != picture(sorted(came, key=lambda each: each.declaration_id)):
        problems.append("the order of arrival mattered")
    return problems


def picture(messages):
    """Return what declarations add up to."""
    registry = MemoryRegistry()
    for each in messages:
        registry.receive(each, at=BEGIN)
    return registry.picture()


LEDGER_PARTS = Parts(
    prepare=_prepare,
    open_registry=lambda world: LedgerRegistry(world.ledger),
    record=_record,
    trust=lambda world, _registry: LedgerTrust(world),
    forget=_forget,
    afterwards=_afterwards,
)
