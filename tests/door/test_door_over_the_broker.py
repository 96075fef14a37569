"""The whole way over a real Mosquitto: the gateway's worker and a kiosk's uplink, each as its process puts it together."""

from datetime import timedelta

import pytest
from authority import ENROLLED, Authority
from door_parts import DOOR
from gateway_thread import GatewayThread, eventually
from line_parts import kiosk_of
from sqlalchemy import select

from edge_agent.event_keeper import EventKeeper, Look
from luutru.keys import make_key
from luutru.system import random_bytes, system_clock
from registry import kiosks, tables
from registry.door_events import recent_events
from registry.doors import add_door, order_mode
from residence.clock import rfc3339
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


class MovedClock:
    """The machine's clocks, each moved by what the test says."""

    def __init__(self):
        self.wall, self.monotonic = timedelta(0), timedelta(days=9)  # it has been up for days

    def now(self):
        return system_clock().now() + self.wall

    def monotonic_ns(self):
        return system_clock().monotonic_ns() + int(self.monotonic.total_seconds()) * 1_000_000_000


def test_what_was_kept_by_a_wrong_clock_is_dated_once_it_is_confirmed_in_the_same_start(office, broker, tmp_path, request):
    clock, confirmed = MovedClock(), [False]
    outbox, book, _, _, uplink = kiosk_of(office, broker, tmp_path / "kiosk", clock=clock, synced=lambda: confirmed[0])
    events = EventKeeper(book, look=lambda: Look(monotonic_ns=clock.monotonic_ns(), time_state=outbox.time_state()))
    events.turn()
    came = system_clock().now() - timedelta(days=3)  # three days ago, when its clock was forty days behind
    clock.monotonic, clock.wall = timedelta(days=6), timedelta(days=-43)
    arrived = {"arrival": rfc3339(came), "declared_at": rfc3339(came), "planned_departure": None}
    kept = outbox.keep(office.declaration(office.kiosk(), **arrived))
    book.append(door="", what="reader", detail="ok camera")
    clock.monotonic = timedelta(days=9)
    gateway = GatewayThread(office, broker, tmp_path / "gateway")
    request.addfinalizer(gateway.stop)
    uplink.start()
    request.addfinalizer(uplink.stop)
    eventually(lambda: (outbox.depth(), book.depth()) == (0, 0))
    before = outbox.settlement(kept.declaration_id).receipt
    assert (before.state, before.on_time) == ("accepted", None), "nobody was called late by a clock that proves nothing"
    assert on_time(office, kept.declaration_id) is None
    clock.wall, confirmed[0] = timedelta(0), True
    events.turn()
    eventually(lambda: book.depth() == 0)
    assert on_time(office, kept.declaration_id) is True
    with office.registry.reading() as connection:
        dated = {each.what: each for each in recent_events(connection)}
    assert dated["reader"].time_state == "rtc_only"
    assert abs(dated["reader"].corrected_at - came) < timedelta(minutes=5)
    assert dated["clock"].detail == "synced"
    uplink.stop()
    outbox.close()


def on_time(office, declaration_id):
    columns = tables.declarations.c
    with office.registry.reading() as connection:
        return connection.execute(select(columns.on_time).where(columns.declaration_id == declaration_id)).scalar_one()
