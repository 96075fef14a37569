"""The loop, the broker and the stores of the simulation do what they say, or nothing found with them means anything."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from faults.history import History
from faults.kiosk import FallibleStore
from faults.ledger import Ledger, LedgerRegistry
from faults.network import CALM, NOBODY, TAKEN, Broker
from faults.planted import NeverSyncs
from faults.virtual_time import Killed, Loop, Mailbox

TOPIC = "luutru/1/21/blk-hoa-binh/kiosk-lobby-1/d"
SHARD = "luutru/1/21/+/+/d"


def test_time_passes_only_from_event_to_event_and_ties_keep_their_order():
    loop, seen = Loop(), []
    for name, seconds in (("late", 5), ("first", 1), ("second", 1)):
        loop.call_after(seconds, lambda name=name: seen.append((name, loop.now)))
    loop.run_until(4)
    assert (seen, loop.now) == ([("first", 1), ("second", 1)], 4)
    loop.run_until(9)
    assert seen[-1] == ("late", 5)


def test_a_process_waits_in_virtual_time_and_hears_what_is_put_before_it():
    loop, box, heard = Loop(), Mailbox(), []

    def work():
        while True:
            heard.append((box.get(timeout=100), loop.now))

    box.owner = loop.start(work)
    loop.call_after(3, box.put, "news")
    loop.run_until(10)
    assert heard == [("news", 3)]
    loop.end()


def test_a_killed_process_does_nothing_more_and_no_handler_of_errors_saves_it():
    loop, box, done = Loop(), Mailbox(), []

    def work():
        try:
            box.get(timeout=100)
        except Exception:
            done.append("swallowed")
        done.append("went on")

    box.owner = process = loop.start(work)
    loop.run_until(1)
    process.kill()
    box.put("too late")
    loop.run_until(200)
    assert done == []
    assert not process.alive


@pytest.fixture
def broker():
    broker = Broker(Loop(), random.Random(1), History())
    broker.weather = CALM
    return broker


def connect(broker, client, topics=()):
    got, closed = [], []
    line = broker.connect(client, on_message=lambda *message: got.append(message), on_closed=lambda: closed.append(True))
    broker.attach(line)
    broker.subscribe(line, set(topics))
    return SimpleNamespace(line=line, got=got, closed=closed)


def offer(broker, client, payload):
    answers = []
    broker.publish(client.line, TOPIC, payload, False, answers.append)
    broker.loop.run_until(broker.loop.now + 1)
    return answers


def test_what_is_not_acknowledged_comes_again_to_the_next_connection(broker):
    kiosk, gateway = connect(broker, "kiosk"), connect(broker, "gateway", [SHARD])
    assert offer(broker, kiosk, b"one") == [TAKEN]
    assert offer(broker, kiosk, b"two") == [TAKEN]
    broker.acknowledge(gateway.line, gateway.got[0][2])
    again = connect(broker, "gateway")
    broker.loop.run_until(60)
    assert [each[1] for each in again.got] == [b"two"]
    assert gateway.closed  # one client, one line


def test_a_broker_that_dies_has_acknowledged_what_nobody_will_see(broker):
    kiosk, gateway = connect(broker, "kiosk"), connect(broker, "gateway", [SHARD])
    gateway.line.drop()
    assert offer(broker, kiosk, b"one") == [TAKEN]
    broker.die(forget=False)
    with pytest.raises(ConnectionRefusedError):
        connect(broker, "gateway")
    broker.rise()
    again = connect(broker, "gateway")
    broker.loop.run_until(60)
    assert again.got == []


def test_nobody_subscribed_is_said(broker):
    assert offer(broker, connect(broker, "kiosk"), b"one") == [NOBODY]


def count_after_a_power_cut(make, path):
    kiosk = SimpleNamespace(may_die=lambda _kind: None)
    store = make(path, kiosk)
    for number in (1, 2):
        with store.transaction() as cursor:
            cursor.execute("INSERT INTO facts(name, value) VALUES(?, 'x')", (str(number),))
    store.cut_power()
    again = FallibleStore(path, kiosk)
    rows = again.read("SELECT name FROM facts")
    again.close()
    return len(rows)


def test_a_power_cut_takes_what_was_not_synced_and_nothing_else(tmp_path):
    FallibleStore(tmp_path / "a.db", None).close()
    FallibleStore(tmp_path / "b.db", None).close()
    assert count_after_a_power_cut(FallibleStore, tmp_path / "a.db") == 2
    assert count_after_a_power_cut(NeverSyncs, tmp_path / "b.db") == 0


def test_a_process_that_dies_inside_a_transaction_leaves_nothing_of_it(tmp_path):
    def die(kind):
        if kind == "kiosk died before its commit":
            raise Killed

    kiosk = SimpleNamespace(may_die=die, crash=lambda **_how: None, world=SimpleNamespace(rng=random.Random(1)))
    store = FallibleStore(tmp_path / "kiosk.db", kiosk)
    with pytest.raises(Killed), store.transaction() as cursor:
        cursor.execute("INSERT INTO facts(name, value) VALUES('a', 'x')")
    assert store.read("SELECT name FROM facts") == []
    store.close()


def test_a_ledger_keeps_nothing_of_a_transaction_that_was_left():
    ledger = Ledger()

    def die_inside():
        with LedgerRegistry(ledger).writing() as connection:
            connection.receipts["id"] = ("digest", b"receipt")
            raise Killed

    with pytest.raises(Killed):
        die_inside()
    assert ledger.receipts == {}
