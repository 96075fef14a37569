"""A broker that misbehaves, on a real TLS socket: a reason is said, another connection follows, and memory stays bounded."""

import contextlib
import socket
import ssl
import threading
import time

import mqtt5
import pytest

from gateway.port import ConnectionState
from gateway.transport import BACKLOG_BYTES, MqttTransport, TransportSettings
from luutru.system import random_bytes

ACCEPT = mqtt5.ConnAckPacket().write()
GOODBYE = object()  # the end of TLS, with the socket left open
GRANT = mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write()


class FakeBroker:
    """Takes TLS connections of the gateway; each gets the bytes that ``script`` says, after it said anything."""

    def __init__(self, pki, *script):
        identity = pki.broker()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity.certificate, identity.key)
        self._context.load_verify_locations(identity.ca)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.script = script
        self.heard = bytearray()
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _serve(self):
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as line:
                self.connections += 1
                for part in self.script:
                    self.heard += line.recv(65_536)
                    line.sendall(part) if part is not GOODBYE else line.unwrap()
                while data := line.recv(65_536):
                    self.heard += data


@pytest.fixture
def against(pki):
    made = []

    def start(*script, **changes):
        broker, said, identity = FakeBroker(pki, *script), [], pki.gateway()
        settings = TransportSettings(
            host="127.0.0.1",
            port=broker.port,
            ca=identity.ca,
            certificate=identity.certificate,
            key=identity.key,
            batch=10,
            **changes,
        )
        transport = MqttTransport(settings, random_bytes=random_bytes, on_state=lambda *what: said.append(what))
        made.append((transport, broker))
        transport.start()
        return transport, broker, said

    yield start
    for transport, broker in made:
        transport.stop()
        broker.close()


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100)], "malformed packet"),
        ([ACCEPT, GRANT + b"\x32\xff\xff\xff\x7f"], "packet too large"),
        ([ACCEPT, GRANT + b"\x20\x07\x00\x00\x04\x1f\x00\x01\xff"], "malformed packet"),
        ([ACCEPT, GOODBYE], "closed the connection"),
        ([mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED).write()], "NOT_AUTHORIZED"),
        (
            [ACCEPT, GRANT + mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.ADMINISTRATIVE_ACTION).write()],
            "ADMINISTRATIVE_ACTION",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # mqtt5 reports a panic there, too
def test_it_lets_go_says_why_and_tries_again(against, script, why):
    _transport, broker, said = against(*script)
    wait_for(lambda: broker.connections > 1)
    assert any(state is ConnectionState.WAITING and why in reason for state, reason in said)


def test_a_broker_that_falls_silent_is_given_up(against, monkeypatch):
    monkeypatch.setattr("gateway.mqtt_connection.ANSWER_SECONDS", 1.0)
    _transport, broker, said = against(ACCEPT, GRANT, keepalive_seconds=1)
    wait_for(lambda: broker.connections > 1)
    assert any("does not answer" in why for _, why in said)
    assert mqtt5.PingReqPacket().write() in broker.heard


def test_while_nobody_collects_no_more_is_held_than_two_windows_and_a_buffer(against):
    flood = b"".join(mqtt5.PublishPacket("luutru/1/00/a/b/s", bytes(1000)).write() for _ in range(4000))
    transport, _broker, said = against(ACCEPT, GRANT + flood)
    wait_for(lambda: said[-1][0] is ConnectionState.CONNECTED)
    parked = transport._link.mqtt.parked
    wait_for(lambda: len(parked) >= 80)
    time.sleep(1.2)  # the keeper looks once a second
    assert len(parked) <= 80 + 260  # one buffer of 256 KiB is understood whole
    found = 0
    while found < 4000:
        batch = transport.collect(500, wait_seconds=5, fill_seconds=0.1)
        assert 0 < len(batch) <= 500
        found += len(batch)


def test_what_is_published_to_a_broker_that_takes_nothing_is_bounded(against):
    transport, _broker, said = against(mqtt5.ConnAckPacket(receive_max=1).write(), GRANT)
    wait_for(lambda: said[-1][0] is ConnectionState.CONNECTED)
    taken = 0
    while transport.publish("r/1", bytes(10_000)):
        taken += 1
    transport.flush()
    assert BACKLOG_BYTES - 20_000 < taken * 10_000 < BACKLOG_BYTES + 20_000
    transport._link.mqtt._sending.held.clear()  # so that goodbye does not wait for it
