"""The envelope: what opens, what is refused, and for how long a data key lives."""

import hashlib

import cbor2
import msgspec
import pytest
import wire_vectors as make
from factories import EVENING, make_declaration
from hypothesis import given, settings
from hypothesis import strategies as st

from luutru.throwaway import throwaway_keys
from residence.errors import LuutruError, Malformed, Untrusted
from residence.wire import cbor
from residence.wire.datakey import MAX_AGE_NS, DataKeyring
from residence.wire.envelope import (
    MAX_MESSAGE_BYTES,
    EnvelopeOpener,
    read_header,
    split_envelope,
    verify_envelope,
    verify_statement,
)
from residence.wire.header import _read_any, _read_usual, decode_header, encode_header
from residence.wire.messages import encode_message
from residence.wire.receipts import unpack_receipts
from residence.wire.signing import read_sign1

KEYS = throwaway_keys()
RING = KEYS.keyring
GENUINE = make.seal()
SEAL = RING.current("seal", at=EVENING)


def read(data, keyring=RING):
    return EnvelopeOpener([KEYS.seal]).open(verify_envelope(data, keyring=keyring, at=EVENING))


def test_what_was_sealed_is_what_is_opened():
    declaration = make_declaration()
    opened = read(make.seal(declaration))
    assert opened.message_json == encode_message(declaration)
    assert opened.body[16:] == opened.message_json
    assert hashlib.sha256(opened.body).digest() == opened.header.body_digest


def test_no_personal_byte_is_outside_the_seal():
    envelope = make.seal()
    for planted in ("Trần Văn An", "001095000117", "1995-02-01", "1203", "Láng Hạ"):
        assert planted.encode() not in envelope


@settings(max_examples=400, deadline=None)
@given(position=st.integers(0, len(GENUINE) - 1), change=st.integers(1, 255))
def test_any_mutated_byte_is_refused(position, change):
    mutated = GENUINE[:position] + bytes([GENUINE[position] ^ change]) + GENUINE[position + 1 :]
    with pytest.raises((Malformed, Untrusted)):
        read(mutated)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, len(GENUINE) - 1), start=st.integers(0, 40))
def test_any_cut_is_refused(cut, start):
    piece = GENUINE[min(start, cut) : cut]
    with pytest.raises((Malformed, Untrusted)):
        read(piece)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_malformed_and_nothing_worse(noise):
    with pytest.raises(Malformed):
        verify_envelope(noise, keyring=RING, at=EVENING)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=30))
def test_nothing_may_follow_an_envelope(tail):
    with pytest.raises(Malformed):
        read(GENUINE + tail)


def test_the_statement_can_be_proved_later_without_a_sealing_key():
    verified = verify_envelope(GENUINE, keyring=RING, at=EVENING)
    body = EnvelopeOpener([KEYS.seal]).open(verified).body
    assert verify_statement(verified.signed, body, keyring=RING, at=EVENING) == verified.header
    with pytest.raises(Untrusted, match=r"envelope.body_digest"):
        verify_statement(verified.signed, body + b" ", keyring=RING, at=EVENING)


def test_the_header_survives_its_encoding():
    header = read_header(GENUINE)
    assert decode_header(encode_header(header)) == header


def test_envelopes_of_one_data_key_are_unwrapped_once(monkeypatch):
    key = make.data_key()
    envelopes = [make.seal(key=key, sequence=number) for number in range(1, 6)]
    opener = EnvelopeOpener([KEYS.seal])
    opener.open(verify_envelope(envelopes[0], keyring=RING, at=EVENING))
    monkeypatch.setattr("residence.wire.envelope.unwrap", None)
    for envelope in envelopes[1:]:
        assert opener.open(verify_envelope(envelope, keyring=RING, at=EVENING)).message_json


def test_a_cached_key_opens_nothing_for_another_kiosk():
    key = make.data_key()
    opener = EnvelopeOpener([KEYS.seal])
    opener.open(verify_envelope(make.seal(key=key), keyring=RING, at=EVENING))
    other = make.ring(owner="kiosk-desk-1")
    with pytest.raises(Untrusted, match=r"envelope.wrapped_key"):
        opener.open(verify_envelope(make.seal(key=key, kiosk_id="kiosk-desk-1"), keyring=other, at=EVENING))


def test_a_message_longer_than_the_limit_is_not_sealed():
    with pytest.raises(Malformed, match=r"message.too_long"):
        make.seal(b" " * (MAX_MESSAGE_BYTES + 1))


def test_the_longest_message_still_fits_the_broker():
    assert len(make.seal(b" " * MAX_MESSAGE_BYTES)) < 12 * 1024


class TestDataKeyring:
    def setup_method(self):
        self.ring = DataKeyring(make.KIOSK, make.EPOCH, make.random_bytes)

    def take(self, at_ns=0, recipient=SEAL):
        key = self.ring.take(recipient, at_ns=at_ns)
        key.seal(b"body", nonce=bytes(12), associated=b"")
        return key

    def test_a_key_seals_sixty_four_declarations_and_no_more(self):
        keys = [self.take() for _ in range(65)]
        assert len({key.data_key_id for key in keys[:64]}) == 1
        assert keys[64] is not keys[0]
        assert keys[0]._secret == bytes(32)

    def test_a_key_lives_ten_minutes(self):
        first = self.take(0)
        assert self.take(MAX_AGE_NS - 1) is first
        self.ring.expire(MAX_AGE_NS)
        assert first._secret == bytes(32)
        assert self.take(MAX_AGE_NS) is not first

    def test_a_key_is_not_used_when_the_monotonic_clock_goes_back(self):
        first = self.take(5_000)
        assert self.take(4_000) is not first

    def test_a_new_recipient_gets_a_new_key(self):
        first = self.take()
        second = self.take(recipient=msgspec.structs.replace(SEAL, key_id="seal-2"))
        assert second is not first
        assert second.recipient_key_id == "seal-2"


def test_errors_are_ours_whatever_the_header_holds():
    for label in range(1, 14):
        for value in (None, -1, 1.5, "", "x" * 100, b"", bytes(500), [], {}, [1, 2, 3, 4], True, 1 << 70):
            with pytest.raises(LuutruError):
                read(make.changed_header({label: value}))


def laughing(levels):
    """Return a few bytes whose every level names the one below twice: written out, they double at each."""
    items = [b"\xd8\x1c\x80", *(b"\xd8\x1c\x82" + 2 * (b"\xd8\x1d" + bytes([0x18, each])) for each in range(levels))]
    return bytes([0x98, len(items)]) + b"".join(items)


STRANGE_CBOR = {
    "references that double at each level": laughing(200),
    "the same as text references": bytes.fromhex("d9010082") + b"\x68" + b"a" * 8 + b"\xd8\x19\x00",
    "a decimal with an endless exponent": bytes.fromhex("c4821b7fffffffffffffff01"),
    "a binary fraction with an endless exponent": bytes.fromhex("c5821a7fffffff01"),
    "a regular expression": bytes.fromhex("d823635b5b61"),
    "a date": b"\xc0\x61x",
    "an overlong tag": b"\xdb" + bytes(7) + b"\x1d\x00",
}


@pytest.mark.parametrize("strange", STRANGE_CBOR.values(), ids=STRANGE_CBOR)
@pytest.mark.parametrize("wrap", [lambda item: item, lambda item: b"\x82" + item + item, lambda item: b"\xd2\x81" + item])
def test_no_tag_but_ours_reaches_the_decoder(strange, wrap):
    for read_it in (read_header, decode_header, lambda data: verify_envelope(data, keyring=RING, at=EVENING), unpack_receipts):
        with pytest.raises(Malformed):
            read_it(wrap(strange))


def test_the_algorithm_is_an_integer_and_nothing_equal_to_it():
    signed, sealed = cbor2.loads(GENUINE)
    tag = cbor2.loads(signed)
    protected = cbor2.dumps({**cbor2.loads(tag.value[0]), 1: -8.0}, canonical=True)
    again = cbor2.dumps(cbor2.CBORTag(18, [protected, *tag.value[1:]]), canonical=True)
    with pytest.raises(Malformed, match="algorithm"):
        verify_envelope(cbor2.dumps([again, sealed], canonical=True), keyring=RING, at=EVENING)


USUAL_HEADER = verify_envelope(GENUINE, keyring=RING, at=EVENING).header_bytes


def outcome_of(read_it, data):
    try:
        return read_it(data)
    except LuutruError as error:
        return type(error), error.code


@settings(max_examples=1500, deadline=None)
@given(
    position=st.integers(0, len(USUAL_HEADER) - 1),
    change=st.integers(0, 255),
    cut=st.integers(0, 3),
    inserted=st.sampled_from([b"", b"\x00", b"\x18\x05", b"\x19\x00\x20", b"x", b"\x78\x10"]),
)
def test_a_usual_header_is_read_the_short_way_exactly_as_the_long_way_reads_it(position, change, cut, inserted):
    data = USUAL_HEADER[:position] + inserted + bytes([change])[: 1 - cut % 2] + USUAL_HEADER[position + 1 + cut // 2 :]
    assert outcome_of(decode_header, data) == outcome_of(_read_any, data)


@pytest.mark.parametrize("sequence", [1, 23, 24, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, (1 << 63) - 1])
def test_a_sequence_of_every_length_is_read_the_short_way(sequence):
    data = encode_header(msgspec.structs.replace(decode_header(USUAL_HEADER), sequence=sequence))
    assert _read_usual(data) == _read_any(data)
    assert _read_usual(data).sequence == sequence


@pytest.mark.parametrize("longer", [b"\x18\x05", b"\x19\x00\x05", b"\x1a\x00\x00\x00\x05", b"\x1b" + bytes(7) + b"\x05"])
def test_a_sequence_written_longer_than_needed_is_no_header(longer):
    short = encode_header(msgspec.structs.replace(decode_header(USUAL_HEADER), sequence=5))
    assert short.count(b"\x06\x05\x07\x50") == 1
    with pytest.raises(Malformed):
        decode_header(short.replace(b"\x06\x05\x07\x50", b"\x06" + longer + b"\x07\x50"))


@settings(max_examples=500, deadline=None)
@given(position=st.integers(0, len(GENUINE) - 1), change=st.integers(0, 255), cut=st.integers(0, 2))
def test_the_frames_are_taken_apart_as_a_general_decoder_takes_them_apart(position, change, cut):
    data = GENUINE[:position] + bytes([change]) + GENUINE[position + 1 + cut :]
    fast = outcome_of(split_envelope, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cbor, "byte_string_at", lambda _data, _place: None)
        assert outcome_of(split_envelope, data) == fast
    if isinstance(fast[0], bytes):
        signed = fast[0]
        short = outcome_of(read_sign1, signed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cbor, "byte_string_at", lambda _data, _place: None)
            assert outcome_of(read_sign1, signed) == short
