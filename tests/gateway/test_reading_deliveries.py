"""What gets through to the registry and what is set aside, one delivery at a time."""

import authority
import msgspec
import pytest

from gateway.port import Delivery
from gateway.reading import Read, SetAside
from luutru.benchmarks.fleet import Fleet
from luutru.system import random_bytes
from registry.kiosks import retire_kiosk, revoke_key
from residence.stays.declaration import Declarant
from residence.wire.envelope import EnvelopeOpener
from residence.wire.messages import STAY_DECLARATION


@pytest.fixture
def office(small_office):
    return small_office


def read(office, delivery):
    return office.intake.read(delivery, office.clock.now())


def test_a_genuine_envelope_is_read(office):
    result = read(office, office.deliver(office.kiosk()))
    assert isinstance(result, Read)
    assert result.statement.schema == STAY_DECLARATION
    assert result.statement.source.kiosk_id == "kiosk-000"


def _other_site(office, kiosk, _folder):
    return Delivery(topic=kiosk.topics.declarations.replace("blk-000", "blk-001"), payload=b"x")


def _truncated(office, kiosk, _folder):
    delivery = office.deliver(kiosk)
    return Delivery(topic=delivery.topic, payload=delivery.payload[:-20])


def _flipped(office, kiosk, _folder):
    delivery = office.deliver(kiosk)
    payload = bytearray(delivery.payload)
    payload[len(payload) // 4] ^= 1
    return Delivery(topic=delivery.topic, payload=bytes(payload))


def _stranger(office, kiosk, folder):
    """A kiosk of the same name with keys of its own making."""
    stranger = Fleet(kiosks=1, now=authority.ENROLLED, random_bytes=random_bytes, keys=folder / "other").kiosks[0]
    stranger.recipient = kiosk.recipient
    return Delivery(topic=kiosk.topics.declarations, payload=stranger.seal(office.declaration(stranger), now=office.clock.now()))


def _borrowed_topic(office, kiosk, _folder):
    """Kiosk 1 sends what kiosk 0 sealed."""
    return Delivery(topic=office.kiosk(1).topics.declarations, payload=office.deliver(kiosk).payload)


def _claims_another(office, kiosk, _folder):
    """Kiosk 1 signs, with its own key, a header that names kiosk 0."""
    payload = office.kiosk(1).seal(office.declaration(kiosk), now=office.clock.now(), kiosk_id=kiosk.kiosk_id)
    return Delivery(topic=kiosk.topics.declarations, payload=payload)


def _revoked(office, kiosk, _folder):
    with office.registry.writing() as connection:
        revoke_key(connection, kiosk.signer.key_id, now=office.clock.now())
    return office.deliver(kiosk)


def _retired(office, kiosk, _folder):
    with office.registry.writing() as connection:
        retire_kiosk(connection, kiosk.kiosk_id, now=office.clock.now())
    return office.deliver(kiosk)


def _moved(office, kiosk, _folder):
    """Enrolled at one premises, sending from another."""
    topics = authority.kiosk_topics("blk-001", kiosk.kiosk_id)
    return Delivery(topic=topics.declarations, payload=office.deliver(kiosk).payload)


NOBODY = {
    "a topic whose shard is not the site's": (_other_site, "topic.malformed"),
    "a truncated envelope": (_truncated, "envelope.malformed"),
    "one bit turned": (_flipped, None),
    "a stranger with our kiosk's name": (_stranger, "signature.bad"),
    "a genuine envelope on another kiosk's topic": (_borrowed_topic, "intake.kiosk_mismatch"),
    "a kiosk that names another": (_claims_another, "key.wrong_owner"),
    "a revoked key": (_revoked, "key.revoked"),
    "a retired kiosk": (_retired, "key.revoked"),
    "a kiosk at another place than enrolled": (_moved, "intake.site_mismatch"),
}


@pytest.mark.parametrize("case", NOBODY.values(), ids=NOBODY.keys())
def test_what_nobody_vouches_for_is_set_aside_without_an_answer(office, case, tmp_path):
    make, code = case
    result = read(office, make(office, office.kiosk(), tmp_path))
    assert isinstance(result, SetAside)
    assert code in {None, result.code}
    assert result.answer is None


def _foreign_recipient(office, kiosk):
    kiosk.recipient = msgspec.structs.replace(kiosk.recipient, key_id="somebody-else")
    return office.deliver(kiosk)


def _seal_swapped(office, kiosk):
    first, second = office.deliver(kiosk), office.deliver(kiosk)
    signed = authority.split_envelope(first.payload)[0]
    sealed = authority.split_envelope(second.payload)[1]
    return Delivery(topic=first.topic, payload=authority.join_envelope(signed, sealed))


def _two_ids(office, kiosk):
    return office.deliver(kiosk, declaration_id=office.declaration(kiosk).declaration_id)


def _other_premises(office, kiosk):
    return office.deliver(kiosk, office.declaration(kiosk, premises_id="blk-777"))


def _as_officer(office, kiosk):
    return office.deliver(kiosk, office.declaration(kiosk, declarant=Declarant(role="officer")))


def _wrong_schema(office, kiosk):
    return office.deliver(kiosk, schema="presence/1")


def _new_schema(office, kiosk):
    return office.deliver(kiosk, schema="stay-declaration/2")


VOUCHED = {
    "sealed to a key that is nobody's": (_foreign_recipient, "envelope.recipient", "refused"),
    "the sealed part of another envelope": (_seal_swapped, "envelope.sealed", "refused"),
    "another id inside than outside": (_two_ids, "intake.id_mismatch", "refused"),
    "a declaration for premises elsewhere": (_other_premises, "intake.premises_mismatch", "refused"),
    "a kiosk that speaks as an officer": (_as_officer, "intake.officer_at_kiosk", "refused"),
    "a body that is not what the header says": (_wrong_schema, "message.malformed", "refused"),
    "a message newer than this gateway": (_new_schema, "message.schema_unknown", "received"),
}


@pytest.mark.parametrize("case", VOUCHED.values(), ids=VOUCHED.keys())
def test_a_genuine_header_whose_body_cannot_be_used_is_answered(office, case):
    make, code, answer = case
    result = read(office, make(office, office.kiosk()))
    assert isinstance(result, SetAside)
    assert (result.code, result.answer) == (code, answer)


def test_a_gateway_that_lacks_the_authoritys_key_does_not_blame_the_kiosk(office):
    office.intake = office.make_intake(opener=EnvelopeOpener([]))
    result = read(office, office.deliver(office.kiosk()))
    assert (result.code, result.answer) == ("envelope.recipient", "received")


def test_a_key_that_is_revoked_is_refused_within_a_second_on_a_live_connection(office):
    kiosk = office.kiosk()
    assert isinstance(read(office, office.deliver(kiosk)), Read)
    _revoked(office, kiosk, None)
    office.clock.pass_time(seconds=1)
    assert read(office, office.deliver(kiosk)).code == "key.revoked"
