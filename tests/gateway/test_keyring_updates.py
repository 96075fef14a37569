"""What kiosks are told of the authority's keys: to whom, when, and under which serial."""

from datetime import timedelta

import msgspec
import pytest
import structlog
from factories import EVENING

from gateway import keyring_updates
from gateway.keyring_updates import KeyringUpdates
from luutru.keys import make_key, read_signing_key
from luutru.system import random_bytes
from registry import kiosks
from registry.key_changes import put_beside, revoke
from residence.clock import rfc3339
from residence.errors import Refused, Untrusted
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring
from residence.wire.receipts import verify_receipt
from residence.wire.signing import SigningKey
from residence.wire.state import KioskState
from residence.wire.topics import shard_of
from residence.wire.updates import accept_update, ring_for_kiosks

UPDATER = SigningKey("updates-1", bytes(range(32)))
SECOND = timedelta(seconds=2)
DAY = timedelta(days=1)


class Wire:
    """A connection that can be away and remembers what it was given."""

    def __init__(self):
        self.connected = True
        self.sent = []

    def publish(self, topic, payload, *, retain=False):
        if self.connected:
            self.sent.append((topic, payload, retain))
        return self.connected

    def flush(self):
        pass

    def take(self):
        taken, self.sent = self.sent, []
        return taken


@pytest.fixture
def office(office):
    """Both engines; with a key of use ``keyring`` in the registry."""
    entry = KeyEntry(
        key_id="updates-1", use="keyring", owner=AUTHORITY, public_key=UPDATER.public_key, valid_from=rfc3339(EVENING - DAY)
    )
    with office.registry.writing() as connection:
        kiosks.add_key(connection, entry, commune_code="demo-01")
    office.provisioned = Keyring([entry], serial=1)
    yield office
    structlog.reset_defaults()


def receipt_key(name, day=0):
    key = SigningKey(name, name.encode().ljust(32, b"."))
    return key, KeyEntry(
        key_id=name, use="receipt", owner=AUTHORITY, public_key=key.public_key, valid_from=rfc3339(EVENING + day * DAY)
    )


def change(office, what, *arguments, **named):
    with office.registry.writing() as connection:
        answer = what(connection, *arguments, **named)
    office.intake.trust.forget()
    return answer


def updates_of(office, **changes):
    return KeyringUpdates(office.intake.trust, **{"signer": UPDATER, **changes})


def test_every_enrolled_kiosk_is_sent_the_authoritys_ring_once_and_for_later_comers(office):
    wire, updates = Wire(), updates_of(office)
    assert updates.send(wire, EVENING) == 2
    assert {topic for topic, _, _ in wire.sent} == {kiosk.topics.commands for kiosk in office.fleet.kiosks}
    assert all(retain for _, _, retain in wire.sent)
    ring = accept_update(wire.take()[0][1], keyring=office.provisioned, at=EVENING)
    assert {entry.owner for entry in ring.entries} == {AUTHORITY}
    assert ring.serial == 3  # three keys, nothing happened to them yet
    assert updates.send(wire, EVENING + SECOND) == 0


def test_the_serial_rises_with_a_key_added_ended_and_revoked_and_a_restart_does_not_change_it(office):
    wire, updates = Wire(), updates_of(office)
    updates.send(wire, EVENING)
    ring = accept_update(wire.take()[0][1], keyring=office.provisioned, at=EVENING)
    change(office, put_beside, receipt_key("new")[1], old_ids=["fleet-gateway-receipt"], end=EVENING + DAY)
    updates.send(wire, EVENING)
    ring = accept_update(wire.take()[0][1], keyring=ring, at=EVENING)
    assert ring.serial == 5
    assert change(office, revoke, "fleet-gateway-receipt", now=EVENING)
    updates.send(wire, EVENING)
    payload = wire.take()[0][1]
    assert accept_update(payload, keyring=ring, at=EVENING).serial == 6
    updates_of(office).send(wire, EVENING)
    assert wire.take()[0][1] == payload


def test_a_kiosks_own_key_is_nobody_elses_business(office):
    wire, updates = Wire(), updates_of(office)
    updates.send(wire, EVENING)
    wire.take()
    assert change(office, revoke, office.kiosk().signer.key_id, now=EVENING)
    assert updates.send(wire, EVENING + SECOND) == 0


def test_a_kiosk_that_says_its_ring_is_older_is_told_again(office):
    wire, updates = Wire(), updates_of(office)
    updates.send(wire, EVENING)
    wire.take()
    behind = KioskState(kiosk_id=office.kiosk().kiosk_id, session=1, online=True, at="x", keyring_serial=1)
    for state in (
        msgspec.structs.replace(behind, keyring_serial=3),
        msgspec.structs.replace(behind, online=False),
        msgspec.structs.replace(behind, kiosk_id="nobody"),
    ):
        updates.heard(state)
    assert updates.send(wire, EVENING) == 0
    updates.heard(behind)
    assert updates.send(wire, EVENING) == 1
    assert wire.sent[0][0] == office.kiosk().topics.commands


def test_what_cannot_be_sent_now_is_sent_when_the_line_is_back(office):
    wire, updates = Wire(), updates_of(office)
    wire.connected = False
    assert updates.send(wire, EVENING) == 0
    wire.connected = True
    assert updates.send(wire, EVENING) == 2


def test_a_kiosk_enrolled_later_is_told_and_the_others_are_not_told_again(office):
    wire, updates = Wire(), updates_of(office)
    updates.send(wire, EVENING)
    wire.take()
    enrolment = kiosks.Enrolment(
        kiosk_id="kiosk-new", premises_id=office.kiosk().premises_id, commune_code="demo-01", profile="lobby"
    )
    enrolment = msgspec.structs.replace(enrolment, commune_code=next(iter(enrolments(office).values())).commune_code)
    change(office, kiosks.enrol_kiosk, enrolment, keys=[], now=EVENING)
    assert updates.send(wire, EVENING + SECOND) == 1
    assert wire.sent[0][0].endswith("/kiosk-new/c")


def enrolments(office):
    return office.intake.trust.current(EVENING).enrolments


def test_a_worker_tells_the_kiosks_of_its_own_shards_only(office):
    own = shard_of(office.kiosk().premises_id)
    wire = Wire()
    assert updates_of(office, shards=[own]).send(wire, EVENING) == 2
    assert updates_of(office, shards=[(own + 1) % 64]).send(wire, EVENING) == 0


def test_a_large_fleet_is_told_in_turns(office, monkeypatch):
    monkeypatch.setattr(keyring_updates, "AT_ONCE", 1)
    wire, updates = Wire(), updates_of(office)
    assert [updates.send(wire, EVENING) for _ in range(3)] == [1, 1, 0]
    assert {topic for topic, _, _ in wire.sent} == {kiosk.topics.commands for kiosk in office.fleet.kiosks}


def test_without_a_keyring_key_nobody_is_told_and_that_is_said_once(office):
    with structlog.testing.capture_logs() as logs:
        updates = updates_of(office, signer=None)
        assert updates.send(Wire(), EVENING) == updates.send(Wire(), EVENING + SECOND) == 0
    assert [entry["log_level"] for entry in logs] == ["warning"]


def test_a_ring_too_large_for_the_broker_is_not_sent_and_the_last_one_stands(office):
    wire, updates = Wire(), updates_of(office)
    updates.send(wire, EVENING)
    wire.take()

    def many(connection):
        for number in range(120):
            kiosks.add_key(connection, receipt_key(f"receipt-{number:03d}")[1], commune_code="demo-01")

    change(office, many)
    with structlog.testing.capture_logs() as logs:
        assert updates.send(wire, EVENING + SECOND) == 0
    assert logs[0]["log_level"] == "error"


def test_a_receipt_of_a_key_revoked_since_is_sent_again_under_the_gateways_own(office):
    sealed = office.deliver(office.kiosk())
    first = office.intake.take([sealed])
    key, entry = receipt_key("new", day=0)
    change(office, put_beside, entry, old_ids=["fleet-gateway-receipt"], end=EVENING + DAY)
    change(office, revoke, "fleet-gateway-receipt", now=EVENING + SECOND)
    office.clock.instant = EVENING + 2 * SECOND
    after_restart = office.make_intake(signer=key)
    again = after_restart.take([sealed])
    assert again.counts == {"replayed": 1}
    with office.registry.reading() as connection:
        ring = ring_for_kiosks(kiosks.keyring_entries(connection))
    with pytest.raises(Untrusted, match=r"key\.revoked"):
        verify_receipt(again.receipts[0][1], keyring=ring)
    ((_, data),) = after_restart.reissued(again.receipts)
    renewed, original = verify_receipt(data, keyring=ring), office.receipts(first)[0]
    assert renewed == msgspec.structs.replace(original, signed_at=rfc3339(office.clock.now()))
    assert after_restart.reissued([(None, data)]) == [(None, data)]
    assert office.make_intake().reissued(again.receipts) == again.receipts  # its own key is the revoked one: nothing to be gained


def test_the_last_key_of_a_use_is_not_revoked_and_a_revocation_is_not_moved(office):
    with pytest.raises(Refused, match=r"key\.last"):
        change(office, revoke, "fleet-gateway-seal", now=EVENING)
    with pytest.raises(Refused, match=r"key\.unknown"):
        change(office, revoke, "nobody", now=EVENING)
    own = office.kiosk().signer.key_id
    assert change(office, revoke, own, now=EVENING)
    assert not change(office, revoke, own, now=EVENING + DAY)
    with office.registry.reading() as connection:
        entry = next(each for each in kiosks.keyring_entries(connection) if each.key_id == own)
    assert entry.revoked_at == rfc3339(EVENING)


def test_keys_ended_once_keep_their_end(office):
    change(office, put_beside, receipt_key("one")[1], old_ids=["fleet-gateway-receipt"], end=EVENING + DAY)
    ending = change(office, put_beside, receipt_key("two")[1], old_ids=["fleet-gateway-receipt", "one"], end=EVENING + 2 * DAY)
    assert ending == ["one"]
    with pytest.raises(Refused, match=r"key\.unknown"):
        change(office, put_beside, receipt_key("three")[1], old_ids=["nobody"], end=EVENING + DAY)
    with pytest.raises(Refused, match=r"key\.expired"):
        change(office, put_beside, receipt_key("three", day=3)[1], old_ids=["two"], end=EVENING + DAY)


def test_a_gateway_finds_its_keyring_key_beside_the_others(office):
    from luutru.processes.gateway import GatewaySettings, make_updates

    settings = GatewaySettings(registry=office.url, vault=office.vault_folder, keys=office.keys, tls=office.folder)
    trust = office.intake.trust
    assert make_updates(settings, trust).send(Wire(), EVENING) == 0
    make_key(office.keys / "keyring.key", key_id="u", use="keyring", owner=AUTHORITY, now=EVENING, random_bytes=random_bytes)
    assert read_signing_key(office.keys / "keyring.key", use="keyring").key_id == "u"
    assert make_updates(settings, trust).send(Wire(), EVENING) == 2
