"""A kiosk's line to a real broker, as its process puts it together."""

from __future__ import annotations

import random
from pathlib import Path

from authority import ENROLLED
from kiosk_parts import BOOT

from edge_agent.asked import Asked, KioskPost
from edge_agent.declaring import Machine
from edge_agent.door.papers import DoorPapers
from edge_agent.event_book import EventBook
from edge_agent.event_posting import EventPost
from edge_agent.line import Line
from edge_agent.outbox import Outbox
from edge_agent.store import open_store
from edge_agent.uplink import Uplink
from luutru.system import random_bytes, system_clock


def kiosk_of(office, broker, folder: Path, *, clock=None, synced=lambda: True):
    """One enrolled kiosk's outbox, events, papers, questions and uplink; the keyring is the office's ``ring``."""
    kiosk, clock = office.kiosk(), clock or system_clock()
    identity = broker.pki.kiosk(kiosk.kiosk_id).copy_to(folder, as_name="kiosk")
    machine = Machine(clock=clock, boot_id=BOOT, random_bytes=random_bytes, clock_synced=synced)
    outbox = Outbox(
        open_store(folder / "kiosk.db"),
        kiosk_id=kiosk.kiosk_id,
        signer=kiosk.signer,
        provisioned=office.ring,
        machine=machine,
        built_at=ENROLLED,
    )
    ring = lambda: outbox.anchor.keyring  # noqa: E731
    log = EventBook(outbox, random_bytes=random_bytes)
    papers = DoorPapers(outbox.store, keyring=ring, site=kiosk.premises_id)
    about = {"kiosk_id": kiosk.kiosk_id, "epoch": outbox.epoch, "signer": kiosk.signer}
    line = Line(
        host=broker.host,
        port=broker.port,
        site=kiosk.premises_id,
        kiosk_id=kiosk.kiosk_id,
        ca_file=identity.ca,
        certificate_file=identity.certificate,
        key_file=identity.key,
        version="test",
        boot_id=BOOT,
        backoff_base=0.1,
        backoff_cap=1.0,
    )
    post = EventPost(log, **about, keyring=ring, jitter=random.random)
    asked = Asked(kiosk_id=kiosk.kiosk_id, keyring=ring, monotonic_ns=clock.monotonic_ns)
    return (
        outbox,
        log,
        papers,
        asked,
        Uplink(outbox, line, clock=clock, jitter=random.random, post=KioskPost(asked, post, papers)),
    )
