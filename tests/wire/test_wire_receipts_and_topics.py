"""Receipt codes and text, Base45, topics and states."""

from datetime import timedelta

import msgspec
import pytest
import wire_vectors as make
from factories import EVENING
from hypothesis import given
from hypothesis import strategies as st

from luutru.throwaway import throwaway_keys
from residence.clock import rfc3339
from residence.errors import Malformed, Untrusted
from residence.wire import base45
from residence.wire.keyring import KeyEntry, Keyring
from residence.wire.messages import decode_message, encode_message, schema_of
from residence.wire.receipts import (
    pack_receipts,
    parse_receipt_code,
    parse_receipt_text,
    receipt_code,
    receipt_text,
    sign_again,
    sign_receipt,
    signed_with,
    unpack_receipts,
    verify_receipt,
)
from residence.wire.signing import SigningKey
from residence.wire.state import (
    GatewayState,
    KioskState,
    decode_gateway_state,
    decode_kiosk_state,
    encode_state,
    is_newer,
)
from residence.wire.topics import acl_lines, kiosk_topics, parse_topic, shard_filter, shard_of

KEYS = throwaway_keys()
GENUINE = sign_receipt(make.receipt(), KEYS.receipt)


@given(st.uuids())
def test_a_receipt_code_is_read_back_however_it_is_written(declaration):
    code = receipt_code(str(declaration))
    assert len(code) == 14
    for spelling in (
        code.lower(),
        code.replace("-", ""),
        f"  {code.replace('-', ' ')} ",
        code.replace("0", "o").replace("1", "l"),
    ):
        assert parse_receipt_code(spelling) == code


@pytest.mark.parametrize("text", ["", "ABC", "UUUU-UUUU-UUUU", "0000-0000-00000", "đđđđ-đđđđ-đđđđ"])
def test_what_is_no_code_is_refused(text):
    with pytest.raises(Malformed, match=r"receipt.code"):
        parse_receipt_code(text)


@given(st.binary(max_size=60))
def test_base45_gives_back_what_it_took(data):
    assert base45.decode(base45.encode(data)) == data


@pytest.mark.parametrize("text", ["A", ":::", "abc", "::", "AAAA"])
def test_base45_refuses_what_it_would_not_write(text):
    with pytest.raises(ValueError):
        base45.decode(text)


def test_base45_agrees_with_the_examples_of_rfc_9285():
    for plain, text in ((b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581")):
        assert base45.encode(plain) == text


def test_a_receipt_survives_its_qr_text():
    assert verify_receipt(parse_receipt_text(receipt_text(GENUINE)), keyring=KEYS.keyring) == make.receipt()


@given(position=st.integers(0, len(GENUINE) - 1), change=st.integers(1, 255))
def test_any_mutated_byte_of_a_receipt_is_refused(position, change):
    mutated = GENUINE[:position] + bytes([GENUINE[position] ^ change]) + GENUINE[position + 1 :]
    with pytest.raises((Malformed, Untrusted)):
        verify_receipt(mutated, keyring=KEYS.keyring)


def test_receipts_travel_in_as_few_messages_as_fit():
    payloads = list(pack_receipts([GENUINE] * 40))
    assert [len(unpack_receipts(each)) for each in payloads] == [16, 16, 8]
    assert all(len(each) < 16 * 1024 for each in payloads)
    assert list(pack_receipts([])) == []


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x81\x01", GENUINE, b"\xff"])
def test_what_is_no_packet_of_receipts_is_refused(data):
    with pytest.raises(Malformed):
        unpack_receipts(data)


def test_a_malformed_message_says_where():
    with pytest.raises(Malformed) as caught:
        decode_message("stay-declaration/1", encode_message(make.DECLARATION).replace(b'"1995-02-01"', b"1995"))
    assert caught.value.pointer == "/person/birth/value"


def test_a_message_knows_its_schema():
    assert schema_of(make.DECLARATION) == "stay-declaration/1"
    with pytest.raises(Malformed, match=r"message.schema_unknown"):
        schema_of(make.draft())


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True), st.sampled_from("dsrc"))
def test_a_topic_is_read_back(site, leaf):
    topics = kiosk_topics(site, "kiosk-1")
    text = {"d": topics.declarations, "s": topics.state, "r": topics.receipts, "c": topics.commands, "e": topics.events}[leaf]
    parsed = parse_topic(text)
    assert (parsed.site, parsed.kiosk, parsed.leaf, parsed.shard) == (site, "kiosk-1", leaf, shard_of(site))
    assert text.startswith(shard_filter(shard_of(site), leaf).split("/+")[0] + "/")


@pytest.mark.parametrize("site", ["", "+", "#", "a/b", "A", "nhà", "a" * 64, "-a"])
def test_an_id_that_could_change_a_topic_is_refused(site):
    with pytest.raises(Malformed, match=r"topic.malformed"):
        kiosk_topics(site, "kiosk-1")


@pytest.mark.parametrize(
    "text", ["luutru/1/00/blk-hoa-binh/k/d", "luutru/1/21/blk-hoa-binh/k/x", "luutru/2/21/blk-hoa-binh/k/d", ""]
)
def test_a_foreign_topic_is_refused(text):
    with pytest.raises(Malformed, match=r"topic.malformed"):
        parse_topic(text)


def test_states_survive_and_late_deaths_are_recognised():
    alive = KioskState(kiosk_id="k", session=4, online=True, at="2026-07-10T07:00:00Z", readers={"camera": "ok"})
    assert decode_kiosk_state(encode_state(alive)) == alive
    assert is_newer(alive, None)
    late_death = KioskState(kiosk_id="k", session=3, online=False, at="2026-07-10T07:00:01Z")
    assert not is_newer(late_death, alive)
    assert is_newer(KioskState(kiosk_id="k", session=4, online=False, at="x"), alive)
    away = GatewayState(online=False, at="2026-07-10T07:00:00Z")
    assert decode_gateway_state(encode_state(away)) == away
    with pytest.raises(Malformed, match=r"state.malformed"):
        decode_kiosk_state(b"[]")


def test_the_acl_names_every_leaf_and_no_wildcard_for_kiosks():
    lines = acl_lines("gateway")
    patterns = [line for line in lines if line.startswith("pattern")]
    assert all("%u" in line or line.endswith(("gateway/state", "read luutru/1/gateway/trust/+")) for line in patterns)
    assert not any("#" in line for line in lines)


def test_a_receipt_signed_again_says_the_same_and_is_judged_by_when_that_was():
    newer = SigningKey("receipt-2", bytes(range(32)))
    now = EVENING + timedelta(days=30)
    entry = KeyEntry(
        key_id="receipt-2",
        use="receipt",
        owner="authority",
        public_key=newer.public_key,
        valid_from=rfc3339(now - timedelta(days=1)),
    )
    again = sign_again(GENUINE, newer, now=now)
    assert signed_with(again) == "receipt-2"
    assert verify_receipt(again, keyring=Keyring([entry])) == msgspec.structs.replace(make.receipt(), signed_at=rfc3339(now))
    early = sign_receipt(make.receipt(), newer)  # without the date, the key was not yet valid when it was accepted
    with pytest.raises(Untrusted, match=r"key.not_yet_valid"):
        verify_receipt(early, keyring=Keyring([entry]))
    with pytest.raises(Untrusted, match=r"key.revoked"):
        verify_receipt(again, keyring=Keyring([msgspec.structs.replace(entry, revoked_at=rfc3339(now))]))
