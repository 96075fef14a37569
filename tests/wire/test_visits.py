"""A visit on its way from a phone: opened by whoever it is sealed to, genuine or refused, checked again without the sealing key."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from visit_parts import AUTHORITY, PUBLIC, VISIT, sent_visit

from residence.errors import LuutruError, Malformed, Untrusted
from residence.wire.visits import open_visit, read_sent, verify_visit

SENT = sent_visit()


def opened(sent):
    return open_visit(sent, public_key=PUBLIC, sealing_key=AUTHORITY)


def test_it_opens_for_the_authority_and_is_checked_again_without_its_key():
    sent = sent_visit()
    found = opened(sent)
    assert found.visit == VISIT
    assert verify_visit(sent.header, sent.signature, found.body, public_key=PUBLIC) == VISIT
    assert read_sent(msgspec.json.encode([sent])) == (sent,)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (sent_visit(by=Ed25519PrivateKey.generate()), "signature.bad"),
        (sent_visit(to=X25519PrivateKey.generate()), "visit.sealed"),
        (sent_visit(body_digest="0" * 64), "visit.sealed"),
        (sent_visit(visit_id="not-an-id"), "visit.malformed"),
        (sent_visit(v=2), "visit.malformed"),
        (sent_visit({"case_id": "case-1", "outcome": "arrested"}), "visit.malformed"),
        (sent_visit({"case_id": "case-1", "outcome": "visitor", "name": "x"}), "visit.malformed"),
        (sent_visit({"case_id": "case-1", "outcome": "visitor", "people": 100}), "visit.malformed"),
        (msgspec.structs.replace(sent_visit(), sealed=sent_visit(kept_at="2026-07-10T16:00:00Z").sealed), "visit.sealed"),
    ],
    ids=["another phone", "another authority", "digest", "id", "version", "outcome", "a name", "people", "moved seal"],
)
def test_what_is_not_genuine_or_not_a_visit_is_refused(sent, code):
    with pytest.raises(LuutruError) as refusal:
        opened(sent)
    assert refusal.value.code == code


@settings(max_examples=60, deadline=None)
@given(place=st.integers(min_value=0, max_value=10_000), part=st.sampled_from(["header", "signature", "sealed"]))
def test_no_changed_byte_goes_through(place, part):
    whole = bytearray(getattr(SENT, part))
    whole[place % len(whole)] ^= 1
    with pytest.raises((Untrusted, Malformed)):
        opened(msgspec.structs.replace(SENT, **{part: bytes(whole)}))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_text_is_refused_with_a_code(text):
    with pytest.raises(Malformed):
        read_sent(b"[{" + text)
