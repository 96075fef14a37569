"""The gateway's connection to a real Mosquitto: durable, acknowledged late, back after every cut (traps T1-T13 of docs/gateway.md)."""

import time

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from gateway.port import ConnectionState
from gateway.transport import MqttTransport, TransportSettings
from luutru.system import random_bytes
from residence.wire.state import GatewayState, encode_state
from residence.wire.topics import GATEWAY_STATE, kiosk_topics

KIOSK = "kiosk-lobby-1"
TOPICS = kiosk_topics("blk-hoa-binh", KIOSK)


class KioskClient:
    """A bare MQTT client with a kiosk's certificate."""

    def __init__(self, broker, kiosk_id=KIOSK):
        identity = broker.pki.kiosk(kiosk_id)
        self.codes = {}
        self.heard = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, kiosk_id, protocol=mqtt.MQTTv5)
        self._client.tls_set(str(identity.ca), str(identity.certificate), str(identity.key))
        self._client.on_publish = lambda _c, _u, mid, reason, _p: self.codes.__setitem__(mid, reason.value)
        self.granted = set()
        self._client.on_subscribe = lambda _c, _u, mid, _reasons, _p: self.granted.add(mid)
        self._client.on_message = lambda _c, _u, message: self.heard.append((message.topic, message.payload))
        self._client.connect(broker.host, broker.port, keepalive=30)
        self._client.loop_start()
        wait_for(self._client.is_connected)

    def subscribe(self, topic):
        _, mid = self._client.subscribe(topic, qos=1)
        wait_for(lambda: mid in self.granted)  # what is sent to it earlier goes to nobody

    def send(self, topic, payload):
        info = self._client.publish(topic, payload, qos=1)
        info.wait_for_publish(5)
        wait_for(lambda: info.mid in self.codes)
        return self.codes[info.mid]

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def make_transport(broker, *, batch=10, states=None, **changes):
    identity = broker.pki.gateway()
    settings = TransportSettings(
        host=broker.host,
        port=broker.port,
        ca=identity.ca,
        certificate=identity.certificate,
        key=identity.key,
        batch=batch,
        **changes,
    )
    return MqttTransport(
        settings,
        random_bytes=random_bytes,
        online=lambda: encode_state(GatewayState(online=True, at="2026-07-10T07:00:00Z")),
        offline=encode_state(GatewayState(online=False, at="2026-07-10T07:00:00Z")),
        on_state=lambda state, _why: states.append(state) if states is not None else None,
    )


@pytest.fixture
def transport(broker):
    transport = make_transport(broker)
    transport.start()
    wait_for(lambda: transport.state is ConnectionState.CONNECTED)
    yield transport
    transport.stop()


@pytest.fixture
def kiosk(broker):
    kiosk = KioskClient(broker)
    yield kiosk
    kiosk.close()


def collect(transport, count, seconds=10.0):
    found = []
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        found += transport.collect(count, wait_seconds=0.2, fill_seconds=0.05)
    return found


def test_a_message_is_delivered_and_a_receipt_goes_back(transport, kiosk):
    kiosk.subscribe(TOPICS.receipts)
    assert kiosk.send(TOPICS.declarations, b"one") == 0
    (delivery,) = collect(transport, 1)
    assert (delivery.topic, delivery.payload) == (TOPICS.declarations, b"one")
    transport.acknowledge([delivery])
    assert transport.publish(TOPICS.receipts, b"receipt")
    wait_for(lambda: (TOPICS.receipts, b"receipt") in kiosk.heard)


def test_what_was_not_acknowledged_comes_again_in_order(broker, transport, kiosk):
    for number in range(30):
        kiosk.send(TOPICS.declarations, str(number).encode())
    first = collect(transport, 20)
    transport.acknowledge(first[:5])
    transport.stop()
    again = make_transport(broker)
    again.start()
    try:
        numbers = [int(delivery.payload) for delivery in collect(again, 30, seconds=3)]
    finally:
        again.stop()
    # an acknowledgement may die with the connection it was written to; then its message comes again, too
    assert numbers == list(range(numbers[0], 30))
    assert numbers[0] <= 5


def test_t1_nothing_is_dropped_while_the_gateway_is_away(broker, transport, kiosk):
    transport.stop()
    for number in range(1500):  # Mosquitto's default queue holds 1000 and drops the rest after a PUBACK
        kiosk._client.publish(TOPICS.declarations, str(number).encode(), qos=1)
    wait_for(lambda: len(kiosk.codes) == 1500)
    again = make_transport(broker, batch=500)
    again.start()
    try:
        found = []
        while len(found) < 1500:
            batch = again.collect(500, wait_seconds=5, fill_seconds=0.05)
            assert batch, f"only {len(found)} of 1500"
            again.acknowledge(batch)
            found += batch
    finally:
        again.stop()
    assert [int(delivery.payload) for delivery in found] == list(range(1500))


def test_t3_t5_the_session_and_its_queue_survive_a_restart_of_the_broker(broker, transport):
    transport.stop()
    kiosk = KioskClient(broker)
    assert kiosk.send(TOPICS.declarations, b"kept over a restart") == 0
    kiosk.close()
    broker.restart()
    again = make_transport(broker)
    again.start()
    try:
        assert [delivery.payload for delivery in collect(again, 1)] == [b"kept over a restart"]
    finally:
        again.stop()


def test_t6_after_a_kill_of_the_broker_it_subscribes_again_by_itself(broker):
    states = []
    transport = make_transport(broker, states=states)
    transport.start()
    wait_for(lambda: transport.state is ConnectionState.CONNECTED)
    broker.kill()  # nothing is saved: the session is gone
    wait_for(lambda: transport.state is ConnectionState.WAITING)
    broker.start()
    wait_for(lambda: transport.state is ConnectionState.CONNECTED)
    kiosk = KioskClient(broker)
    try:
        kiosk.send(TOPICS.declarations, b"after")
        assert [delivery.payload for delivery in collect(transport, 1)] == [b"after"]
    finally:
        kiosk.close()
        transport.stop()
    assert transport.state is ConnectionState.STOPPED
    assert ConnectionState.CONNECTING in states


def test_an_acknowledgement_of_an_earlier_connection_settles_nothing_on_the_next(broker, transport, kiosk):
    kiosk.send(TOPICS.declarations, b"old")
    (old,) = collect(transport, 1)
    transport.stop()
    again = make_transport(broker)
    again._connection = transport._connection  # as if the same object had reconnected
    again.start()
    try:
        (new,) = collect(again, 1)
        assert new.payload == b"old"
        assert new.connection != old.connection
        again.acknowledge([old])  # same message id, but of the connection before
        kiosk.send(TOPICS.declarations, b"second")
        collect(again, 1)
    finally:
        again.stop()
    third = make_transport(broker)
    third.start()
    try:
        assert [delivery.payload for delivery in collect(third, 2)] == [b"old", b"second"]
    finally:
        third.stop()


@pytest.mark.parametrize("topic", [kiosk_topics("blk-hoa-binh", "kiosk-desk-1").declarations, GATEWAY_STATE])
def test_t9_a_kiosk_cannot_write_for_another_kiosk(transport, kiosk, topic):
    assert kiosk.send(topic, b"forged") == 0x87  # Mosquitto 2.0.11 answers, and then cuts the connection too
    assert transport.collect(1, wait_seconds=0.3, fill_seconds=0) == []


def test_t10_a_kiosk_learns_that_nobody_subscribes(kiosk):
    assert kiosk.send(TOPICS.declarations, b"to nobody") == 0x10


def test_t11_a_kiosk_hears_nothing_of_others_whatever_it_subscribes_to(broker, transport, kiosk):
    other = KioskClient(broker, "kiosk-desk-1")
    try:
        other.subscribe("#")
        other.subscribe(TOPICS.receipts)
        kiosk.subscribe(TOPICS.receipts)
        kiosk.send(TOPICS.declarations, b"private")
        transport.publish(TOPICS.receipts, b"for one kiosk")
        wait_for(lambda: kiosk.heard)
        own = kiosk_topics("htl-sao-mai", "kiosk-desk-1").receipts
        transport.publish(own, b"for the other")
        wait_for(lambda: (own, b"for the other") in other.heard)
    finally:
        other.close()
    assert [topic for topic, _ in other.heard if topic not in {own, GATEWAY_STATE}] == []


def test_t12_t13_a_window_of_small_messages_does_not_stall(transport, kiosk):
    for number in range(400):
        kiosk._client.publish(TOPICS.declarations, str(number).encode(), qos=1)
    found = []
    while len(found) < 400:
        batch = transport.collect(10, wait_seconds=5, fill_seconds=0.01)
        assert batch
        transport.acknowledge(batch)  # the broker sends at most twice a batch ahead
        found += batch
    assert [int(delivery.payload) for delivery in found] == list(range(400))


def test_a_slow_consumer_is_sent_its_window_first_and_the_rest_in_order(broker, transport, kiosk):
    for number in range(100):
        kiosk._client.publish(TOPICS.declarations, str(number).encode(), qos=1)
    wait_for(lambda: len(kiosk.codes) == 100)
    held = collect(transport, 100, seconds=1)
    assert len(held) == 40  # four batches of ten, and nothing acknowledged
    transport.acknowledge(held[:15])
    # From the first acknowledgement on Mosquitto 2.0.11 no longer counts: TCP holds it back, for nobody reads more than twice the window.
    rest = [int(delivery.payload) for delivery in collect(transport, 60)]
    assert rest == list(range(40, 40 + len(rest)))
    assert len(rest) >= 15


def test_a_smaller_window_after_a_restart_does_not_end_the_connection_for_ever(broker, kiosk):
    states = []
    large = make_transport(broker, batch=50)
    large.start()
    wait_for(lambda: large.state is ConnectionState.CONNECTED)
    for number in range(200):
        kiosk._client.publish(TOPICS.declarations, str(number).encode(), qos=1)
    assert len(collect(large, 200)) == 200
    large.stop()
    small = make_transport(broker, batch=1, states=states)  # Mosquitto sends all 200 again, whatever the window is now
    small.start()
    try:
        found = []
        while len(found) < 200:
            batch = small.collect(1, wait_seconds=5, fill_seconds=0)
            assert batch
            small.acknowledge(batch)
            found += batch
    finally:
        small.stop()
    assert [int(delivery.payload) for delivery in found] == list(range(200))
    assert ConnectionState.WAITING not in states


def test_a_burst_of_receipts_arrives_whole_and_in_order(transport, kiosk):
    kiosk.subscribe(TOPICS.receipts)
    wait_for(lambda: transport.state is ConnectionState.CONNECTED)
    payloads = [str(number).encode() * 100 for number in range(1500)]
    assert all(transport.publish(TOPICS.receipts, payload) for payload in payloads)
    transport.flush()
    wait_for(lambda: transport.collect(1, wait_seconds=0.05, fill_seconds=0) == [] and len(kiosk.heard) >= 1500)
    assert [payload for topic, payload in kiosk.heard if topic == TOPICS.receipts] == payloads


def test_the_retained_state_says_whether_a_gateway_takes(broker, transport, kiosk):
    kiosk.subscribe(GATEWAY_STATE)
    wait_for(lambda: any(b'"online":true' in payload for _, payload in kiosk.heard))
    transport.stop()
    wait_for(lambda: any(b'"online":false' in payload for _, payload in kiosk.heard))


def test_a_kiosk_state_is_heard_even_when_it_was_sent_before_we_came(broker, kiosk):
    kiosk._client.publish(TOPICS.state, b"{}", qos=1, retain=True).wait_for_publish(5)
    transport = make_transport(broker, client_id="luutru-gateway-late")
    transport.start()
    try:
        (delivery,) = collect(transport, 1)
        assert (delivery.topic, delivery.message_id) == (TOPICS.state, 0)
    finally:
        transport.stop()


def test_a_worker_hears_only_its_own_shards(broker, kiosk):
    other_shards = tuple(shard for shard in range(64) if f"/{shard:02d}/" not in TOPICS.declarations)
    transport = make_transport(broker, client_id="luutru-gateway-other", shards=other_shards)
    transport.start()
    wait_for(lambda: transport.state is ConnectionState.CONNECTED)
    try:
        assert kiosk.send(TOPICS.declarations, b"not ours") == 0x10
    finally:
        transport.stop()


def test_a_receipt_the_broker_forbids_holds_up_nothing(broker, transport, kiosk):
    """Mosquitto 2.0.11 says "not authorised" and hangs up. What was to be answered comes again, and must not end every connection."""
    kiosk.send(TOPICS.declarations, b"answered on a topic nobody may write")
    answers, connections = [], set()
    for _ in range(2):
        (delivery,) = collect(transport, 1)
        connections.add(delivery.connection)
        answers.append(transport.publish(TOPICS.declarations, b"not for a gateway"))
        transport.acknowledge([delivery])
    kiosk.send(TOPICS.declarations, b"the next one")
    (following,) = collect(transport, 1)
    assert answers == [True, False]
    assert (following.payload, following.connection) == (b"the next one", max(connections))
    transport.acknowledge([following])
    transport.stop()
    again = make_transport(broker)
    again.start()
    try:
        assert again.collect(1, wait_seconds=1.0, fill_seconds=0) == []
    finally:
        again.stop()
