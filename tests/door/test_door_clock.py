"""A kiosk whose clock is wrong: nobody is kept out by it, and what happened is dated again once the clock is confirmed."""

from datetime import timedelta

import pytest
from authority import Authority
from door_parts import EVENING, Kiosk, entry, listing
from factories import StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.door.machine import Ticked
from edge_agent.event_keeper import EventKeeper, Look
from registry.deletions import carry_out
from registry.door_boots import really_at, references
from registry.door_events import recent_events, record_events
from registry.retention_policy import read_policy
from residence.clock import rfc3339
from residence.wire.door_events import DoorEvent, DoorEventBatch
from residence.wire.times import Times

BOOT, OTHER_BOOT = "b0070000-0000-4000-8000-000000000001", "b0070000-0000-4000-8000-000000000002"
HOUR_NS = 3_600_000_000_000
WRONG = EVENING.replace(year=2031)


def event(sequence, *, hour, wall, state, boot=BOOT):
    return DoorEvent(sequence, boot, hour * HOUR_NS, rfc3339(wall), state, "lobby", "granted")


@pytest.fixture
def registry(tmp_path):
    office = Authority(tmp_path)
    yield office.registry
    office.close()


def test_what_came_before_the_clock_was_confirmed_is_dated_by_the_same_start_and_nothing_else_is(registry):
    events = (
        event(1, hour=1, wall=WRONG, state="rtc_only"),
        event(2, hour=2, wall=WRONG, state="unset"),
        event(3, hour=2, wall=WRONG, state="rtc_only", boot=OTHER_BOOT),
        event(4, hour=5, wall=EVENING, state="synced"),
        event(5, hour=6, wall=EVENING + timedelta(hours=1), state="synced"),
    )
    with registry.writing() as connection:
        for some in (events[:3], events[3:]):  # the confirmed moment comes in a later message
            batch = DoorEventBatch(kiosk_id="kiosk-lobby-1", epoch="e", oldest_held=1, events=some)
            record_events(connection, batch, commune_code="demo-01", now=EVENING)
        found = [each.corrected_at for each in recent_events(connection)]
        assert found == [EVENING - timedelta(hours=4), EVENING - timedelta(hours=3), None, None, None]
        assert recent_events(connection)[0].wall_at == WRONG, "what the kiosk said stays as it is"
    carry_out(registry, read_policy(), clock=StandingClock(EVENING + timedelta(days=30)), by="test")
    with registry.reading() as connection:
        assert recent_events(connection) == []
        assert references(connection, {("kiosk-lobby-1", BOOT)}) == {}


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.timedeltas(timedelta(days=-9000), timedelta(days=9000)))
@settings(deadline=None)
def test_however_wrong_the_clock_was_the_true_time_comes_out(then, later, off):
    true = EVENING - timedelta(microseconds=(later - then) / 1000)
    said = Times(boot_id=BOOT, monotonic_ns=then, wall=rfc3339(true + off), time_state="rtc_only")
    reference = Times(boot_id=BOOT, monotonic_ns=later, wall=rfc3339(EVENING), time_state="synced")
    assert abs(really_at(said, reference) - true) <= timedelta(microseconds=1)


def test_a_door_lets_people_in_by_a_clock_that_is_not_confirmed_and_the_book_says_when_it_is(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))], clock=StandingClock(), synced=False)
    events = EventKeeper(kiosk.log, look=lambda: Look(monotonic_ns=1, time_state=kiosk.outbox.time_state()))
    kiosk.keeper.turn(Ticked())
    events.turn()
    kiosk.show("an", challenge=kiosk.keeper.view().challenge)
    assert kiosk.relay.driven
    kiosk.synced = True
    events.turn()
    events.turn()
    assert [each for each in kiosk.written() if each.startswith("clock")] == ["clock synced"]
    assert [each.time_state for each in kiosk.log.waiting(10)][-1] == "synced"
