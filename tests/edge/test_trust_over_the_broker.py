"""The trust bundle's way over a real Mosquitto: from the file a gateway goes by to a kiosk's store, and what a chip is worth there then."""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest
from authority import ENROLLED, Authority
from chip_parts import pki
from gateway_thread import GatewayThread, eventually

from edge_agent.declaring import Machine
from edge_agent.line import Line
from edge_agent.outbox import Outbox
from edge_agent.store import open_store
from edge_agent.trust_papers import TrustPapers
from edge_agent.uplink import Uplink
from luutru.keys import make_key, read_signing_key
from luutru.system import random_bytes, system_clock
from registry import kiosks
from residence.wire.keyring import AUTHORITY, Keyring
from residence.wire.trust_bundle import TrustBundle, sign_bundle


class Office(Authority):
    """An authority with a key for bundles, and the file its gateways go by."""

    def __init__(self, folder):
        super().__init__(folder)
        self.signer_file = self.keys / "keyring.key"
        about = {"use": "keyring", "owner": AUTHORITY, "now": ENROLLED, "random_bytes": random_bytes}
        key = make_key(self.signer_file, key_id="keyring-1", **about)
        with self.registry.writing() as connection:
            kiosks.add_key(connection, key, commune_code="demo-01")
        self.ring = Keyring((*self.keyring.entries, key))
        self.bundle_file = folder / "trust.bundle"
        self.country = pki.Country()

    def publishes(self, version, *, more=0):
        """Sign a bundle; ``more`` bytes make it longer."""
        now = system_clock().now()
        certificates = (self.country.authority.der, *((random.Random(version).randbytes(more),) if more else ()))
        bundle = TrustBundle(version=version, issued=now, expires=now + timedelta(days=30), certificates=certificates)
        self.bundle_file.write_bytes(sign_bundle(bundle, read_signing_key(self.signer_file, use="keyring")))
        os.utime(self.bundle_file, ns=(version, version))


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "office"
    folder.mkdir()
    office = Office(folder)
    yield office
    office.close()


class Kiosk:
    """One enrolled kiosk's store and line."""

    def __init__(self, office, broker, folder):
        kiosk, clock = office.kiosk(), system_clock()
        identity = broker.pki.kiosk(kiosk.kiosk_id).copy_to(folder, as_name="kiosk")
        machine = Machine(clock=clock, boot_id="b1", random_bytes=random_bytes, clock_synced=lambda: True)
        about = {"kiosk_id": kiosk.kiosk_id, "signer": kiosk.signer, "machine": machine, "built_at": ENROLLED}
        self.outbox = Outbox(open_store(folder / "kiosk.db"), provisioned=office.ring, **about)
        self.papers = TrustPapers(self.outbox.store, keyring=lambda: self.outbox.anchor.keyring)
        line = Line(
            host=broker.host,
            port=broker.port,
            site=kiosk.premises_id,
            kiosk_id=kiosk.kiosk_id,
            ca_file=identity.ca,
            certificate_file=identity.certificate,
            key_file=identity.key,
            boot_id="b1",
        )
        self.uplink = Uplink(self.outbox, line, clock=clock, jitter=random.random, trust=self.papers)
        self.uplink.start()

    @property
    def version(self):
        return self.papers.store.version

    def leave(self):
        self.uplink.stop()
        self.outbox.close()


def test_a_bundle_reaches_kiosks_that_are_there_and_those_that_come_later_and_no_older_one_does(office, broker, tmp_path):
    office.publishes(7, more=40_000)
    gateway = GatewayThread(office, broker, tmp_path / "gateway", chip_trust=office.bundle_file)
    kiosk = Kiosk(office, broker, tmp_path / "kiosk")
    eventually(lambda: kiosk.version == 7)
    assert len(kiosk.papers.store.anchors) == 1
    kiosk.leave()
    gateway.stop()

    office.publishes(8)
    gateway = GatewayThread(office, broker, tmp_path / "gateway", chip_trust=office.bundle_file)
    kiosk = Kiosk(office, broker, tmp_path / "kiosk")
    eventually(lambda: kiosk.version == 8)
    gateway.stop()

    office.publishes(6)  # somebody starts a gateway with a file of last month
    gateway = GatewayThread(office, broker, tmp_path / "gateway", chip_trust=office.bundle_file)
    eventually(lambda: kiosk.papers.health(system_clock().now()) == "degraded:trust.rollback")
    assert kiosk.version == 8
    gateway.stop()
    kiosk.leave()
