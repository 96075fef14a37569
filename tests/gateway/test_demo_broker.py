"""The demo broker: who gets in, and that it comes back where it was."""

import socket
import ssl

import pytest

from luutru.demo import broker as broker_module
from luutru.demo.broker import Broker
from luutru.demo.pki import Pki
from residence.errors import Refused

# An MQTT v5 CONNECT by hand: clean start, keep-alive 60 s, client id "kiosk-1".
CONNECT = bytes.fromhex("1014 0004 4d515454 05 02 003c 00 0007 6b696f736b2d31")
CONNACK = 2


def _tls_client(broker, identity):
    context = ssl.create_default_context(cafile=str(broker.pki.ca))
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    with socket.create_connection((broker.host, broker.port), timeout=5) as plain:
        return context.wrap_socket(plain, server_hostname="127.0.0.1")


def _speak(broker, identity):
    with _tls_client(broker, identity) as connection:
        connection.sendall(CONNECT)
        answer = connection.recv(1)
        if not answer:
            raise ConnectionResetError
        return answer[0] >> 4


def test_a_kiosk_with_a_certificate_gets_in(broker):
    assert _speak(broker, broker.pki.kiosk("kiosk-lobby-1")) == CONNACK


def test_nobody_gets_in_without_a_certificate_of_our_authority(broker, tmp_path):
    stranger = Pki(tmp_path / "other").kiosk("kiosk-lobby-1")
    for identity in (None, stranger):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _speak(broker, identity)


def test_it_comes_back_on_the_same_port_after_a_kill(broker):
    port = broker.port
    broker.kill()
    assert not broker.running
    broker.start()
    assert broker.running
    assert broker.port == port


def test_a_taken_port_is_said_in_words(broker, tmp_path):
    second = Broker(tmp_path / "second", pki=broker.pki, port=broker.port)
    with pytest.raises(Refused) as refusal:
        second.start()
    assert refusal.value.code == "broker.not_started"
    assert not second.running


def test_a_machine_without_mosquitto_is_told_what_to_install(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(broker_module, "find_mosquitto", lambda: None)
    with pytest.raises(Refused, match="apt-get install mosquitto") as refusal:
        Broker(tmp_path, pki=pki).start()
    assert refusal.value.code == "broker.missing"


def test_asking_twice_for_an_identity_returns_the_same_files(tmp_path):
    first = Pki(tmp_path).kiosk("kiosk-desk-1")
    before = first.certificate.read_bytes()
    again = Pki(tmp_path).kiosk("kiosk-desk-1")
    assert again == first
    assert again.certificate.read_bytes() == before
    assert first.key.stat().st_mode & 0o077 == 0
