"""States of kiosks are signed by nobody, and door events by a kiosk that may be anybody's: what one of them says keeps no other from being written."""

import msgspec
import pytest
from sqlalchemy import select

import gateway.door_events
import gateway.kiosk_states
from gateway.door_events import DoorEvents
from gateway.kiosk_states import KioskStates
from gateway.port import Delivery
from registry import tables
from registry.tables_doors import door_events
from residence.clock import rfc3339
from residence.wire.door_events import DoorEvent, DoorEventBatch, sign_events

GARBLED = {
    "a version with NUL": {"version": "1\x00"},
    "a reader with NUL": {"readers": {"camera\x00": "ok"}},
    "a version longer than its column": {"version": "v" * 500},
    "more connections than a number holds": {"session": 1 << 70},
    "a negative count": {"outbox_depth": -1},
    "more rows than a number holds": {"outbox_depth": 1 << 40},
    "a hundred readers": {"readers": {f"reader-{each}": "ok" for each in range(100)}},
}


def sign_of_life(office, number, **changes):
    kiosk = office.kiosk(number)
    state = {"kiosk_id": kiosk.kiosk_id, "session": 1, "online": True, "at": rfc3339(office.clock.now()), **changes}
    return Delivery(topic=kiosk.topics.state, payload=msgspec.json.encode(state))


def seen(office):
    with office.registry.reading() as connection:
        columns = tables.kiosks.c
        return set(connection.scalars(select(columns.kiosk_id).where(columns.seen_at.is_not(None))))


def events_of(office, number, *, door="entrance", epoch="epoch-1"):
    kiosk = office.kiosk(number)
    event = DoorEvent(1, "boot", 1, rfc3339(office.clock.now()), "synced", door, "door.opened")
    batch = DoorEventBatch(kiosk_id=kiosk.kiosk_id, epoch=epoch, oldest_held=1, events=(event,))
    return Delivery(topic=kiosk.topics.events, payload=sign_events(batch, kiosk.signer))


class Wire:
    """What is answered."""

    def __init__(self):
        self.topics = []

    def publish(self, topic, payload, *, retain=False):
        self.topics.append(topic)
        return True

    def flush(self):
        pass


def test_a_garbled_state_is_not_believed_and_the_others_are_written(small_office):
    states = KioskStates(small_office.registry)
    trust = small_office.intake.trust.current(small_office.clock.now())
    for changes in GARBLED.values():
        assert not states.hear(sign_of_life(small_office, 0, **changes), trust)
    assert states.hear(sign_of_life(small_office, 1), trust)
    assert states.write(small_office.clock.now()) == 1
    assert seen(small_office) == {small_office.kiosk(1).kiosk_id}


def test_a_state_that_no_table_takes_is_let_go_and_the_others_are_written(small_office, monkeypatch):
    keep = gateway.kiosk_states.keep_state

    def failing(connection, state, **others):
        if state.version == "bad":
            raise OverflowError
        return keep(connection, state, **others)

    monkeypatch.setattr(gateway.kiosk_states, "keep_state", failing)
    states = KioskStates(small_office.registry)
    trust = small_office.intake.trust.current(small_office.clock.now())
    assert states.hear(sign_of_life(small_office, 0, version="bad"), trust)
    assert states.hear(sign_of_life(small_office, 1), trust)
    assert states.write(small_office.clock.now()) == 1
    assert states.write(small_office.clock.now()) == 0
    assert seen(small_office) == {small_office.kiosk(1).kiosk_id}


@pytest.mark.parametrize("hostile", [{"door": "x\x00"}, {"door": "d" * 400}, {"epoch": "e" * 400}])
def test_garbled_door_events_are_not_believed(small_office, hostile):
    trust = small_office.intake.trust.current(small_office.clock.now())
    events = DoorEvents(small_office.registry, signer=small_office.intake.signer)
    assert not events.hear(events_of(small_office, 0, **hostile), trust, small_office.clock.now())


def test_door_events_that_no_table_takes_hold_up_their_own_kiosk_only(small_office, monkeypatch):
    keep, bad = gateway.door_events.record_events, small_office.kiosk(0).kiosk_id

    def failing(connection, batch, **others):
        if batch.kiosk_id == bad:
            raise OverflowError
        return keep(connection, batch, **others)

    monkeypatch.setattr(gateway.door_events, "record_events", failing)
    now, wire = small_office.clock.now(), Wire()
    trust = small_office.intake.trust.current(now)
    events = DoorEvents(small_office.registry, signer=small_office.intake.signer)
    assert all(events.hear(events_of(small_office, number), trust, now) for number in (0, 1))
    events.write(wire, now)
    with small_office.registry.reading() as connection:
        assert list(connection.scalars(select(door_events.c.kiosk_id))) == [small_office.kiosk(1).kiosk_id]
    assert [each.split("/")[4] for each in wire.topics] == [small_office.kiosk(1).kiosk_id]
