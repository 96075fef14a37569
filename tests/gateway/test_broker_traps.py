"""The traps T1-T15 of docs/brokers.md on our generated Mosquitto configuration, each beside what happens without it.

T1, T9 to T11 and the gateway's own side are in ``test_transport.py``, the kiosk's in ``tests/edge/test_uplink_traps.py``.
"""

import ctypes
import os
import signal
import socket
from pathlib import Path

import pytest
from bare_kiosk import BareKiosk, wait_for

from edge_agent.sending import WINDOW
from gateway.keyring_updates import MAX_UPDATE_BYTES
from gateway.port import ConnectionState
from luutru.demo import broker as broker_module
from luutru.demo.broker import PACKET_BYTES, Broker
from luutru.demo.pki import GATEWAY_NAME
from luutru.processes.gateway import GatewaySettings, make_transport
from luutru.system import SystemClock
from residence.wire.envelope import MAX_ENVELOPE_BYTES
from residence.wire.receipts import MAX_PACKED_BYTES
from residence.wire.topics import SHARDS, kiosk_topics, shard_filter, shard_of

KIOSK = "kiosk-lobby-1"
SITE, ELSEWHERE = "blk-hoa-binh", "htl-sao-mai"
TOPICS = kiosk_topics(SITE, KIOSK)
OURS = shard_filter(shard_of(SITE))
PIDFD_GETFD = 438


def bare_gateway(broker, name="bare-gateway", **more):
    return BareKiosk(broker, name, identity=broker.pki.gateway(), session_seconds=3600, **more)


@pytest.fixture
def kiosk(broker):
    kiosk = BareKiosk(broker, KIOSK)
    yield kiosk
    kiosk.close()


@pytest.fixture
def workers(broker):
    """Gateways as the product makes them, by shards; all are stopped at the end."""
    made = []

    def start(*shards, batch=10):
        tls = broker.pki.gateway().ca.parent
        settings = GatewaySettings(
            registry="", vault=tls, keys=tls, tls=tls, host=broker.host, port=broker.port, shards=shards, batch=batch
        )
        worker = make_transport(settings, SystemClock())
        made.append(worker)
        worker.start()
        wait_for(lambda: worker.state is ConnectionState.CONNECTED)
        return worker

    yield start
    for worker in made:
        worker.stop()


def changed(monkeypatch, old, new):
    assert old in broker_module.CONFIGURATION
    monkeypatch.setattr(broker_module, "CONFIGURATION", broker_module.CONFIGURATION.replace(old, new))


@pytest.mark.parametrize(("limit", "arrived"), [("max_queued_messages 0", 1200), ("", 1000)], ids=["ours", "mosquitto's own"])
def test_t1_the_default_drops_beyond_a_thousand_after_acknowledging_all(tmp_path, pki, monkeypatch, limit, arrived):
    changed(monkeypatch, "max_queued_messages 0", limit)
    with Broker(tmp_path / "other", pki=pki) as broker:
        away, kiosk = bare_gateway(broker), BareKiosk(broker, KIOSK)
        away.subscribe(OURS)
        away.close()
        for number in range(1200):
            kiosk.client.publish(TOPICS.declarations, str(number).encode(), qos=1)
        wait_for(lambda: len(kiosk.codes) == 1200)
        assert set(kiosk.codes.values()) == {0}
        back = bare_gateway(broker)
        wait_for(lambda: len(back.heard) == arrived)
        # What comes now comes after all that waited.
        kiosk.send(TOPICS.declarations, b"last")
        wait_for(lambda: back.heard[-1][1] == b"last")
        assert len(back.heard) == arrived + 1
        for each in (back, kiosk):
            each.close()


def test_t2_a_queue_nobody_fetches_ends_at_its_cap_in_bytes(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(broker_module, "QUEUE_BYTES", 100_000)
    with Broker(tmp_path / "small", pki=pki) as broker:
        away, kiosk = bare_gateway(broker), BareKiosk(broker, KIOSK)
        away.subscribe(OURS)
        away.close()
        assert {kiosk.send(TOPICS.declarations, bytes(10_000)) for _ in range(30)} == {0}  # acknowledged, whatever becomes of it
        back = bare_gateway(broker)
        wait_for(lambda: len(back.heard) == 10)
        kiosk.send(TOPICS.declarations, b"last")
        wait_for(lambda: back.heard[-1][1] == b"last")
        assert len(back.heard) == 11
        for each in (back, kiosk):
            each.close()


def test_t3_t4_acknowledged_messages_are_gone_after_a_kill(broker, kiosk):
    """The fact that receipts are there for; what the kiosk makes of it: ``test_uplink_traps.py``, ``tests/acceptance``."""
    away = bare_gateway(broker)
    away.subscribe(OURS)
    away.close()
    assert {kiosk.send(TOPICS.declarations, str(number).encode()) for number in range(50)} == {0}
    broker.kill()
    broker.start()
    back = bare_gateway(broker)
    assert (back.session_present, back.heard) == (False, [])
    back.close()


@pytest.mark.parametrize("clean", [True, False], ids=["begun clean", "begun as ours"])
def test_t5_only_a_session_that_did_not_begin_clean_is_stored(broker, kiosk, clean):
    away = bare_gateway(broker, clean=clean)
    away.subscribe(OURS)
    away.close()
    assert kiosk.send(TOPICS.declarations, b"kept?") == 0
    broker.restart()
    back = bare_gateway(broker)
    assert back.session_present is not clean
    back.close()


def test_t6_t7_workers_on_shards_keep_each_their_own_queue_over_a_restart(broker, workers):
    mine, others = shard_of(SITE), shard_of(ELSEWHERE)
    away, there = workers(mine), workers(others)
    away.stop()
    kiosk = BareKiosk(broker, KIOSK)
    assert kiosk.send(TOPICS.declarations, b"for the one that is away") == 0
    broker.restart()
    wait_for(lambda: there.state is ConnectionState.CONNECTED)
    desk = BareKiosk(broker, "kiosk-desk-1")
    assert desk.send(kiosk_topics(ELSEWHERE, "kiosk-desk-1").declarations, b"for the other") == 0
    assert payloads(there, 1) == [b"for the other"]
    assert payloads(workers(mine), 1) == [b"for the one that is away"]
    for each in (kiosk, desk):
        each.close()


def test_t6_t7_shared_subscriptions_would_hold_half_for_the_absent_and_end_with_a_restart(broker, kiosk):
    """Why there is no ``$share`` here. Later versions of Mosquitto store them; Debian's 2.0.11 does not."""
    shared = f"$share/workers/{OURS}"
    away, there = bare_gateway(broker, "worker-a"), bare_gateway(broker, "worker-b")
    away.subscribe(shared)
    away.close()
    there.subscribe(shared)
    for number in range(20):
        assert kiosk.send(TOPICS.declarations, str(number).encode()) == 0
    wait_for(lambda: len(there.heard) == 10)
    there.close()
    broker.restart()
    again = BareKiosk(broker, KIOSK)
    back = bare_gateway(broker, "worker-b")
    assert back.session_present
    assert again.send(TOPICS.declarations, b"to nobody") == 0x10
    for each in (back, again):
        each.close()


def test_t8_what_we_send_to_kiosks_never_expires(broker, workers, kiosk):
    kiosk.subscribe(TOPICS.receipts, TOPICS.commands)
    worker = workers(*range(SHARDS))
    assert worker.publish(TOPICS.receipts, b"receipt")
    assert worker.publish(TOPICS.commands, b"ring", retain=True)
    wait_for(lambda: len(kiosk.heard) == 2)
    assert not any(hasattr(each, "MessageExpiryInterval") for each in kiosk.heard_with)


@pytest.mark.parametrize("nodelay", ["true", "false"], ids=["ours", "mosquitto's own"])
def test_t12_small_messages_are_not_held_back(tmp_path, pki, monkeypatch, nodelay):
    changed(monkeypatch, "set_tcp_nodelay true", f"set_tcp_nodelay {nodelay}")
    with Broker(tmp_path / "other", pki=pki) as broker:
        kiosk = BareKiosk(broker, KIOSK)
        assert connections_without_delay(broker.pid, broker.port) == [nodelay == "true"]
        kiosk.close()


def test_t13_the_window_is_the_gateways_four_batches_and_wide_enough_for_kiosks(workers, kiosk):
    worker = workers(*range(SHARDS), batch=10)
    for number in range(60):
        assert kiosk.send(TOPICS.declarations, str(number).encode()) == 0
    assert len(payloads(worker, 60, seconds=0.5)) == 40  # nothing is acknowledged, so no more comes
    assert getattr(kiosk.properties, "ReceiveMaximum", 65_535) >= WINDOW


def test_everything_we_send_fits_and_what_does_not_is_told_and_cut(broker, workers):
    worker = workers(*range(SHARDS))
    kiosk = BareKiosk(broker, KIOSK)
    kiosk.subscribe(TOPICS.receipts, TOPICS.commands)
    assert kiosk.properties.MaximumPacketSize == PACKET_BYTES
    assert kiosk.send(TOPICS.declarations, bytes(MAX_ENVELOPE_BYTES)) == 0
    assert worker.publish(TOPICS.receipts, bytes(MAX_PACKED_BYTES))
    assert worker.publish(TOPICS.commands, bytes(MAX_UPDATE_BYTES))
    wait_for(lambda: len(kiosk.heard) == 2)
    assert kiosk.send(TOPICS.declarations, bytes(PACKET_BYTES)) is None
    wait_for(lambda: kiosk.ended is not None)
    assert kiosk.ended == 0x95  # packet too large
    assert [len(payload) for payload in payloads(worker, 1)] == [MAX_ENVELOPE_BYTES]
    others = BareKiosk(broker, "kiosk-desk-1")  # one sender's oversize is nobody else's trouble
    assert others.send(kiosk_topics(ELSEWHERE, "kiosk-desk-1").declarations, b"x") == 0
    others.close()


@pytest.mark.parametrize("asked", [0, 600], ids=["never", "ten minutes"])
def test_a_silent_client_is_asked_at_least_every_two_minutes(broker, asked):
    kiosk = BareKiosk(broker, KIOSK, keepalive=asked)
    assert kiosk.properties.ServerKeepAlive == 120
    kiosk.close()


def test_t14_a_kiosk_that_takes_the_gateways_client_id_hears_nothing_and_the_gateway_comes_back(broker, workers):
    worker = workers(*range(SHARDS))
    away = bare_gateway(broker)
    away.subscribe(OURS)
    away.close()
    kiosk = BareKiosk(broker, KIOSK)
    assert kiosk.send(TOPICS.declarations, b"sealed") == 0  # waits in the session of the one that is away
    for client_id in ("bare-gateway", GATEWAY_NAME):
        rogue = BareKiosk(broker, "kiosk-desk-1", client_id=client_id, session_seconds=3600)
        assert rogue.session_present  # Mosquitto hands it over to whoever has a certificate
        wait_for(lambda: worker.state is ConnectionState.CONNECTED and BareKiosk.may_connect(broker, "kiosk-desk-1"))
        assert rogue.heard == []
        rogue.close()
    # Sent again and again, as a kiosk does: what comes while the rogue holds the session is acknowledged and gone.
    wait_for(lambda: kiosk.send(TOPICS.declarations, b"after") is not None and b"after" in payloads(worker, 1, seconds=0.2))
    kiosk.close()


def test_t15_told_to_read_its_rules_again_it_ends_sessions_that_are_not_connected(broker):
    """So nothing of ours sends it a SIGHUP: upstream #1521, #2934 and #3418 tell what follows, up to a crash."""
    bare_gateway(broker).close()
    ended = "Client bare-gateway disconnected"
    wait_for(lambda: broker.log.read_text("utf-8", "replace").count(ended) == 1)
    os.kill(broker.pid, signal.SIGHUP)
    wait_for(lambda: broker.log.read_text("utf-8", "replace").count(ended) == 2)  # it had been gone for long


def payloads(worker, count, seconds=10.0):
    found = []
    for _ in range(int(seconds / 0.1)):
        found += [
            each.payload for each in worker.collect(count, wait_seconds=0.1, fill_seconds=0.02) if each.topic.endswith("/d")
        ]
        if len(found) >= count:
            break
    return found


def connections_without_delay(pid, port):
    """Ask the kernel about each of the broker's accepted connections: whether TCP_NODELAY is set."""
    handle = os.pidfd_open(pid)
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        if not str(each.readlink()).startswith("socket:"):
            continue
        copy = ctypes.CDLL(None).syscall(PIDFD_GETFD, handle, int(each.name), 0)
        assert copy >= 0, "the broker is our child: its sockets may be looked at"
        with socket.socket(fileno=copy) as connection:
            try:
                connection.getpeername()
            except OSError:
                continue  # it listens
            if connection.family == socket.AF_INET and connection.getsockname()[1] == port:
                found.append(bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
    os.close(handle)
    return found
