"""``luutru gateway``: what programs get, and what wrong use is told."""

import json

import pytest
from typer.testing import CliRunner

from gateway.port import Delivery
from luutru.commands.gateway import app, parse_shards

RUNNER = CliRunner()


@pytest.fixture
def options(small_office):
    return ["--registry", small_office.url, "--vault", str(small_office.vault_folder)]


def test_dead_letters_are_listed_without_their_content_and_marked_for_retry(small_office, options):
    kiosk = small_office.kiosk()
    newer = small_office.deliver(kiosk, schema="stay-declaration/2")
    noise = Delivery(topic=kiosk.topics.declarations, payload=b"noise")
    small_office.intake.take([newer, noise, noise])
    listed = RUNNER.invoke(app, ["dead-letters", "list", "--jsonl", *options])
    letters = {letter["code"]: letter for letter in map(json.loads, listed.stdout.splitlines())}
    assert listed.exit_code == 0
    assert set(letters) == {"message.schema_unknown", "envelope.malformed"}
    assert letters["envelope.malformed"]["seen_count"] == 2
    assert "payload" not in letters["message.schema_unknown"]

    marked = RUNNER.invoke(app, ["dead-letters", "retry", "--all", "--json", *options])
    assert (marked.exit_code, json.loads(marked.stdout)) == (0, {"marked": 1})  # noise has nobody to answer
    unproven = RUNNER.invoke(app, ["dead-letters", "retry", letters["envelope.malformed"]["quarantine_id"], *options])
    assert unproven.exit_code == 1
    people = RUNNER.invoke(app, ["dead-letters", "list", *options])
    assert "retry" in people.stdout


def test_no_dead_letters_is_said_in_words(options):
    assert "No dead letters." in RUNNER.invoke(app, ["dead-letters", "list", *options]).stdout


def test_a_sweep_prints_what_it_did(options):
    swept = RUNNER.invoke(app, ["sweep", "--at", "2026-07-10T23:30:00+07:00", "--json", *options])
    assert swept.exit_code == 0
    assert json.loads(swept.stdout) == {
        "at": "2026-07-10T16:30:00Z",
        "premises": 0,
        "notices": 0,
        "cases": 0,
        "explained": 0,
        "failed": 0,
        "missed": 0,
        "rules": {},
    }


WRONG = {
    "a time without offset": ["sweep", "--at", "2026-07-10T23:30:00"],
    "a shard that does not exist": ["run", "--shards", "60-64"],
    "a broker without port": ["run", "--broker", "localhost"],
    "retry of nothing": ["dead-letters", "retry"],
    "retry of everything and one": ["dead-letters", "retry", "--all", "abc"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
def test_wrong_use_is_status_2(arguments):
    assert RUNNER.invoke(app, arguments).exit_code == 2


def test_a_gateway_without_keys_says_what_is_missing(tmp_path, options):
    result = RUNNER.invoke(app, ["run", "--keys", str(tmp_path / "none"), *options])
    assert result.exit_code == 1
    assert "gateway-seal" in result.output


def test_shards_are_read_as_ranges():
    assert parse_shards("0-2,40") == (0, 1, 2, 40)
    assert parse_shards("7") == (7,)
