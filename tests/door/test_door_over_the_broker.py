"""The whole way over a real Mosquitto: the gateway's worker and a kiosk's uplink, each as its process puts it together."""

import random
from pathlib import Path

import pytest
from authority import ENROLLED, Authority
from door_parts import DOOR
from gateway_thread import GatewayThread, eventually

from edge_agent.declaring import Machine
from edge_agent.door.event_log import DoorEventLog
from edge_agent.door.papers import DoorPapers
from edge_agent.door.posting import DoorPost
from edge_agent.line import Line
from edge_agent.outbox import Outbox
from edge_agent.store import open_store
from edge_agent.uplink import Uplink
from luutru.keys import make_key
from luutru.system import random_bytes, system_clock
from registry import kiosks
from registry.door_events import recent_events
from registry.doors import add_door, order_mode
from residence.doors.words import DoorMode
from residence.wire.keyring import AUTHORITY, Keyring

EVENTS = 150


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "office"
    folder.mkdir()
    office = Authority(folder)
    key = make_key(
        office.keys / "door-list.key",
        key_id="door-list-1",
        use="door-list",
        owner=AUTHORITY,
        now=ENROLLED,
        random_bytes=random_bytes,
    )
    with office.registry.writing() as connection:
        kiosks.add_key(connection, key, commune_code="demo-01")
        add_door(connection, office.kiosk().premises_id, DOOR.name, commune_code="demo-01", now=ENROLLED)
    office.ring = Keyring((*office.keyring.entries, key))
    yield office
    office.close()


def kiosk_of(office, broker, folder: Path):
    """One enrolled kiosk's outbox, door events, papers and uplink."""
    kiosk, clock = office.kiosk(), system_clock()
    identity = broker.pki.kiosk(kiosk.kiosk_id).copy_to(folder, as_name="kiosk")
    machine = Machine(clock=clock, boot_id="b1", random_bytes=random_bytes, clock_synced=lambda: True)
    outbox = Outbox(
        open_store(folder / "kiosk.db"),
        kiosk_id=kiosk.kiosk_id,
        signer=kiosk.signer,
        provisioned=office.ring,
        machine=machine,
        built_at=ENROLLED,
    )
    ring = lambda: outbox.anchor.keyring  # noqa: E731
    log = DoorEventLog(outbox.store, times=outbox.times, random_bytes=random_bytes)
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
        boot_id="b1",
        backoff_base=0.1,
        backoff_cap=1.0,
    )
    post = DoorPost(log, papers, **about, keyring=ring, jitter=random.random)
    return outbox, log, papers, Uplink(outbox, line, clock=clock, jitter=random.random, post=post)


def test_lists_orders_and_events_go_their_way_and_a_gateway_that_was_away_loses_none(office, broker, tmp_path, request):
    outbox, log, papers, uplink = kiosk_of(office, broker, tmp_path / "kiosk")
    request.addfinalizer(uplink.stop)
    for number in range(EVENTS):
        log.append(door=DOOR.name, what="reader", detail=str(number))
    uplink.start()  # nobody takes anything yet
    gateway = GatewayThread(office, broker, tmp_path / "gateway")
    eventually(lambda: log.depth() == 0)
    eventually(lambda: papers.book.version == 1)
    assert papers.book.doors == (DOOR.name,)
    gateway.stop()
    log.append(door=DOOR.name, what="reader", detail="while nobody was there")
    with office.registry.writing() as connection:
        order_mode(connection, office.kiosk().premises_id, DOOR.name, DoorMode.LOCK_DOWN, now=system_clock().now())
    gateway = GatewayThread(office, broker, tmp_path / "gateway")
    eventually(lambda: papers.book.mode(DOOR.name) is DoorMode.LOCK_DOWN)
    eventually(lambda: log.depth() == 0)
    gateway.stop()
    uplink.stop()
    outbox.close()
    with office.registry.reading() as connection:
        details = [each.detail for each in recent_events(connection, limit=1000)]
    assert details == [*map(str, range(EVENTS)), "while nobody was there"]
