"""What a kiosk makes of a broker that acknowledges and forgets, and of one that takes less than the kiosk may send."""

import random

import pytest
from bare_kiosk import BareKiosk, wait_for
from factories import make_declaration
from kiosk_parts import make_outbox

from edge_agent.line import ConnectionState, Line
from edge_agent.uplink import Uplink
from luutru.demo import broker as broker_module
from luutru.demo.broker import Broker
from luutru.system import SystemClock
from luutru.throwaway import KIOSK_ID
from residence.wire.envelope import read_header
from residence.wire.topics import kiosk_topics

SITE = "blk-hoa-binh"
TOPICS = kiosk_topics(SITE, KIOSK_ID)


@pytest.fixture
def kiosk(tmp_path):
    """An outbox and a factory of uplinks to any broker; all are stopped at the end."""
    outbox = make_outbox(tmp_path / "kiosk.db", clock=SystemClock())
    uplinks = []

    def start(broker, **changes):
        who = broker.pki.kiosk(KIOSK_ID)
        line = Line(
            host=broker.host,
            port=broker.port,
            site=SITE,
            kiosk_id=KIOSK_ID,
            ca_file=who.ca,
            certificate_file=who.certificate,
            key_file=who.key,
            **{"resend_after": 0.4, "backoff_base": 0.05, "backoff_cap": 0.2, **changes},
        )
        uplinks.append(Uplink(outbox, line, clock=SystemClock(), jitter=random.random))
        uplinks[-1].start()
        return uplinks[-1]

    yield outbox, start
    for uplink in uplinks:
        uplink.stop()
    outbox.close()


def gateway(broker):
    """A durable session that hears declarations and never answers."""
    hearing = BareKiosk(broker, "silent-gateway", identity=broker.pki.gateway(), session_seconds=3600)
    hearing.subscribe(TOPICS.declarations)
    return hearing


def sequences(hearing):
    return {read_header(payload).sequence for _, payload in hearing.heard}


def test_t3_t4_what_the_broker_acknowledged_and_lost_is_sent_again(kiosk, broker):
    outbox, start = kiosk
    gateway(broker).close()
    kept = [outbox.keep(make_declaration()).declaration_id for _ in range(5)]
    start(broker)
    wait_for(lambda: all(outbox.settlement(each).state == "sent" for each in kept))
    broker.kill()
    broker.start()
    back = gateway(broker)
    assert not back.session_present  # what was acknowledged is gone with it
    wait_for(lambda: len(sequences(back)) == 5)
    assert outbox.depth() == 5  # no receipt: everything is still the kiosk's
    assert not any(hasattr(each, "MessageExpiryInterval") for each in back.heard_with)  # T8
    back.close()


def test_t8_neither_does_the_kiosks_state_expire(kiosk, broker):
    _, start = kiosk
    hearing = BareKiosk(broker, "silent-gateway", identity=broker.pki.gateway())
    hearing.subscribe(TOPICS.state)
    start(broker)
    wait_for(lambda: hearing.heard)
    assert not any(hasattr(each, "MessageExpiryInterval") for each in hearing.heard_with)
    hearing.close()


@pytest.fixture
def narrow_broker(tmp_path, pki, monkeypatch):
    broker = Broker(tmp_path / "narrow", pki=pki)
    with monkeypatch.context() as narrow:
        narrow.setattr(broker_module, "PACKET_BYTES", 2_000)
        broker.start()
    yield broker
    broker.stop()


def long_declaration():
    return make_declaration(note="x" * 1500)


def test_a_row_larger_than_the_broker_takes_is_kept_and_said_and_holds_up_nobody(kiosk, narrow_broker):
    outbox, start = kiosk
    hearing = gateway(narrow_broker)
    large = outbox.keep(long_declaration()).declaration_id
    small = [outbox.keep(make_declaration()).declaration_id for _ in range(3)]
    uplink = start(narrow_broker)
    wait_for(lambda: all(outbox.settlement(each).state == "sent" for each in small))
    wait_for(lambda: uplink.health().trouble == "uplink.too_large")
    assert outbox.settlement(large).state == "kept"
    wait_for(lambda: sequences(hearing) == {2, 3, 4})
    assert uplink.health().state is ConnectionState.UP
    assert uplink.health().session == 1  # it was never cut for it
    hearing.close()


def test_a_broker_that_takes_it_later_gets_it(kiosk, narrow_broker, broker):
    outbox, start = kiosk
    large = outbox.keep(long_declaration()).declaration_id
    first = start(narrow_broker)
    wait_for(lambda: first.health().trouble == "uplink.too_large")
    first.stop()
    hearing = gateway(broker)
    second = start(broker)
    wait_for(lambda: outbox.settlement(large).state == "sent")
    wait_for(lambda: second.health().trouble == "")
    wait_for(lambda: sequences(hearing) == {1})
    hearing.close()
