"""Every vector file gives what it expects; the files are what another implementation would run."""

import json
from pathlib import Path

import pytest
import wire_vectors

from luutru.throwaway import throwaway_keys
from residence.clock import parse_instant
from residence.errors import LuutruError, problem
from residence.wire.envelope import EnvelopeOpener, verify_envelope
from residence.wire.keyring import load_keyring
from residence.wire.messages import decode_message
from residence.wire.receipts import parse_receipt_text, verify_receipt
from residence.wire.replay import SequenceWindow, observe

FOLDER = Path(__file__).parent.parent / "vectors"


def vectors(kind: str) -> list:
    return [pytest.param(json.loads(each.read_text("utf-8")), id=each.stem) for each in sorted((FOLDER / kind).glob("*.json"))]


def judge_envelope(vector: dict) -> dict:
    keyring = load_keyring(json.dumps(vector["keyring"]).encode())
    step = "verify"
    try:
        verified = verify_envelope(bytes.fromhex(vector["envelope"]), keyring=keyring, at=parse_instant(vector["at"]))
        step = "open"
        opened = EnvelopeOpener([throwaway_keys(vector["phrase"]).seal]).open(verified)
        step = "decode"
        decode_message(opened.header.schema, opened.message_json)
    except LuutruError as error:
        return {"result": "refused", "step": step, "code": error.code}
    window = SequenceWindow()
    for sequence in vector["sequences_seen"]:
        window = observe(window, sequence).window
    verdict = observe(window, opened.header.sequence).verdict
    return {"result": "opened", "message": json.loads(opened.message_json), "sequence": verdict}


def judge_receipt(vector: dict) -> dict:
    try:
        receipt = verify_receipt(parse_receipt_text(vector["text"]), keyring=load_keyring(json.dumps(vector["keyring"]).encode()))
    except LuutruError as error:
        return {"result": "refused", "code": error.code}
    return {"result": "verified", "state": receipt.state}


@pytest.mark.parametrize("vector", vectors("envelope"))
def test_each_envelope_vector_ends_as_it_says(vector):
    assert judge_envelope(vector) == vector["expect"]


@pytest.mark.parametrize("vector", vectors("receipt"))
def test_each_receipt_vector_ends_as_it_says(vector):
    assert judge_receipt(vector) == vector["expect"]


@pytest.mark.parametrize("kind", ["envelope", "receipt"])
def test_the_files_are_the_cases_of_the_generator(kind):
    cases = getattr(wire_vectors, f"{kind}_cases")()
    files = {each.name: json.loads(each.read_text("utf-8")) for each in (FOLDER / kind).glob("*.json")}
    assert len(files) == len(cases)
    assert {wire_vectors.file_name(name): case["expect"] for name, case in cases.items()} == {
        name: case["expect"] for name, case in files.items()
    }


@pytest.mark.parametrize("kind", ["envelope", "receipt"])
def test_every_refusal_code_has_its_sentences(kind):
    codes = {vector.values[0]["expect"].get("code") for vector in vectors(kind)} - {None}
    assert len(codes) > 8
    assert all(problem(code).message.vi for code in codes)


def test_no_private_key_is_in_a_vector():
    keys = throwaway_keys()
    secrets = [keys.kiosk._secret[:32], keys.seal.private.private_bytes_raw()]
    for path in FOLDER.glob("*/*.json"):
        text = path.read_text("utf-8")
        assert not any(secret.hex() in text for secret in secrets)
