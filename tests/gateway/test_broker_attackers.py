"""Attackers at an authority's broker: somebody with one kiosk's certificate, or with none, against the configuration ``luutru broker render`` writes.

What the gateway does with what still arrives (replays, forgeries, another kiosk's envelopes) is in ``tests/acceptance/test_faults.py``; what revoking
is worth fence by fence in ``test_revoking_kiosks.py``.
"""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys

import pytest
from bare_kiosk import BareKiosk, wait_for
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from production_broker import ProductionBroker
from typer.testing import CliRunner

from gateway.cutting import CutLine
from luutru.broker_text import BrokerSettings, configuration_text, firewall_text
from luutru.commands.broker import app
from luutru.demo.pki import Pki
from luutru.revocation import Fences, revoke_kiosk
from luutru.system import SystemClock
from residence.wire.topics import GATEWAY_STATE, kiosk_topics, trust_topic

THIEF, HONEST = "kiosk-lobby-1", "kiosk-desk-1"
OWN, FOREIGN = kiosk_topics("blk-hoa-binh", THIEF), kiosk_topics("htl-sao-mai", HONEST)
MEMORY_MIB, QUEUE_MIB, INFLIGHT_MIB = 64, 8, 4
FOREIGN_TOPICS = [
    FOREIGN.declarations,
    FOREIGN.state,
    FOREIGN.receipts,
    OWN.receipts,
    OWN.commands,
    GATEWAY_STATE,
    trust_topic(0),
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("production")
    with ProductionBroker(
        folder / "broker", pki=Pki(folder / "pki"), memory_mib=MEMORY_MIB, queue_mib=QUEUE_MIB, inflight_mib=INFLIGHT_MIB
    ) as broker:
        yield broker


@pytest.fixture
def gateway(broker):
    gateway = BareKiosk(broker, "luutru-gateway", identity=broker.pki.gateway(), clean=True)
    gateway.subscribe("luutru/1/+/+/+/d", "luutru/1/+/+/+/s", GATEWAY_STATE)
    yield gateway
    gateway.close()


@pytest.fixture
def honest(broker):
    honest = BareKiosk(broker.kiosks, HONEST, clean=True)
    honest.subscribe(FOREIGN.receipts)
    yield honest
    honest.close()


def thief(broker, **more):
    return BareKiosk(broker.kiosks, THIEF, clean=True, **more)


def still_served(gateway, honest):
    """The honest kiosk is heard, and hears its receipt."""
    number = str(len(honest.heard)).encode()
    assert honest.send(FOREIGN.declarations, b"declared " + number) == 0
    wait_for(lambda: (FOREIGN.declarations, b"declared " + number) in gateway.heard)
    gateway.send(FOREIGN.receipts, b"receipt " + number)
    wait_for(lambda: (FOREIGN.receipts, b"receipt " + number) in honest.heard)


class RawThief:
    """Whoever speaks MQTT by hand and stops reading when it pleases."""

    def __init__(self, broker, topic):
        who = broker.pki.kiosk(THIEF)
        context = ssl.create_default_context(cafile=str(who.ca))
        context.load_cert_chain(str(who.certificate), str(who.key))
        import socket

        plain = socket.create_connection((broker.host, broker.kiosks.port))
        self.line = context.wrap_socket(plain, server_hostname="localhost")
        self.line.settimeout(5)
        name = THIEF.encode()
        self.line.sendall(
            b"\x10" + bytes([13 + len(name)]) + b"\x00\x04MQTT\x05\x02\x00\x3c\x00" + len(name).to_bytes(2, "big") + name
        )
        assert self.line.recv(100)[0] == 0x20
        body = b"\x00\x01\x00" + len(topic).to_bytes(2, "big") + topic.encode() + b"\x01"
        self.line.sendall(b"\x82" + bytes([len(body)]) + body)
        assert self.line.recv(100)[0] == 0x90

    def flood(self, topic, *, count, size):
        """Send at QoS 0 until it is cut; return how many went out."""
        body = len(topic).to_bytes(2, "big") + topic.encode() + b"\x00" + bytes(size)
        length = bytes([len(body) % 128 | 128, len(body) // 128])
        packet = b"\x30" + length + body
        for sent in range(count):
            try:
                self.line.sendall(packet)
            except OSError:
                return sent
        return count


@pytest.mark.parametrize("topic", FOREIGN_TOPICS)
def test_a_foreign_topic_is_refused_and_its_writer_cut(broker, gateway, topic):
    attacker = thief(broker)
    assert attacker.send(topic, b"forged") == 0x87
    wait_for(lambda: attacker.ended is not None)
    assert b"forged" not in {payload for _, payload in gateway.heard}


def test_whoever_subscribes_to_everything_hears_only_what_is_theirs(broker, gateway, honest):
    attacker = thief(broker)
    attacker.subscribe("#", "$SYS/#", "luutru/1/+/+/+/r", FOREIGN.receipts, FOREIGN.declarations, OWN.declarations, OWN.state)
    still_served(gateway, honest)
    attacker.send(OWN.state, b"own")
    gateway.send(OWN.receipts, b"its own receipt")
    wait_for(lambda: attacker.heard)
    assert set(attacker.heard) == {(OWN.receipts, b"its own receipt")}
    attacker.close()


def test_an_oversized_packet_cuts_its_sender_and_nobody_else(broker, gateway, honest):
    attacker = thief(broker)
    assert attacker.properties.MaximumPacketSize == 16_384
    assert attacker.send(OWN.declarations, bytes(16_384)) is None
    wait_for(lambda: attacker.ended is not None)
    still_served(gateway, honest)


def test_a_flood_while_no_gateway_fetches_ends_at_the_limits_and_the_others_are_served(broker, gateway, honest):
    away = BareKiosk(broker, "gateway-away", identity=broker.pki.gateway(), session_seconds=600)
    away.subscribe("luutru/1/21/+/+/d")
    away.close()
    gateway.close()
    attacker = RawThief(broker, OWN.receipts)
    attacker.flood(OWN.declarations, count=4_000, size=15_000)  # 60 MB, into a queue of 8
    back = BareKiosk(broker, "luutru-gateway", identity=broker.pki.gateway(), clean=True)
    back.subscribe("luutru/1/45/+/+/d")
    still_served(back, honest)
    assert broker.rss_mib < MEMORY_MIB
    back.close()
    BareKiosk(broker, "gateway-away", identity=broker.pki.gateway(), clean=True).close()


def test_who_does_not_read_holds_one_queue_and_what_is_on_its_way(broker, gateway, honest):
    reader = RawThief(broker, OWN.receipts)
    before = broker.rss_mib
    for _ in range(100):
        wanted = {gateway.client.publish(OWN.receipts, bytes(15_000), qos=1).mid for _ in range(20)}  # 30 MB in all
        wait_for(lambda wanted=wanted: wanted <= gateway.codes.keys())
    assert broker.rss_mib - before < (QUEUE_MIB + INFLIGHT_MIB) * 2
    still_served(gateway, honest)
    reader.line.close()


def test_nobody_can_have_the_broker_hold_what_they_wrote_themselves(broker):
    """A kiosk reads no topic it may write: one that subscribes to its own and stops reading would fill the broker's memory (290 MB in 8 s, tried)."""
    reader = RawThief(broker, OWN.state)
    before = broker.rss_mib
    assert reader.flood(OWN.state, count=2_000, size=15_000) == 2_000
    assert broker.rss_mib - before < QUEUE_MIB
    reader.line.close()


@pytest.mark.parametrize("topic", [FOREIGN.state, FOREIGN.declarations, GATEWAY_STATE])
def test_a_will_for_a_foreign_topic_is_published_to_nobody(broker, gateway, topic):
    who = broker.pki.kiosk(THIEF)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, THIEF, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
    client.tls_set(str(who.ca), str(who.certificate), str(who.key))
    client.will_set(topic, b"a lie", 1, retain=True)
    client.connect(broker.host, broker.kiosks.port)
    client.loop_start()
    wait_for(client.is_connected)
    client.socket().shutdown(2)  # no goodbye: the will is due
    wait_for(lambda: not client.is_connected())
    client.loop_stop()
    marker = thief(broker)
    marker.send(OWN.state, b"after the will")
    wait_for(lambda: (OWN.state, b"after the will") in gateway.heard)
    marker.close()
    late = BareKiosk(broker, "late", identity=broker.pki.gateway(), clean=True)
    late.subscribe("luutru/1/+/+/+/s", "luutru/1/+/+/+/d", GATEWAY_STATE)
    still = {payload for each in (gateway, late) for _, payload in each.heard}
    late.close()
    assert b"a lie" not in still


def test_nobody_takes_another_kiosks_place_by_its_client_id(broker, gateway, honest):
    attacker = thief(broker, client_id=HONEST)
    still_served(gateway, honest)
    assert honest.ended is None
    attacker.close()


def test_a_message_sent_again_as_it_was_is_delivered_as_itself_and_told_apart_by_the_gateway(broker, gateway):
    """The broker cannot know a replay. That it changes nothing: tests/acceptance/test_faults.py, by declaration id and sequence."""
    attacker = thief(broker)
    for _ in range(2):
        assert attacker.send(OWN.declarations, b"a sealed envelope") == 0
    wait_for(lambda: gateway.heard.count((OWN.declarations, b"a sealed envelope")) == 2)
    attacker.close()


def test_a_stranger_with_a_kiosks_name_does_not_come_in(broker, tmp_path):
    forged = Pki(tmp_path / "own").kiosk(THIEF)
    genuine = broker.pki.kiosk(THIEF)
    context = ssl.create_default_context(cafile=str(genuine.ca))
    context.load_cert_chain(str(forged.certificate), str(forged.key))
    import socket

    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        context.wrap_socket(socket.create_connection((broker.host, broker.kiosks.port)), server_hostname="localhost") as line,
    ):
        line.recv(1)  # TLS 1.3: the refusal comes with the first answer


def test_a_stolen_kiosk_is_cut_and_stays_out_while_the_gateways_come_by_their_own_door(broker, small_office):
    stolen = small_office.kiosk(0).kiosk_id
    attacker = BareKiosk(broker.kiosks, stolen)
    who = broker.pki.gateway()
    line = CutLine(host=broker.host, port=broker.port, ca=who.ca, certificate=who.certificate, key=who.key)
    fences = Fences(access=broker.access, line=line, revocations=broker.pki.revoke)
    done = revoke_kiosk(stolen, registry=small_office.registry, fences=fences, clock=SystemClock(), pause=lambda _seconds: None)
    assert (done.in_force, done.session_ended, done.problems) == (True, True, [])
    wait_for(lambda: not attacker.connected)
    assert not BareKiosk.may_connect(broker.kiosks, stolen)
    assert BareKiosk.may_connect(broker.kiosks, HONEST)


FIREWALLED = """
import socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["nft", "-f", "-"], input=sys.argv[1].encode(), check=True)
with socket.create_server(("127.0.0.1", 8883)), socket.create_server(("127.0.0.1", 8884)):
    open_ones = []
    for _ in range(8):
        try:
            open_ones.append(socket.create_connection(("127.0.0.1", 8883), timeout=5))
        except OSError as error:
            print(len(open_ones), type(error).__name__)
            break
    open_ones.pop().close()
    try:
        socket.create_connection(("127.0.0.1", 8884), timeout=0.5)
    except OSError as error:
        print(type(error).__name__)
"""


def test_the_kernel_refuses_an_address_too_many_connections_and_the_gateways_port_to_strangers():
    """In a network of its own: from one address five at most, and loopback is not the gateways' network here."""
    rules = firewall_text(BrokerSettings(per_address=5, gateways_from="10.1.0.0/24"))
    words = ["unshare", "--net", sys.executable, "-c", FIREWALLED, rules]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={**os.environ, "PATH": path})
    assert done.stdout.split() == ["5", "ConnectionRefusedError", "TimeoutError"], done.stderr


def test_every_setting_has_its_reason_beside_it():
    explained = set()
    for block in re.split(r"\n(?=#)", configuration_text(BrokerSettings()).replace("\n\n", "\n")):
        reason, *settings = (line.split()[0] for line in block.rstrip().split("\n"))
        assert reason == "#"
        assert len(settings) <= 6 or set(settings) <= explained, "one reason for a few lines, or for what was explained before"
        explained |= set(settings)
    assert {"memory_limit", "max_queued_bytes", "use_username_as_clientid", "acl_file", "allow_anonymous"} <= explained


def test_the_files_are_written_and_a_site_with_a_broker_of_its_own_is_let_in(tmp_path):
    said = CliRunner().invoke(app, ["render", str(tmp_path), "--gateways", "10.1.0.4:8884", "--gateways-from", "10.1.0.0/24"])
    assert said.exit_code == 0
    assert "not here yet, by your certificate authority: ca.pem, broker.pem, broker.key, crl.pem" in said.stdout
    assert "listener 8884 10.1.0.4" in (tmp_path / "mosquitto.conf").read_text()
    assert "ip saddr != 10.1.0.0/24 drop" in (tmp_path / "nftables.conf").read_text()
    assert CliRunner().invoke(app, ["bridge", str(tmp_path), "blk-hoa-binh"]).exit_code == 0
    assert "user bridge.blk-hoa-binh\ntopic write luutru/1/21/blk-hoa-binh/+/d" in (tmp_path / "access.acl").read_text()
    assert CliRunner().invoke(app, ["bridge", str(tmp_path), "blk/#"]).exit_code == 1
    assert CliRunner().invoke(app, ["render", str(tmp_path), "--gateways-from", "everywhere"]).exit_code == 2


def test_the_unit_passes_the_same_gates_as_a_kiosks(tmp_path):
    from machine_parts import ROOM

    from luutru.broker_text import unit_text

    name = f"broker-{tmp_path.name}"
    place, program = ROOM / name, ROOM / "usr/sbin/mosquitto"
    place.mkdir()
    try:
        if not program.exists():
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
        (place / "luutru-broker.service").write_text(unit_text(BrokerSettings()))
        for words in (["verify", "--man=no", "--recursive-errors=no"], ["security", "--offline=true", "--threshold=20"]):
            done = subprocess.run(
                ["chroot", ROOM, "systemd-analyze", *words, f"/{name}/luutru-broker.service"], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        subprocess.run(["rm", "-rf", place], check=True)
