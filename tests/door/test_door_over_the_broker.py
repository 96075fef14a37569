"""The whole way over a real Mosquitto: the gateway's worker and a kiosk's uplink, each as its process puts it together."""

import pytest
from authority import ENROLLED, Authority
from door_parts import DOOR
from gateway_thread import GatewayThread, eventually
from line_parts import kiosk_of

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


def test_lists_orders_and_events_go_their_way_and_a_gateway_that_was_away_loses_none(office, broker, tmp_path, request):
    outbox, log, papers, _, uplink = kiosk_of(office, broker, tmp_path / "kiosk")
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
