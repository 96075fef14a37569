"""Every kind of poison of the list: its code, a row with the reason and without plaintext, an answer only to a proven sender, a count.

Between good ones each time: what is bad stops nobody, and coming again it makes no second row.
"""

from datetime import timedelta

import authority
import msgspec
import pytest
from sqlalchemy import select

from gateway.port import Delivery
from luutru.benchmarks.fleet import COMMUNE, Fleet
from luutru.system import random_bytes
from registry import tables
from registry.kiosks import revoke_key
from residence.clock import rfc3339
from residence.wire import cbor
from residence.wire.envelope import MAX_ENVELOPE_BYTES


@pytest.fixture
def office(small_office):
    return small_office


def _poison(office, kiosk, _folder):
    return office.deliver(kiosk, office.declaration(kiosk), schema="presence/1")


def _oversized(office, kiosk, _folder):
    delivery = office.deliver(kiosk)
    signed, sealed = authority.split_envelope(delivery.payload)
    return Delivery(topic=delivery.topic, payload=authority.join_envelope(signed, sealed + bytes(MAX_ENVELOPE_BYTES)))


def _unknown_version(office, kiosk, _folder):
    return office.deliver(kiosk, schema="stay-declaration/2")


def _unknown_key(office, kiosk, folder):
    stranger = Fleet(kiosks=1, now=authority.ENROLLED, random_bytes=random_bytes, keys=folder / "other").kiosks[0]
    stranger.recipient = kiosk.recipient
    stranger.signer = type(stranger.signer)("no-such-key", random_bytes(32))
    return Delivery(topic=kiosk.topics.declarations, payload=stranger.seal(office.declaration(stranger), now=office.clock.now()))


def _revoked_key(office, kiosk, _folder):
    delivery = office.deliver(kiosk)
    with office.registry.writing() as connection:
        revoke_key(connection, kiosk.signer.key_id, now=office.clock.now())
    office.clock.pass_time(seconds=1)
    return delivery


def _wrong_recipient(office, kiosk, _folder):
    own = kiosk.recipient
    kiosk.recipient = msgspec.structs.replace(own, key_id="somebody-else")
    delivery = office.deliver(kiosk)
    kiosk.recipient = own
    return delivery


def _another_id_outside(office, kiosk, _folder):
    """The sealed statement of one id under the header of another."""
    return office.deliver(kiosk, declaration_id=office.declaration(kiosk).declaration_id)


def _confirmed_clock(**away):
    def make(office, kiosk, _folder):
        payload = kiosk.seal(office.declaration(kiosk), now=office.clock.now() + timedelta(**away))
        return Delivery(topic=kiosk.topics.declarations, payload=payload)

    return make


# what came -> (code, what its sender is told)
POISON = {
    "poison: a body that is not what its header says": (_poison, "message.malformed", "refused"),
    "oversized": (_oversized, "envelope.too_long", None),
    "unknown version": (_unknown_version, "message.schema_unknown", "received"),
    "unknown key": (_unknown_key, "key.unknown", None),
    "revoked key": (_revoked_key, "key.revoked", None),
    "wrong recipient": (_wrong_recipient, "envelope.recipient", "refused"),
    "replayed under another id": (_another_id_outside, "intake.id_mismatch", "refused"),
    "time far off, ahead": (_confirmed_clock(days=3 * 365), "intake.clock_impossible", "received"),
    "time far off, behind": (_confirmed_clock(days=-3 * 365), "intake.clock_impossible", "received"),
}


@pytest.mark.parametrize("case", POISON.values(), ids=POISON.keys())
def test_each_kind_has_its_code_its_row_its_answer_and_its_count(office, case, tmp_path):
    make, code, answer = case
    bad = make(office, office.kiosk(), tmp_path)
    good = office.kiosk(1)
    outcome = office.intake.take([office.deliver(good), bad, office.deliver(good)])
    assert outcome.counts == {"accepted": 2, f"set aside {code}": 1}
    answers = [each for each in office.receipts(outcome) if each.state != "accepted"]
    assert [(each.state, each.findings[0].code) for each in answers] == ([(answer, code)] if answer else [])
    again = office.intake.take([bad])
    assert again.receipts == [each for each in outcome.receipts if each in again.receipts]  # the same bytes, or still none
    with office.registry.reading() as connection:
        (row,) = connection.execute(select(tables.quarantine)).all()
    assert (row.code, row.seen_count, row.receipt_bytes is not None) == (code, 2, answer is not None)
    assert bad.payload not in row.payload_sealed
    assert "Trần" not in repr([row.code, row.detail, row.topic, row.declaration_id])


def test_a_statement_sent_again_under_another_id_is_another_statement_and_a_number_used_twice_is_refused(office):
    """The sequence number is the kiosk's own count: the same number under another id is set aside, and the first stands."""
    kiosk = office.kiosk()
    first = office.deliver(kiosk)
    used = kiosk.sequence
    office.intake.take([first])
    kiosk.sequence = used - 1
    outcome = office.intake.take([office.deliver(kiosk)])
    (receipt,) = office.receipts(outcome)
    assert (receipt.state, receipt.findings[0].code) == ("refused", "registry.sequence_reused")
    assert outcome.counts["dead letter"] == 1
    with office.registry.reading() as connection:
        (row,) = connection.execute(select(tables.quarantine)).all()
    assert (row.code, row.commune_code) == ("registry.sequence_reused", COMMUNE)  # its own commune's operators see it
    assert office.count("declarations") == 1


def test_a_statement_about_an_arrival_years_ahead_is_said_to_be_in_the_future(office):
    kiosk = office.kiosk()
    ahead = rfc3339(office.clock.now() + timedelta(days=3 * 365))
    later = rfc3339(office.clock.now() + timedelta(days=3 * 365 + 2))
    outcome = office.intake.take([office.deliver(kiosk, office.declaration(kiosk, arrival=ahead, planned_departure=later))])
    (receipt,) = office.receipts(outcome)
    assert "declaration.arrival_in_future" in [each.code for each in receipt.findings]


def test_bytes_that_are_no_frame_at_all_are_counted_and_answered_to_nobody(office):
    noise = [Delivery(topic=office.kiosk().topics.declarations, payload=each) for each in (b"", b"\x00", cbor.encode([b"a"]))]
    outcome = office.intake.take(noise)
    assert outcome.receipts == []
    assert sum(outcome.counts.values()) == 3
