"""The real loop under a flood: a quiet kiosk's receipt comes first, PUBACKs keep their order; and what the loop says of itself."""

import dataclasses
import threading
from collections import deque
from itertools import count

import pytest

from gateway.measures import Measures
from gateway.port import ConnectionState, Delivery
from gateway.worker import Rhythm, Worker
from registry.gateway_reports import latest_reports
from residence.wire.receipts import unpack_receipts


class Line:
    """The port with a broker's queue behind it: first come, first served."""

    state = ConnectionState.CONNECTED

    def __init__(self, deliveries):
        numbers = count(1)
        self.queue = deque(dataclasses.replace(each, connection=1, message_id=next(numbers)) for each in deliveries)
        self.acknowledged = []
        self.answered = []

    def collect(self, limit, *, wait_seconds, fill_seconds):
        return [self.queue.popleft() for _ in range(min(limit, len(self.queue)))]

    def acknowledge(self, deliveries):
        self.acknowledged += [each.message_id for each in deliveries]

    def publish(self, topic, payload, *, retain=False):
        self.answered += [topic] * len(list(unpack_receipts(payload)))
        return True

    def flush(self):
        pass


@pytest.fixture
def office(small_office):
    return small_office


def make_worker(office, line, batch):
    measures = Measures(worker="luutru-gateway", shards="0-63", monotonic_ns=office.clock.monotonic_ns)
    intake = office.make_intake(lap=measures.lap)
    return Worker(line, intake, clock=office.clock, rhythm=Rhythm(batch=batch), measures=measures)


@pytest.mark.parametrize("valid", [True, False], ids=["a flood of declarations", "a flood of noise"])
def test_a_flood_of_one_kiosk_lets_the_quiet_one_through_in_the_next_batch(office, valid):
    loud, quiet = office.kiosk(0), office.kiosk(1)
    noise = Delivery(topic=loud.topics.declarations, payload=b"noise")
    line = Line([*(office.deliver(loud) if valid else noise for _ in range(30)), office.deliver(quiet)])
    worker = make_worker(office, line, batch=10)
    worker.turn(threading.Event())
    assert quiet.topics.receipts in line.answered
    assert line.acknowledged == list(range(1, 10))  # the quiet one's own waits for those that came before it
    for _ in range(4):
        worker.turn(threading.Event())
    assert line.acknowledged == list(range(1, 32))
    assert office.count("declarations") == (31 if valid else 1)


def test_the_loop_reports_its_stages_outcomes_and_what_it_holds(office):
    line = Line([office.deliver(office.kiosk()) for _ in range(25)])
    worker = make_worker(office, line, batch=10)
    worker.turn(threading.Event())
    with office.registry.reading() as connection:
        (report,) = latest_reports(connection, since=office.clock.now())
    assert set(report.stages) == {
        "collect",
        "read",
        "look-ups",
        "reconcile",
        "rows",
        "receipts",
        "commit",
        "acknowledge",
        "answer",
    }
    assert (report.committed, report.batch_size_max, report.in_hand, report.outcomes) == (10, 10, 15, {"accepted": 10})
    assert [each.kiosk_id for each in report.lags] == ["kiosk-000"]
    office.clock.pass_time(seconds=3)
    worker.turn(threading.Event())
    with office.registry.reading() as connection:
        (report,) = latest_reports(connection, since=office.clock.now())
    assert (report.committed, report.seconds, report.in_hand) == (10, 3.0, 5)
    assert report.oldest_unacked_seconds == 3.0


def test_a_report_that_cannot_be_written_stops_nothing(office, monkeypatch):
    def failing(*_arguments, **_named):
        raise RuntimeError

    monkeypatch.setattr("gateway.worker.write_report", failing)
    line = Line([office.deliver(office.kiosk()) for _ in range(3)])
    make_worker(office, line, batch=10).turn(threading.Event())
    assert line.acknowledged == [1, 2, 3]
