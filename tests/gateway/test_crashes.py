"""Real processes, killed: nothing is lost, nothing is doubled, and every answer is the same twice."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import authority
import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select

from registry import tables
from residence.wire.receipts import unpack_receipts, verify_receipt

DRIVER = Path(__file__).parents[1] / "gateway_driver.py"


class Sender:
    """A kiosk's uplink at its simplest: sends what is unsettled again and again until a receipt comes, or only when told to."""

    def __init__(self, broker, kiosk, office, *, again=True):
        self.kiosk = kiosk
        self.unsettled = {}
        self.answers = defaultdict(set)  # declaration id -> distinct receipts heard
        self._office = office
        self._stopping = threading.Event()
        identity = broker.pki.kiosk(kiosk.kiosk_id)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, kiosk.kiosk_id, protocol=mqtt.MQTTv5)
        self._client.tls_set(str(identity.ca), str(identity.certificate), str(identity.key))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(kiosk.topics.receipts, qos=1)
        self._client.on_message = self._heard
        self._client.connect_async(broker.host, broker.port, keepalive=30)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        if again:
            self._thread.start()

    def send_once(self):
        while not self._client.is_connected():
            time.sleep(0.01)
        for payload in list(self.unsettled.values()):
            self._client.publish(self.kiosk.topics.declarations, payload, qos=1).wait_for_publish(10)

    def declare(self, count):
        for _ in range(count):
            message = self._office.declaration(self.kiosk)
            self.unsettled[message.declaration_id] = self.kiosk.seal(message, now=self._office.clock.now())

    def settled_within(self, seconds):
        end = time.monotonic() + seconds
        while self.unsettled and time.monotonic() < end:
            time.sleep(0.05)
        return not self.unsettled

    def close(self):
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self._client.disconnect()
        self._client.loop_stop()

    def _send_all(self):
        while not self._stopping.wait(0.3):
            for payload in list(self.unsettled.values()):
                if self._client.is_connected():
                    self._client.publish(self.kiosk.topics.declarations, payload, qos=1)

    def _heard(self, _client, _userdata, message):
        for data in unpack_receipts(message.payload):
            receipt = verify_receipt(data, keyring=self._office.keyring)
            self.answers[receipt.declaration_id].add(data)
            self.unsettled.pop(receipt.declaration_id, None)


class GatewayProcess:
    """Started, killed, started again on the same registry and the same session."""

    def __init__(self, broker, office, folder):
        identity = broker.pki.gateway()
        self.log = folder / "gateway.log"
        self._settings = folder / "gateway.json"
        self._settings.write_text(
            json.dumps(
                {
                    "registry": office.url,
                    "vault": str(office.vault_folder),
                    "keys": str(office.keys),
                    "tls": str(identity.ca.parent),
                    "port": broker.port,
                    "batch": 20,
                }
            )
        )
        self._process = None

    def start(self, *options):
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(DRIVER), str(self._settings), *options], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def wait(self, seconds=30):
        return self._process.wait(seconds)

    def wait_until_it_says(self, words, seconds=20):
        end = time.monotonic() + seconds
        while words not in self.log.read_text() and time.monotonic() < end:
            time.sleep(0.05)

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        return self.wait()


@pytest.fixture
def office(tmp_path):
    # Real processes run on the real clock.
    office = authority.Authority(tmp_path, now=authority.system_clock().now())
    yield office
    office.close()


@pytest.fixture
def gateway(broker, office, tmp_path):
    process = GatewayProcess(broker, office, tmp_path)
    yield process
    process.kill()


@pytest.fixture
def sender(broker, office):
    sender = Sender(broker, office.kiosk(), office)
    yield sender
    sender.close()


def recorded(office):
    with office.registry.reading() as connection:
        return [row.declaration_id for row in connection.execute(select(tables.declarations.c.declaration_id))]


def assert_all_once(office, sender, declared):
    assert sorted(recorded(office)) == sorted(declared)
    assert set(sender.answers) == set(declared)
    assert {len(receipts) for receipts in sender.answers.values()} == {1}


def test_killed_between_commit_and_acknowledgement_the_same_receipt_follows(office, gateway, sender):
    sender.declare(30)
    declared = set(sender.unsettled)
    gateway.start("--die-after-commit", "1")
    assert gateway.wait() == -signal.SIGKILL
    committed = recorded(office)
    assert committed  # the crash came after a commit
    assert sender.unsettled  # and before any receipt
    gateway.start()
    assert sender.settled_within(30), gateway.log.read_text()[-2000:]
    assert_all_once(office, sender, declared)


@pytest.mark.parametrize("moment", ["--die-after-commit", "--die-after-receipts"])
def test_killed_before_its_receipts_are_safe_the_next_start_answers_a_kiosk_that_does_not_ask_again(
    broker, office, gateway, moment
):
    """The broker's session is the receipts' outbox: nobody but the broker sends anything twice here."""
    asks_once = Sender(broker, office.kiosk(), office, again=False)
    try:
        gateway.start()  # its session begins, and waits for it from now on
        gateway.wait_until_it_says('"connection": "connected"')
        assert gateway.stop() == 0
        asks_once.declare(20)
        declared = set(asks_once.unsettled)
        asks_once.send_once()
        gateway.start(moment, "1")
        assert gateway.wait() == -signal.SIGKILL
        assert recorded(office)
        assert moment == "--die-after-receipts" or set(asks_once.unsettled) == declared
        gateway.start()
        assert asks_once.settled_within(30), gateway.log.read_text()[-2000:]
        assert_all_once(office, asks_once, declared)
    finally:
        asks_once.close()


def test_killed_before_the_commit_nothing_is_there_and_then_everything(office, gateway, sender):
    sender.declare(10)
    declared = set(sender.unsettled)
    gateway.start("--die-before-commit", "1")
    assert gateway.wait() == -signal.SIGKILL
    assert recorded(office) == []
    gateway.start()
    assert sender.settled_within(30), gateway.log.read_text()[-2000:]
    assert_all_once(office, sender, declared)


def test_killed_at_random_moments_with_the_broker_killed_too(broker, office, gateway, sender):
    moments = random.Random(20261122)
    declared = set()
    for turn in range(4):
        sender.declare(25)
        declared |= set(sender.unsettled)
        gateway.start("--die-after-commit", str(moments.randint(1, 3)))
        time.sleep(moments.uniform(0.8, 1.6))
        if turn % 2:
            broker.kill()
            broker.start()
        gateway.kill()
    gateway.start()
    assert sender.settled_within(60), gateway.log.read_text()[-2000:]
    assert gateway.stop() == 0  # SIGTERM: finishes and ends well
    assert_all_once(office, sender, declared)


def test_a_gateway_started_before_its_broker_waits_and_says_so(broker, office, gateway, sender):
    broker.stop()
    sender.declare(3)
    declared = set(sender.unsettled)
    gateway.start()
    gateway.wait_until_it_says('"connection": "waiting"')
    broker.start()
    assert sender.settled_within(60), gateway.log.read_text()[-2000:]
    assert_all_once(office, sender, declared)
