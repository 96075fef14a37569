"""The uplink against a real Mosquitto, with an authority played by the test."""

import random
import threading
import time

import msgspec
import pytest
from factories import EVENING, make_declaration
from kiosk_parts import KEYS, answer, make_outbox
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.line import ConnectionState, Line
from edge_agent.uplink import Uplink
from luutru.demo.pki import Pki
from luutru.system import SystemClock
from luutru.throwaway import KIOSK_ID, throwaway_keys
from residence.clock import rfc3339
from residence.errors import Refused
from residence.wire.envelope import read_header
from residence.wire.keyring import Keyring
from residence.wire.receipts import pack_receipts
from residence.wire.state import GatewayState, decode_kiosk_state, encode_state
from residence.wire.topics import GATEWAY_STATE, kiosk_topics
from residence.wire.updates import sign_update

SITE = "blk-hoa-binh"
TOPICS = kiosk_topics(SITE, KIOSK_ID)


def eventually(check, seconds=15.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return
        time.sleep(0.01)
    pytest.fail("did not happen in time")


class Authority:
    """Takes envelopes and answers with receipts; can be told to keep silent."""

    def __init__(self, broker, *, answers=True):
        self.broker = broker
        self.answers = answers
        self.forge = False
        self.seen = []
        self.states = []
        self._ready = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="authority", protocol=mqtt.MQTTv5)
        who = broker.pki.gateway()
        self.client.tls_set(str(who.ca), str(who.certificate), str(who.key))
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda c, *_: c.subscribe([(TOPICS.declarations, 1), (TOPICS.state, 1)])
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._take
        durable = Properties(PacketTypes.CONNECT)
        durable.SessionExpiryInterval = 3600
        self.client.connect(broker.host, broker.port, clean_start=False, properties=durable)
        self.client.loop_start()
        assert self._ready.wait(10)

    def _take(self, _client, _userdata, message):
        if message.topic == TOPICS.state:
            self.states.append(decode_kiosk_state(message.payload))
            return
        self.seen.append(read_header(message.payload).sequence)
        if self.answers:
            signer = throwaway_keys("a stranger").receipt if self.forge else KEYS.receipt
            self.send_receipts([answer(message.payload, signer=signer)])

    def send_receipts(self, receipts):
        for payload in pack_receipts(receipts):
            self.client.publish(TOPICS.receipts, payload, qos=1)

    def say(self, *, online):
        self.client.publish(GATEWAY_STATE, encode_state(GatewayState(online=online, at=rfc3339(EVENING))), qos=1, retain=True)

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def kiosk(tmp_path, broker):
    """An outbox and a factory of uplinks; all are stopped at the end."""
    outbox = make_outbox(tmp_path / "kiosk.db", clock=SystemClock())
    uplinks = []

    def start(**changes):
        who = broker.pki.kiosk(KIOSK_ID)
        line = Line(
            host=broker.host,
            port=broker.port,
            site=SITE,
            kiosk_id=KIOSK_ID,
            ca_file=who.ca,
            certificate_file=who.certificate,
            key_file=who.key,
            resend_after=0.4,
            backoff_base=0.05,
            backoff_cap=0.2,
        )
        states = []
        uplink = Uplink(
            outbox,
            msgspec.structs.replace(line, **changes),
            clock=SystemClock(),
            jitter=random.random,
            on_state=lambda health: states.append(health.state),
        )
        uplink.states = states
        uplinks.append(uplink)
        uplink.start()
        return uplink

    yield outbox, start
    for uplink in uplinks:
        uplink.stop()
    outbox.close()


@pytest.fixture
def authorities():
    made = []
    yield made
    for each in made:
        each.leave()


@pytest.fixture
def authority(broker, authorities):
    authorities.append(Authority(broker))
    return authorities[0]


def keep(outbox, number):
    return [outbox.keep(make_declaration()).declaration_id for _ in range(number)]


def settled(outbox):
    return lambda: outbox.depth() == 0


def test_what_is_kept_arrives_once_each_and_is_settled_by_its_receipt(kiosk, authority):
    outbox, start = kiosk
    kept = keep(outbox, 60)
    start()
    eventually(settled(outbox))
    kept += keep(outbox, 5)
    eventually(settled(outbox))
    assert {outbox.settlement(each).state for each in kept} == {"accepted"}
    assert sorted(set(authority.seen)) == list(range(1, 66))


def test_with_nobody_subscribed_every_row_stays_kept(kiosk, broker, authorities):
    outbox, start = kiosk
    kept = keep(outbox, 30)
    uplink = start()
    eventually(lambda: uplink.health().trouble == "uplink.no_gateway")
    assert {outbox.settlement(each).state for each in kept} == {"kept"}
    authorities.append(Authority(broker))
    eventually(settled(outbox))
    assert uplink.health().trouble == ""


def test_the_brokers_acknowledgement_settles_nothing_and_silence_is_met_by_sending_again(kiosk, broker, authorities):
    outbox, start = kiosk
    silent = Authority(broker, answers=False)
    authorities.append(silent)
    kept = keep(outbox, 3)
    start()
    eventually(lambda: all(outbox.settlement(each).state == "sent" for each in kept))
    eventually(lambda: len(silent.seen) >= 6)
    assert outbox.depth() == 3
    silent.answers = True
    eventually(settled(outbox))


def test_receipts_there_is_no_room_for_hold_up_no_later_one(kiosk, authority, monkeypatch):
    outbox, start = kiosk
    whole, more_than_the_broker_sends_unacknowledged = outbox.settle, iter(range(60))

    def without_room(data):
        if next(more_than_the_broker_sends_unacknowledged, None) is not None:
            raise Refused("outbox.disk_full")
        return whole(data)

    monkeypatch.setattr(outbox, "settle", without_room)
    keep(outbox, 65)
    uplink = start()
    eventually(settled(outbox))
    assert uplink.health().session == 1, "in one connection"


def test_forged_receipts_settle_nothing(kiosk, authority):
    outbox, start = kiosk
    authority.forge = True
    keep(outbox, 2)
    start()
    eventually(lambda: len(authority.seen) >= 4)
    assert outbox.depth() == 2
    authority.forge = False
    eventually(settled(outbox))


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_broker_that_goes_and_comes_back_costs_nothing(kiosk, broker, authority, how):
    outbox, start = kiosk
    kept = keep(outbox, 10)
    uplink = start()
    eventually(settled(outbox))
    getattr(broker, how)()
    eventually(lambda: uplink.health().state is ConnectionState.WAITING)
    kept += keep(outbox, 40)
    assert outbox.depth() == 40
    broker.start()
    eventually(settled(outbox), 30)
    assert {outbox.settlement(each).state for each in kept} == {"accepted"}
    assert uplink.health().session >= 2
    assert {"connecting", "up", "waiting"} <= {str(each) for each in uplink.states}


def test_receipts_made_while_the_kiosk_was_away_wait_for_it_at_the_broker(kiosk, broker, authorities):
    outbox, start = kiosk
    silent = Authority(broker, answers=False)
    authorities.append(silent)
    keep(outbox, 5)
    uplink = start(resend_after=300.0)
    eventually(lambda: len(silent.seen) == 5)
    uplink.stop()
    silent.send_receipts([answer(row.envelope) for row in outbox.unsettled(10)])
    start(resend_after=300.0)
    eventually(settled(outbox))


def test_it_holds_while_the_gateway_says_it_is_away(kiosk, authority):
    outbox, start = kiosk
    authority.say(online=False)
    uplink = start()
    eventually(lambda: uplink.health().state is ConnectionState.HOLDING)
    keep(outbox, 3)
    eventually(lambda: not uplink.health().gateway_online)
    assert authority.seen == []
    assert uplink.health().trouble == "uplink.no_gateway"
    authority.say(online=True)
    eventually(settled(outbox))
    authority.client.publish(GATEWAY_STATE, b"", qos=1, retain=True)


def test_a_stale_away_does_not_hold_for_ever(kiosk, authority):
    outbox, start = kiosk
    authority.say(online=False)
    keep(outbox, 3)
    start(hold_cap=0.3)
    eventually(settled(outbox))


def test_birth_and_death_carry_the_session_and_no_person(kiosk, authority):
    outbox, start = kiosk
    uplink = start()
    eventually(lambda: authority.states and authority.states[-1].online)
    first = authority.states[-1]
    assert first.session == uplink.health().session
    uplink.stop()
    eventually(lambda: not authority.states[-1].online)
    second = start()
    eventually(lambda: authority.states[-1].online)
    assert authority.states[-1].session == first.session + 1 == second.health().session
    assert authority.states[-1].outbox_depth == outbox.depth()


def test_a_certificate_of_another_authority_is_refused_and_said(kiosk, tmp_path):
    outbox, start = kiosk
    keep(outbox, 1)
    thief = Pki(tmp_path / "other-pki").kiosk(KIOSK_ID)
    uplink = start(certificate_file=thief.certificate, key_file=thief.key)
    eventually(lambda: uplink.health().attempts >= 2)
    assert uplink.health().trouble in {"uplink.refused", "uplink.unreachable"}
    assert outbox.depth() == 1


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves the socket of a failed handshake to GC
def test_a_broker_of_another_authority_is_refused_by_the_kiosk(kiosk, tmp_path):
    outbox, start = kiosk
    keep(outbox, 1)
    uplink = start(ca_file=Pki(tmp_path / "other-pki").ca)
    eventually(lambda: uplink.health().trouble == "uplink.refused")
    assert outbox.depth() == 1


def test_a_topic_the_broker_forbids_keeps_the_row_and_says_so(kiosk, broker, authority):
    outbox, start = kiosk
    keep(outbox, 2)
    other = broker.pki.kiosk("kiosk-elsewhere")
    uplink = start(certificate_file=other.certificate, key_file=other.key)
    eventually(lambda: uplink.health().trouble == "uplink.not_authorised")
    eventually(lambda: uplink.health().attempts >= 3)
    assert outbox.depth() == 2
    assert authority.seen == []


def test_a_keyring_update_is_taken_only_when_signed(kiosk, authority):
    outbox, start = kiosk
    uplink = start()
    eventually(lambda: bool(authority.states))
    stranger = throwaway_keys("a stranger")
    authority.client.publish(TOPICS.commands, sign_update(Keyring(stranger.keyring.entries, 5), stranger.updates), qos=1)
    authority.client.publish(TOPICS.commands, b"rubbish", qos=1)
    authority.client.publish(TOPICS.commands, sign_update(Keyring(KEYS.keyring.entries, 2), KEYS.updates), qos=1)
    eventually(lambda: outbox.anchor.keyring.serial == 2)
    authority.client.publish(TOPICS.commands, sign_update(Keyring(KEYS.keyring.entries, 1), KEYS.updates), qos=1)
    keep(outbox, 1)
    eventually(settled(outbox))
    assert outbox.anchor.keyring.serial == 2
    uplink.stop()
    eventually(lambda: authority.states[-1].keyring_serial == 2)  # the kiosk says which ring it holds


def test_a_broker_that_is_not_there_is_tried_again_without_end(kiosk, broker):
    outbox, start = kiosk
    broker.stop()
    keep(outbox, 1)
    uplink = start()
    eventually(lambda: uplink.health().attempts >= 4)
    assert uplink.health().trouble == "uplink.unreachable"
    assert outbox.depth() == 1


def test_a_fault_inside_costs_the_connection_and_never_the_thread(kiosk, authority, monkeypatch):
    outbox, start = kiosk
    whole = outbox.unsettled
    faults = iter([OSError("the disk sighed")] * 3)

    def failing(*arguments, **more):
        for fault in faults:
            raise fault
        return whole(*arguments, **more)

    monkeypatch.setattr(outbox, "unsettled", failing)
    keep(outbox, 2)
    uplink = start()
    eventually(lambda: uplink.health().trouble == "uplink.failed")
    eventually(settled(outbox))
