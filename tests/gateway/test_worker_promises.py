"""The loop's promises: commit, then answer, then acknowledge; hold on while the registry is away; say nothing personal."""

import io
import json
import threading
from contextlib import contextmanager, redirect_stderr
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

import registry.recording_batch
from gateway.port import ConnectionState, Delivery
from gateway.transport import MqttTransport
from gateway.worker import Duty, Rhythm, Worker
from luutru.logs import configure_logs
from registry import tables
from residence.wire.receipts import unpack_receipts, verify_receipt
from residence.wire.state import KioskState, encode_state


class Wire:
    """The port with nothing behind it: what was delivered, acknowledged and sent, in order."""

    state = ConnectionState.CONNECTED

    def __init__(self, *batches):
        self.batches = list(batches)
        self.story = []
        self.flushed = 0

    def start(self):
        self.story.append("start")

    def stop(self):
        self.story.append("stop")

    def collect(self, _limit, *, wait_seconds, fill_seconds):
        return self.batches.pop(0) if self.batches else []

    def acknowledge(self, deliveries):
        self.story.append(("ack", len(deliveries)))

    def publish(self, topic, payload, *, retain=False):
        self.story.append(("publish", topic, payload))
        return True

    def flush(self):
        self.flushed = len(self.story)


class Outage:
    """A registry that cannot be reached for a number of transactions."""

    def __init__(self, registry, times):
        self._registry = registry
        self.times = times
        self.vault = registry.vault
        self.reading = registry.reading

    @contextmanager
    def writing(self):
        if self.times:
            self.times -= 1
            raise OperationalError("BEGIN", {}, Exception("away"))
        with self._registry.writing() as connection:
            yield connection


@pytest.fixture
def office(small_office):
    yield small_office
    structlog.reset_defaults()


def make_worker(office, wire, **changes):
    return Worker(wire, changes.pop("intake", office.intake), clock=office.clock, rhythm=Rhythm(**changes))


def test_the_line_conforms_to_the_port():
    assert not {
        name
        for name in ("start", "stop", "collect", "acknowledge", "publish", "flush", "state")
        if not hasattr(MqttTransport, name)
    }


def test_a_batch_is_committed_then_answered_then_acknowledged(office):
    kiosk = office.kiosk()
    wire = Wire([office.deliver(kiosk), office.deliver(kiosk)])
    make_worker(office, wire).turn(threading.Event())
    (name, topic, payload), acknowledged = wire.story
    assert (name, topic) == ("publish", kiosk.topics.receipts)
    assert acknowledged == ("ack", 2)
    assert wire.flushed == len(wire.story)
    assert [verify_receipt(each, keyring=office.keyring).state for each in unpack_receipts(payload)] == ["accepted"] * 2
    assert office.count("declarations") == 2


def test_while_the_registry_is_away_nothing_is_acknowledged_and_then_all_is_well(office, monkeypatch):
    monkeypatch.setattr("gateway.worker.BACK_OFF_FIRST", 0.001)
    outage = Outage(office.registry, times=3)
    wire = Wire([office.deliver(office.kiosk())])
    make_worker(office, wire, intake=office.make_intake(outage)).turn(threading.Event())
    assert outage.times == 0
    assert [step[0] for step in wire.story] == ["publish", "ack"]
    assert office.count("declarations") == 1


class Unhurried(threading.Event):
    """Nobody asks to stop, and no pause is waited for."""

    def __init__(self):
        super().__init__()
        self.pauses = []

    def wait(self, timeout=None):
        self.pauses.append(timeout)
        return False


def test_a_registry_that_is_away_is_asked_at_least_every_two_seconds(office):
    stopping, wire = Unhurried(), Wire([office.deliver(office.kiosk())])
    make_worker(office, wire, intake=office.make_intake(Outage(office.registry, times=12))).turn(stopping)
    assert stopping.pauses[:6] == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert max(stopping.pauses) == 2.0
    assert office.count("declarations") == 1


def test_asked_to_stop_during_an_outage_it_leaves_everything_to_the_broker(office):
    stopping = threading.Event()
    stopping.set()
    wire = Wire([office.deliver(office.kiosk())])
    make_worker(office, wire, intake=office.make_intake(Outage(office.registry, times=99))).turn(stopping)
    assert wire.story == []
    assert office.count("declarations") == 0


def test_a_kiosks_state_is_kept_for_the_operator(office):
    kiosk = office.kiosk()

    def state(session, **changes):
        fields = {"kiosk_id": kiosk.kiosk_id, "session": session, "online": True, "at": "2026-07-10T07:00:00Z", **changes}
        return Delivery(topic=kiosk.topics.state, payload=encode_state(KioskState(**fields)))

    others = Delivery(topic=office.kiosk(1).topics.state, payload=state(9).payload)
    garbage = Delivery(topic=kiosk.topics.state, payload=b"{")
    wire = Wire([state(1), state(2, outbox_depth=7), others, garbage, state(1, online=False)])
    worker = make_worker(office, wire)
    worker.turn(threading.Event())
    with office.registry.reading() as connection:
        (row,) = connection.execute(select(tables.kiosks).where(tables.kiosks.c.kiosk_id == kiosk.kiosk_id)).all()
    assert (row.session, row.online, row.outbox_depth) == (2, True, 7)
    assert worker.counts["state not believed"] == 2


def test_a_failing_duty_waits_for_its_next_turn_and_stops_nothing(office):
    done = []

    def work(now):
        done.append(now)
        raise RuntimeError

    duty = Duty("sweep", timedelta(minutes=1), work)
    for _ in range(3):
        duty.perform(office.clock.now())
    office.clock.pass_time(minutes=1)
    duty.perform(office.clock.now())
    assert len(done) == 2


def test_a_clock_set_back_does_not_silence_the_duties(office):
    done = []
    duty = Duty("sweep", timedelta(minutes=1), done.append)
    duty.perform(office.clock.now())
    office.clock.pass_time(days=-400)
    duty.perform(office.clock.now())
    assert len(done) == 2


def test_no_log_line_names_anybody(office, monkeypatch):
    kiosk = office.kiosk()
    secret = office.person(residence_text="Số 77 Ngõ Bí Mật")
    poison = office.declaration(kiosk, person=secret)
    wrong = office.declaration(kiosk, person=secret, premises_id="blk-999")
    check = registry.recording_batch.check_declaration

    def failing(declaration, **others):
        if declaration.declaration_id == poison.declaration_id:
            raise ValueError(f"cannot bear {declaration.person}")
        return check(declaration, **others)

    monkeypatch.setattr(registry.recording_batch, "check_declaration", failing)
    spoken = io.StringIO()
    with redirect_stderr(spoken):
        configure_logs()
        skipped = office.deliver(kiosk)
        wire = Wire([office.deliver(kiosk, poison), office.deliver(kiosk, wrong), office.deliver(kiosk, poison)])
        worker = make_worker(office, wire, report_every=timedelta(0))
        worker.turn(threading.Event())
        office.intake.take([skipped, office.deliver(kiosk, office.presence(kiosk, person=secret))])
    lines = [json.loads(line) for line in spoken.getvalue().splitlines()]
    assert {"dead letter", "worked"} <= {line["event"] for line in lines}
    for planted in (secret.full_name, secret.personal_number, "Bí Mật", secret.full_name.split()[-1]):
        assert planted not in spoken.getvalue()
    with office.registry.reading() as connection:
        letters = connection.execute(select(tables.quarantine.c.code, tables.quarantine.c.detail)).all()
    assert secret.personal_number not in repr(letters)
    assert secret.full_name not in repr(letters)
