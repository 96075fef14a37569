"""``luutru envelope`` and ``luutru receipt`` to the letter of their contract."""

import json

import pytest
import wire_vectors as make
from typer.testing import CliRunner

from luutru.__main__ import COMMANDS, app
from luutru.throwaway import throwaway_keys
from residence.wire.keyring import dump_keyring
from residence.wire.messages import encode_message
from residence.wire.receipts import receipt_text, sign_receipt

KEYS = throwaway_keys()
RECEIPT = sign_receipt(make.receipt(), KEYS.receipt)
CONTRACT = ["ok", "state", "declaration_id", "kept_at", "accepted_at", "due", "on_time", "rule_set", "log"]


def run(*arguments, stdin=None):
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    return result.exit_code, result.output


@pytest.fixture
def keyring(tmp_path):
    path = tmp_path / "keyring.json"
    path.write_bytes(dump_keyring(KEYS.keyring))
    return str(path)


def test_a_genuine_receipt_verifies_from_text_and_from_files(tmp_path, keyring):
    (tmp_path / "slip.txt").write_text(receipt_text(RECEIPT) + "\n", encoding="ascii")
    (tmp_path / "slip.bin").write_bytes(RECEIPT)
    ways = ([receipt_text(RECEIPT)], ["--file", str(tmp_path / "slip.txt")], ["--file", str(tmp_path / "slip.bin")])
    for way in ways:
        status, output = run("receipt", "verify", "--json", "--keyring", keyring, *way)
        answer = json.loads(output)
        assert (status, answer["ok"], answer["state"]) == (0, True, "accepted")
        assert list(answer)[: len(CONTRACT)] == CONTRACT
        assert list(answer["log"])[:2] == ["included", "checkpoint"]
        assert {name: value for name, value in answer["log"].items() if value is not None} == {"included": False}
        assert answer["problems"] == []


def test_the_keyring_may_come_from_the_environment(keyring, monkeypatch):
    monkeypatch.setenv("LUUTRU_KEYRING", keyring)
    assert run("receipt", "verify", "--json", receipt_text(RECEIPT))[0] == 0


def test_without_a_keyring_a_receipt_is_shown_and_not_believed(monkeypatch):
    monkeypatch.delenv("LUUTRU_KEYRING", raising=False)
    status, output = run("receipt", "verify", "--json", receipt_text(RECEIPT))
    answer = json.loads(output)
    assert (status, answer["ok"], answer["state"]) == (1, False, "accepted")
    assert answer["problems"][0]["code"] == "keyring.missing"


@pytest.mark.parametrize("text", ["", "hello", "LR1:", "LR1:abc", "LR1:AA", "đây không phải biên nhận"])
def test_what_is_no_receipt_is_refused_completely(keyring, text):
    status, output = run("receipt", "verify", "--json", "--keyring", keyring, "--", text)
    answer = json.loads(output)
    assert (status, answer["ok"]) == (1, False)
    assert set(CONTRACT) <= set(answer)


def test_a_forged_receipt_is_refused_for_people_too(keyring):
    forged = receipt_text(make.flipped(RECEIPT, len(RECEIPT) - 1))
    status, output = run("receipt", "verify", "--keyring", keyring, forged)
    assert status == 1
    assert "does NOT hold" in output
    assert "signature.bad" in output


def test_neither_text_nor_file_is_wrong_use():
    assert run("receipt", "verify", "--json")[0] == 2
    assert run("receipt", "verify", "--json", "--file", "/nonexistent/slip")[0] == 2


def test_what_seal_prints_open_reads():
    message = encode_message(make.DECLARATION).decode()
    status, sealed = run("envelope", "seal", "--json", "--sequence", "7", stdin=message)
    assert status == 0
    for spelling in (sealed, json.loads(sealed)["envelope"]):
        status, opened = run("envelope", "open", "--json", stdin=spelling)
        answer = json.loads(opened)
        assert status == 0
        assert answer["body"] == json.loads(message)
        assert answer["header"]["sequence"] == 7
        assert answer["header"]["declaration_id"] == make.ID


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        pytest.param(["open"], "00", "envelope.malformed", id="no envelope"),
        pytest.param(["open", "--phrase", "other words"], make.seal().hex(), "signature.bad", id="another phrase"),
        pytest.param(["open", "--kiosk", "kiosk-desk-1"], make.seal().hex(), "key.wrong_owner", id="another kiosk"),
        pytest.param(["open", "--at", "2025-01-01T00:00:00Z"], make.seal().hex(), "key.not_yet_valid", id="too early"),
        pytest.param(["seal"], "{}", "message.malformed", id="no message"),
        pytest.param(["seal", "--schema", "weather/1"], "{}", "message.schema_unknown", id="unknown schema"),
    ],
)
def test_a_refusal_prints_its_code_and_exits_one(arguments, stdin, code):
    status, output = run("envelope", *arguments, "--json", stdin=stdin)
    assert status == 1
    assert json.loads(output)["code"] == code


def test_help_has_an_example():
    for words in (["receipt", "verify"], ["envelope", "open"], ["envelope", "seal"]):
        assert "Example" in run(*words, "--help")[1]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\xff\xfe",
        b"",
        b'{"envelope": ' + b"[" * 100_000,
        b'{"envelope": 5}',
        b'{"envelope": {}}',
        b"{" * 5000,
        "tiếng Việt".encode(),
    ],
    ids=["no text", "nothing", "deep", "a number", "an object", "braces", "Vietnamese"],
)
def test_rubbish_for_an_envelope_is_refused_with_a_code(rubbish):
    status, output = run("envelope", "open", "--json", stdin=rubbish)
    assert (status, json.loads(output)["ok"]) == (1, False)


def test_a_later_field_python_could_not_read_comes_out_as_it_went_in():
    message = encode_message(make.DECLARATION)[:-1] + b',"later":' + b"9" * 5000 + b"}"
    sealed = run("envelope", "seal", "--json", stdin=message)[1]
    status, output = run("envelope", "open", "--json", stdin=sealed)
    assert status == 0
    assert "9" * 5000 in output


def test_the_help_names_every_command():
    output = run("--help")[1]
    assert all(f" {name} " in output for name in COMMANDS)
