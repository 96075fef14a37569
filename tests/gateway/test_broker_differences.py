"""Each trait of ``tests/brokers.py`` tried on each broker, and the table of docs/brokers.md held against them."""

import re
from dataclasses import asdict, fields
from pathlib import Path

import brokers
import pytest
from bare_kiosk import BareKiosk, wait_for

from luutru.demo.pki import GATEWAY_NAME, Identity, Pki
from residence.wire.topics import kiosk_topics, shard_filter, shard_of

SITE, KIOSK, OTHER = "blk-hoa-binh", "kiosk-lobby-1", "kiosk-desk-1"
TOPICS = kiosk_topics(SITE, KIOSK)
OURS = shard_filter(shard_of(SITE))
DOC = Path(__file__).parents[2] / "docs" / "brokers.md"


@pytest.fixture(params=brokers.NAMES)
def broker(request, tmp_path, pki):
    with brokers.make(request.param, tmp_path / "broker", pki=pki) as broker:
        broker.traits = brokers.TRAITS[request.param]
        yield broker


def gateway(broker, **more):
    return BareKiosk(broker, GATEWAY_NAME, identity=broker.pki.gateway(), session_seconds=3600, **more)


def test_whether_a_stranger_with_the_right_name_gets_in(broker, tmp_path):
    self_made = Pki(tmp_path / "self-made").kiosk(KIOSK)
    stranger = Identity(name=KIOSK, ca=broker.pki.ca, certificate=self_made.certificate, key=self_made.key)
    try:
        taken = BareKiosk(broker, KIOSK, identity=stranger).connack == 0
    except OSError:
        taken = False
    assert taken is not broker.traits.checks_client_certificates


def test_whether_a_kiosk_may_write_for_another(broker):
    hearing, kiosk = gateway(broker), BareKiosk(broker, OTHER)
    hearing.subscribe(OURS)
    code = kiosk.send(TOPICS.declarations, b"forged")
    if broker.traits.keeps_kiosks_to_their_own_topics:
        assert (code, hearing.heard) == (0x87, [])
    else:
        assert code == 0
        wait_for(lambda: hearing.heard)  # our gateway refuses it: the topic is not the header's kiosk's
    hearing.close()


def test_what_is_said_when_nobody_subscribes(broker):
    kiosk = BareKiosk(broker, KIOSK)
    assert kiosk.send(TOPICS.declarations, b"x") == (0x10 if broker.traits.says_when_nobody_subscribes else 0)
    kiosk.close()


def test_how_much_is_delivered_unacknowledged(broker):
    hearing, kiosk = gateway(broker, receive_maximum=20), BareKiosk(broker, KIOSK)
    hearing.subscribe(OURS)
    for number in range(60):
        assert kiosk.send(TOPICS.declarations, str(number).encode()) == 0
    # A second subscriber has heard all by now that the first will hear.
    beside = BareKiosk(broker, "beside", identity=broker.pki.gateway())
    beside.subscribe(OURS)
    kiosk.send(TOPICS.declarations, b"last")
    wait_for(lambda: beside.heard)
    wait_for(lambda: len(hearing.heard) >= 20)
    if broker.traits.obeys_our_receive_maximum:
        assert len(hearing.heard) == 20
    else:
        wait_for(lambda: len(hearing.heard) > 20)
    for each in (hearing, beside, kiosk):
        each.close()


def test_whether_the_largest_packet_is_said_beforehand(broker):
    kiosk = BareKiosk(broker, KIOSK)
    said = getattr(kiosk.properties, "MaximumPacketSize", None)
    assert (said is not None) is broker.traits.says_its_largest_packet
    # Said or not: what is larger ends the connection and is never acknowledged.
    assert kiosk.send(TOPICS.declarations, b"x" * 30_000) is None
    kiosk.close()


def test_whether_a_queue_outlives_a_polite_restart(broker):
    away, kiosk = gateway(broker), BareKiosk(broker, KIOSK)
    away.subscribe(OURS)
    away.close()
    assert kiosk.send(TOPICS.declarations, b"kept?") == 0
    kiosk.close()
    broker.restart()
    back = gateway(broker)
    assert back.session_present is broker.traits.keeps_queues_over_a_restart
    if broker.traits.keeps_queues_over_a_restart:
        wait_for(lambda: back.heard == [(TOPICS.declarations, b"kept?")])
    back.close()


def test_whether_a_client_without_keepalive_is_taken(broker):
    try:
        taken = BareKiosk(broker, KIOSK, keepalive=0).connack == 0
    except OSError:
        taken = False
    assert taken is broker.traits.takes_keepalive_zero


def test_a_second_connection_with_one_client_id_ends_the_first(broker):
    """Revocation cuts live sessions this way; and so could any kiosk that is let in (docs/brokers.md, T14)."""
    first = BareKiosk(broker, KIOSK)
    second = BareKiosk(broker, GATEWAY_NAME, client_id=KIOSK, identity=broker.pki.gateway())
    assert broker.traits.ends_the_older_of_two_with_one_client_id
    wait_for(lambda: not first.connected)
    assert second.connected
    second.close()


def test_a_broker_of_tests_listens_on_loopback_only(broker):
    port = f"{broker.port:04X}"
    tables = [Path(name).read_text("ascii").splitlines()[1:] for name in ("/proc/net/tcp", "/proc/net/tcp6")]
    listening = [line.split()[1] for table in tables for line in table if line.split()[3] == "0A"]
    assert [place.split(":")[0] for place in listening if place.endswith(f":{port}")] == ["0100007F"]


def test_the_document_shows_exactly_these_differences():
    rows = dict(re.findall(r"^\| (\w+(?: \w+)+) \| ((?:yes|no)(?: \| (?:yes|no))*) \|", DOC.read_text("utf-8"), re.MULTILINE))
    shown = {name.replace(" ", "_"): [word == "yes" for word in words.split(" | ")] for name, words in rows.items()}
    assert shown == {
        each.name: [asdict(traits)[each.name] for traits in brokers.TRAITS.values()] for each in fields(brokers.Traits)
    }
