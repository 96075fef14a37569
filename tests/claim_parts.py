"""A served registry with an operator, an authority that makes certificates, and machines that become kiosks by claims."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from factories import make_declaration
from server_parts import Client, World, csrf_of, fields_of

from edge_agent.uplink import Uplink
from firmware_config.profiles import load_profile
from gateway.certifying import Certifying
from gateway.cutting import CutLine
from luutru.demo.pki import Pki
from luutru.kiosk_claiming import Claiming, ClaimTools
from luutru.processes.kiosk import open_outbox
from luutru.processes.kiosk_line import line_of
from luutru.processes.kiosk_renewing import renewing_of
from luutru.revocation import Fences, revoke_kiosk
from luutru.system import SystemClock, random_bytes
from registry.kiosk_certificates import newest, serials_in_force
from residence.clock import rfc3339
from residence.errors import Refused
from residence.wire.claims import read_claim
from residence.wire.keyring import KeyEntry, Keyring, dump_keyring, load_keyring
from residence.wire.signing import SealingKey

MACHINE = "10000000a1b2c3d4"


@dataclass
class Office:
    """A served registry with an operator, and an authority that makes certificates."""

    world: World
    pki: Pki
    folder: Path  # of this test
    client: Client  # a machine without a socket
    certifying: Certifying
    operator: Client
    lobby: str  # names of kiosks nobody has yet
    desk: str

    def send(self, url, data):
        """Send what a machine sends, without a socket; a refusal as ``post`` makes it."""
        answer = self.client.post(urlsplit(url).path, content=data)
        if answer.status_code != 200:
            raise Refused(answer.json()["code"])
        return answer.content

    @property
    def now(self):
        return self.world.clock.now()

    def pass_time(self, **time):
        """Let time pass; the operator signs in again."""
        self.world.clock.pass_time(**time)
        self.operator = self.world.client("operator")

    def make_claim(self, kiosk_id="", **changes):
        form = {
            "kiosk_id": kiosk_id or self.lobby,
            "machine": MACHINE,
            "premises_id": "blk-hoa-binh",
            "profile": "lobby",
            "replaces": "",
        }
        page = self.operator.post("/operators/claims", data={"csrf": csrf_of(self.operator), **form, **changes})
        found = re.search(r"luutru-claim/1/[!-~]+?(?=<)", page.text)
        return read_claim(found[0]) if found else page

    def claiming(self, claim, folder="machine", *, machine=MACHINE, send=None, store="file"):
        tools = ClaimTools(clock=self.world.clock, random_bytes=random_bytes, send=send or self.send, store=store)
        return Claiming(self.folder / folder, claim, machine=machine, tools=tools)

    def settle(self, claim, action="approve", **changes):
        address = f"/operators/claims/{claim.claim_id}"
        form = {"csrf": csrf_of(self.operator)} | fields_of(self.operator.get(address).text) | {"action": action} | changes
        return self.operator.post(address, data=form)

    def born(self, *, send=None):
        """Take a machine into service and return its profile."""
        claim = self.make_claim()
        claiming = self.claiming(claim, send=send)
        assert claiming.step() == "compare"
        assert self.settle(claim).status_code == 200
        assert self.certifying.perform(self.now) == 1
        assert claiming.step() == "issued"
        return load_profile(self.folder / "machine" / "kiosk.toml")

    def renewing(self, profile, *, send=None):
        return renewing_of(profile, clock=self.world.clock, refused=lambda: False, send=send or self.send)


def revoke(office, broker, kiosk_id):
    who = broker.pki.gateway()
    line = CutLine(host=broker.host, port=broker.port, ca=who.ca, certificate=who.certificate, key=who.key)

    def new_list(_kiosk_id):
        with office.world.registry.reading() as connection:
            assert newest(connection, kiosk_id) is not None
            serials = serials_in_force(connection, kiosk_id, now=office.now)
        return broker.pki.revoke(kiosk_id, serials=serials)

    fences = Fences(access=broker.access, line=line, revocations=new_list)
    return revoke_kiosk(kiosk_id, registry=office.world.registry, fences=fences, clock=SystemClock(), pause=time.sleep)


class Talking:
    """A kiosk's line to the broker by its profile, and its outbox."""

    def __init__(self, profile):
        clock = SystemClock()
        self._outbox = open_outbox(profile, clock=clock)
        line = msgspec.structs.replace(line_of(profile), backoff_base=0.1, backoff_cap=0.3)
        self._uplink = Uplink(self._outbox, line, clock=clock, jitter=random.random)

    def __enter__(self):
        self._uplink.start()
        return self._uplink

    def __exit__(self, *_exception):
        self._uplink.stop()
        self._outbox.close()


def declare(profile, office):
    sealing = SealingKey("seal-1", bytes(range(32)))
    ring = Path(profile.folder) / "keyring.json"
    known = load_keyring(ring.read_bytes())
    entry = KeyEntry(key_id="seal-1", use="seal", owner="authority", public_key=sealing.public_key, valid_from=rfc3339(office.now - timedelta(days=1)))  # fmt: skip
    ring.write_bytes(dump_keyring(Keyring((*known.entries, entry), serial=known.serial)))
    outbox = open_outbox(profile, clock=office.world.clock)
    outbox.keep(make_declaration(premises_id=profile.premises.id))
    outbox.close()


def read_of(pem):
    return x509.load_pem_x509_certificate(pem)


def wait_for(what, seconds=10.0):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()
