"""A person's proof of a stay: a CBOR Web Token another library verifies, worthless with one bit changed, read from a small print."""

from __future__ import annotations

import json
from datetime import datetime

import cbor2
import cv2
import cwt
import msgspec
import numpy as np
import pytest
import segno
import wire_vectors as make
import zxingcpp
from cose_keys import cose_key
from hypothesis import given
from hypothesis import strategies as st
from pyzbar import pyzbar
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.throwaway import throwaway_keys
from residence.errors import LuutruError, Malformed
from residence.stays.rules import load_rule_book
from residence.wire import cbor, signing
from residence.wire.keyring import dump_keyring
from residence.wire.messages import LogPlace
from residence.wire.receipts import receipt_code
from residence.wire.stay_proofs import (
    PROOF_TYPE,
    StayProof,
    parse_proof_text,
    proof_text,
    read_proof_unverified,
    sign_proof,
    verify_proof,
)

KEYS = throwaway_keys()
ARTICLE = max((each.article for each in load_rule_book().sets), key=len)
PROOF = StayProof(
    declaration_id=make.ID,
    issuer="https://luutru.thu.example",
    signed_at="2026-07-10T09:00:00Z",
    state="accepted",
    kept_at="2026-07-10T07:00:00Z",
    received_at="2026-07-10T07:00:01Z",
    accepted_at="2026-07-10T07:00:02Z",
    due="2026-07-10T16:00:00Z",
    on_time=True,
    rule_set="stay-2026-07-01+night-before",
    rule="same_day",
    article=ARTICLE,
    premises_id="htl-sao-mai",
    place="Khách sạn Sao Mai, Số 9 Phố Thử, Phường Thử Nghiệm, Thành phố Mẫu",
    unit="201",
    arrival="2026-07-10T05:30:00Z",
    departure="2026-07-12T05:00:00Z",
    declared_by="host",
    evidence_level=5,
    log=LogPlace(log="1a2b3c4d", index=1_234_567_890, salt=bytes(range(16))),
)
SIGNED = sign_proof(PROOF, KEYS.receipt)


def signed_claims(change) -> bytes:
    """Return a proof of ours whose claims were changed before it was signed."""
    claims = cbor2.loads(signing.read_sign1(SIGNED).payload)
    change(claims)
    return signing.sign1(cbor.encode(claims), PROOF_TYPE, KEYS.receipt)


def test_a_proof_says_after_signing_what_was_put_in_and_names_its_receipt():
    found = verify_proof(parse_proof_text(proof_text(SIGNED)), keyring=KEYS.keyring)
    assert (found, found.code) == (PROOF, receipt_code(make.ID))


def test_another_library_reads_it_as_a_cbor_web_token():
    claims = cwt.decode(SIGNED, cose_key(KEYS.receipt.key_id, KEYS.receipt.public_key))
    assert claims[1] == PROOF.issuer
    assert claims[6] == datetime.fromisoformat(PROOF.signed_at).timestamp()
    assert claims[-65537][11] == PROOF.place
    assert list(claims[-65537][18]) == [bytes.fromhex("1a2b3c4d"), 1_234_567_890, bytes(range(16))]


@given(st.integers(0, 8 * len(SIGNED) - 1))
def test_one_bit_changed_and_it_does_not_hold(place):
    changed = bytearray(SIGNED)
    changed[place // 8] ^= 1 << place % 8
    with pytest.raises(LuutruError):
        verify_proof(bytes(changed), keyring=KEYS.keyring)


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: SIGNED[:60] + tail))
def test_nothing_but_a_proof_is_read_and_whatever_else_has_a_reason(data):
    with pytest.raises(LuutruError):
        verify_proof(data, keyring=KEYS.keyring)


@pytest.mark.parametrize(
    ("ring", "code"),
    [
        (make.receipt_ring(revoked_at="2027-01-01T00:00:00Z"), "key.revoked"),
        (make.receipt_ring(valid_from="2026-07-10T09:00:01Z"), "key.not_yet_valid"),
        (make.receipt_ring(valid_to="2026-07-10T08:59:59Z"), "key.expired"),
        (make.receipt_ring(use="kiosk-sign"), "key.wrong_use"),
    ],
)
def test_it_is_judged_by_the_key_in_force_when_it_was_signed(ring, code):
    with pytest.raises(LuutruError) as refusal:
        verify_proof(SIGNED, keyring=ring)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims.pop(7),
        lambda claims: claims.update({7: b"short"}),
        lambda claims: claims.update({6: "today"}),
        lambda claims: claims.update({6: 10**30}),
        lambda claims: claims.update({1: 7}),
        lambda claims: claims.update({-65537: []}),
        lambda claims: claims[-65537].update({1: "believed"}),
        lambda claims: claims[-65537].update({6: 1}),
        lambda claims: claims[-65537].update({18: [b"1a2", 1, bytes(16)]}),
        lambda claims: claims[-65537].update({18: [b"1a2b", -1, bytes(16)]}),
        lambda claims: claims[-65537].update({18: [b"1a2b", True, bytes(16)]}),
        lambda claims: claims[-65537].update({18: [b"1a2b", 1, bytes(15)]}),
        lambda claims: claims[-65537].update({18: 7}),
    ],
)
def test_a_signature_does_not_make_sense_of_claims_of_another_shape(change):
    with pytest.raises(Malformed) as refusal:
        verify_proof(signed_claims(change), keyring=KEYS.keyring)
    assert refusal.value.code == "proof.malformed"


def test_what_a_newer_version_adds_is_let_through_and_a_receipts_signature_is_no_proof():
    assert read_proof_unverified(signed_claims(lambda claims: claims[-65537].update({90: "new"}))) == PROOF
    other = signing.sign1(signing.read_sign1(SIGNED).payload, signing.RECEIPT_TYPE, KEYS.receipt)
    with pytest.raises(LuutruError) as refusal:
        verify_proof(other, keyring=KEYS.keyring)
    assert refusal.value.code == "sign1.wrong_type"


@pytest.mark.parametrize("reader", ["zxing", "pyzbar"])
def test_two_readers_read_it_from_a_print_of_five_centimetres_at_two_hundred_dots_to_the_inch(reader):
    """The longest article there is, a long address: what stands on a slip, printed by dots that do not fit its modules and a little soft."""
    text = proof_text(SIGNED)
    dots = round(5 / 2.54 * 200)
    modules = np.array([list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=4)], np.uint8)
    code = np.where(modules, 0, 255).astype(np.uint8)
    printed = cv2.resize(code, (dots, dots), interpolation=cv2.INTER_AREA)
    scanned = cv2.GaussianBlur(cv2.copyMakeBorder(printed, 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=255), (3, 3), 0)
    if reader == "zxing":
        assert [each.text for each in zxingcpp.read_barcodes(scanned)] == [text]
    else:
        assert [each.data.decode() for each in pyzbar.decode(scanned)] == [text]


@pytest.fixture
def ring(tmp_path):
    (tmp_path / "keyring.json").write_bytes(dump_keyring(KEYS.keyring))
    return tmp_path / "keyring.json"


def test_the_command_says_what_a_proof_says_and_refuses_a_changed_one(ring):
    said = CliRunner().invoke(app, ["receipt", "verify", "--json", "--keyring", str(ring), proof_text(SIGNED)])
    found = json.loads(said.stdout)
    assert (said.exit_code, found["ok"], found["code"], found["state"]) == (0, True, PROOF.code, "accepted")
    assert found["stay"]["article"] == ARTICLE
    forged = sign_proof(msgspec.structs.replace(PROOF, unit="202"), signing.SigningKey(KEYS.receipt.key_id, bytes(32)))
    said = CliRunner().invoke(app, ["receipt", "verify", "--json", "--keyring", str(ring), proof_text(forged)])
    assert (said.exit_code, [each["code"] for each in json.loads(said.stdout)["problems"]]) == (1, ["signature.bad"])


def test_the_command_reads_a_file_of_signed_bytes_and_without_a_keyring_believes_nothing(ring, tmp_path):
    (tmp_path / "proof").write_bytes(SIGNED)
    held = CliRunner().invoke(app, ["receipt", "verify", "--keyring", str(ring), "--file", str(tmp_path / "proof")])
    assert (held.exit_code, PROOF.place in held.stdout) == (0, True)
    shown = CliRunner().invoke(app, ["receipt", "verify", "--json", proof_text(SIGNED)], env={"LUUTRU_KEYRING": ""})
    assert [each["code"] for each in json.loads(shown.stdout)["problems"]] == ["keyring.missing"]
