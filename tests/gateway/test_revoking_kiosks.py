"""A kiosk revoked at a real Mosquitto: which fence does what, which alone does nothing, and what is said when one is missing."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from bare_kiosk import BareKiosk, wait_for

from gateway.cutting import CutLine, cut_session
from luutru.broker_access import BrokerAccess
from luutru.demo.pki import GATEWAY_NAME, Pki
from luutru.revocation import Fences, revoke_kiosk
from luutru.system import SystemClock
from residence.errors import Refused
from residence.wire.topics import access_edition, kiosk_topics

SITE = "blk-hoa-binh"


@pytest.fixture
def own_pki(tmp_path):
    """Revocation is for good: not with the certificates other tests go on with."""
    return Pki(tmp_path / "own-pki")


@pytest.fixture
def broker(tmp_path, own_pki):
    from luutru.demo.broker import Broker

    with Broker(tmp_path / "broker", pki=own_pki) as broker:
        yield broker


@pytest.fixture
def stolen(small_office, own_pki):
    return own_pki.kiosk(small_office.kiosk(0).kiosk_id).name


@pytest.fixture
def honest(small_office, own_pki):
    return own_pki.kiosk(small_office.kiosk(1).kiosk_id).name


def line_of(broker):
    who = broker.pki.gateway()
    return CutLine(host=broker.host, port=broker.port, ca=who.ca, certificate=who.certificate, key=who.key)


def revoke(office, broker, kiosk_id, *, access=None, revocations=None):
    fences = Fences(
        access=access or broker.access,
        line=line_of(broker),
        revocations=revocations or broker.pki.revoke,
    )
    return revoke_kiosk(kiosk_id, registry=office.registry, fences=fences, clock=SystemClock(), pause=lambda _seconds: None)


def topics(kiosk_id):
    return kiosk_topics(SITE, kiosk_id)


def test_a_kiosk_that_only_listens_is_cut_and_never_comes_back_while_the_others_do(small_office, broker, stolen, honest):
    thief, other = BareKiosk(broker, stolen), BareKiosk(broker, honest)
    done = revoke(small_office, broker, stolen)
    assert (done.changed, done.rules, done.certificate, done.in_force) == (True, True, True, True)
    assert (done.session_ended, done.problems) == (True, [])
    wait_for(lambda: not thief.connected)
    assert not BareKiosk.may_connect(broker, stolen)
    assert not BareKiosk.may_connect(broker, stolen, client_id="another-name")
    wait_for(lambda: not other.connected)  # the broker began anew: everybody comes back, one does not
    back = BareKiosk(broker, honest)
    assert back.send(topics(honest).declarations, b"still here") == 0x10  # nobody subscribed, but allowed
    back.close()


def test_what_mosquitto_does_alone_leaves_the_thief_connected(broker, stolen):
    """The control of the test above: rules and list are in force, and the live session goes on."""
    thief = BareKiosk(broker, stolen)
    broker.access.shut_out(stolen)
    broker.access.write(revocations=broker.pki.revoke(stolen))
    os.kill(broker.pid, signal.SIGHUP)
    wait_for(lambda: not BareKiosk.may_connect(broker, stolen, client_id="another-name"))
    assert thief.connected
    assert thief.send(topics(stolen).declarations, b"refused now") == 0x87
    thief.close()


def test_a_receipt_waiting_in_a_revoked_kiosks_session_is_never_delivered(small_office, broker, stolen):
    thief = BareKiosk(broker, stolen, session_seconds=3600)
    thief.subscribe(topics(stolen).receipts)
    thief.close()
    gateway = BareKiosk(broker, GATEWAY_NAME, identity=broker.pki.gateway())
    assert gateway.send(topics(stolen).receipts, b"waits") == 0
    assert revoke(small_office, broker, stolen).session_ended
    gateway = BareKiosk(broker, GATEWAY_NAME, identity=broker.pki.gateway())
    assert gateway.send(topics(stolen).receipts, b"to nobody") == 0x10  # its session and subscription are gone
    gateway.close()


def test_without_a_new_list_the_kiosk_connects_and_may_do_nothing(small_office, broker, stolen):
    done = revoke(small_office, broker, stolen, revocations=lambda _kiosk: None)
    assert (done.in_force, done.certificate, done.problems) == (True, False, ["broker.certificate_holds"])
    thief = BareKiosk(broker, stolen)
    assert thief.send(topics(stolen).declarations, b"x") == 0x87
    thief.close()


def unusable(kind, broker, tmp_path):
    if kind == "by another authority":
        return Pki(tmp_path / "other").revocations.read_bytes()
    if kind == "ended":
        long_ago = SystemClock().now() - timedelta(days=900)
        expired = Pki(tmp_path / "expired", now=long_ago)
        return expired.revocations.read_bytes()
    return b"not a list"


@pytest.mark.parametrize("kind", ["by another authority", "ended", "rubbish"])
def test_a_list_that_would_shut_everybody_out_is_never_installed(small_office, broker, stolen, honest, tmp_path, kind):
    done = revoke(small_office, broker, stolen, revocations=lambda _kiosk: unusable(kind, broker, tmp_path))
    assert (done.in_force, done.problems) == (True, ["broker.list_unusable"])
    assert BareKiosk.may_connect(broker, honest)


def test_an_ended_list_shuts_everybody_out_of_mosquitto(broker, honest, tmp_path):
    """Why the end of the list is watched: this is what happens when nobody does."""
    before = broker.pki
    ended = Pki(tmp_path / "short-lived", now=SystemClock().now() - timedelta(days=900))
    for name in ("ca.pem", "ca.key"):
        (tmp_path / "short-lived" / name).write_bytes((before.ca.parent / name).read_bytes())
    ended.revocations.unlink()
    ended._write_revocations({}, lasting=timedelta(days=1))
    assert BareKiosk.may_connect(broker, honest)
    broker.access.write(revocations=ended.revocations.read_bytes())
    os.kill(broker.pid, signal.SIGHUP)  # a start of ours would write the list of our own authority again
    wait_for(lambda: not BareKiosk.may_connect(broker, honest))


def test_a_broker_that_is_down_is_said_and_the_second_time_it_works(small_office, broker, stolen):
    broker.stop()
    first = revoke(small_office, broker, stolen)
    assert (first.changed, first.in_force, first.problems) == (True, False, ["broker.unreachable"])
    broker.start()
    second = revoke(small_office, broker, stolen)
    assert (second.changed, second.in_force, second.problems) == (False, True, [])
    assert not BareKiosk.may_connect(broker, stolen)


def test_a_restarted_broker_remembers_who_is_shut_out(small_office, broker, stolen):
    revoke(small_office, broker, stolen)
    broker.restart()
    assert not BareKiosk.may_connect(broker, stolen)
    proof = access_edition(broker.access.edition)
    assert cut_session(line_of(broker), stolen, proof=proof, patience=0).in_force


def test_elsewhere_than_the_brokers_folder_the_session_is_cut_and_the_rest_is_said(small_office, broker, stolen, tmp_path):
    thief = BareKiosk(broker, stolen)
    nowhere = BrokerAccess(tmp_path / "nowhere", gateway=GATEWAY_NAME)
    done = revoke(small_office, broker, stolen, access=nowhere)
    assert (done.rules, done.in_force, done.session_ended, done.problems) == (False, False, True, ["broker.folder_unknown"])
    wait_for(lambda: not thief.connected)


def test_a_process_that_only_has_the_brokers_number_is_not_signalled(broker):
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        broker.access.pid_file.write_text(str(bystander.pid), "ascii")
        assert not broker.access.begin_anew()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    broker.access.pid_file.unlink()
    assert not broker.access.begin_anew()


def test_rules_the_broker_has_not_read_are_said_not_to_hold(small_office, broker, stolen):
    broker.access.pid_file.unlink()
    done = revoke(small_office, broker, stolen)
    assert (done.rules, done.in_force, done.problems) == (True, False, ["broker.not_restarted"])
    broker.restart()  # as the operator is told to
    assert revoke(small_office, broker, stolen).in_force


def test_a_kiosk_our_authority_gave_no_certificate_is_shut_out_by_the_rules_alone(small_office, broker):
    kiosk_id = small_office.kiosk(0).kiosk_id  # without "stolen": nothing was issued
    done = revoke(small_office, broker, kiosk_id)
    assert (done.in_force, done.problems) == (True, ["broker.certificate_holds"])


def test_a_kiosk_nobody_knows_is_refused_before_anything_is_touched(small_office, broker):
    before = broker.access.rules.read_bytes()
    with pytest.raises(Refused) as refusal:
        revoke(small_office, broker, "kiosk-nobody")
    assert refusal.value.code == "kiosk.unknown"
    assert broker.access.rules.read_bytes() == before
