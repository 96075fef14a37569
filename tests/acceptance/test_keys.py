"""Keys rotated and revoked while a kiosk declares: real processes, the operator's own commands, nothing lost and nothing doubled."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from acceptance_stage import Account, Stage, wait_until

from residence.wire.envelope import read_header
from residence.wire.signing import read_sign1

pytestmark = pytest.mark.acceptance
LOBBY, DESK = "kiosk-lobby-1", "kiosk-desk-1"


def keys(stage: Stage, *words: str) -> dict[str, object]:
    """Run one of the operator's commands."""
    command = [sys.executable, "-m", "luutru", "gateway", "keys", *words, "--json"]
    env = {**stage.town.environment(), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1), done.stderr
    return answer


def ring_of(stage: Stage, kiosk_id: str) -> int:
    """The serial of the last update a kiosk accepted."""
    return in_outbox(stage, kiosk_id, "SELECT coalesce(max(serial), 0) FROM keyring_updates")[0][0]


def in_outbox(stage: Stage, kiosk_id: str, query: str) -> list[tuple]:
    connection = sqlite3.connect(stage.layout.kiosk_folder(kiosk_id) / "outbox.db")
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def settled_since(ledger: Path, start: int) -> bool:
    return len(Account.read(ledger).settled) > start


def recorded(stage: Stage) -> list[str]:
    return [str(row[0]) for row in stage.rows("SELECT declaration_id FROM declarations")]


def receipt_keys(stage: Stage, kiosk_id: str) -> set[str]:
    """The keys of the receipts a kiosk believed."""
    return {read_sign1(row[0]).key_id for row in in_outbox(stage, kiosk_id, "SELECT receipt FROM settled")}


def last_letters(stage: Stage) -> dict[str, int]:
    return {code: int(count) for code, count in stage.rows("SELECT code, sum(seen_count) FROM quarantine GROUP BY code")}


def begin(stage: Stage, ledger: Path, kiosk_id: str = LOBBY) -> subprocess.Popen[bytes]:
    driver = stage.driver(kiosk_id, ledger, "--every", "0.05", "--count", "100000")
    wait_until(lambda: settled_since(ledger, 3), say=lambda: stage.town.children.last_words("gateway"))
    return driver


def drain(stage: Stage, kiosk_id: str, ledger: Path) -> None:
    process = stage.driver(kiosk_id, ledger, "--count", "0", "--settle", "60")
    assert process.wait(90) == 0, stage.town.children.last_words(f"driver-{kiosk_id}")


def test_seal_and_receipt_keys_rotate_under_a_kiosk_that_declares_and_nothing_is_lost_or_doubled(stage, tmp_path):
    ledger = tmp_path / "ledger"
    stage.town.broker.start()
    stage.town.start_gateway()
    driver = begin(stage, ledger)
    new = {purpose: str(keys(stage, "rotate", purpose)["key_id"]) for purpose in ("seal", "receipt")}
    serial = keys(stage, "list")["serial"]
    wait_until(lambda: ring_of(stage, LOBBY) == serial, say=lambda: stage.town.children.last_words("gateway"))
    stage.town.children.stop("gateway")
    stage.town.start_gateway()
    wait_until(lambda: new["receipt"] in receipt_keys(stage, LOBBY), say=lambda: stage.town.children.last_words("gateway"))
    for old in ("demo-seal-1", "demo-receipt-gateway-1"):
        assert keys(stage, "revoke", old)["changed"] is True
    wait_until(lambda: ring_of(stage, LOBBY) == serial + 2)
    before = len(Account.read(ledger).settled)
    wait_until(lambda: settled_since(ledger, before + 70))  # more than one data key is good for
    driver.kill()
    driver.wait()
    drain(stage, LOBBY, ledger)
    account = Account.read(ledger)
    assert sorted(set(account.kept) - set(recorded(stage))) == []
    assert len(recorded(stage)) == len(set(recorded(stage)))
    assert set(account.kept) <= set(account.settled)
    assert all(len(answers) == 1 for answers in account.settled.values())
    assert last_letters(stage) == {}
    offline = stage.driver(LOBBY, ledger, "--count", "1", "--offline")
    assert offline.wait(60) == 0
    envelope = in_outbox(stage, LOBBY, "SELECT envelope FROM outbox")[0][0]
    assert read_header(envelope).recipient_key_id == new["seal"]


def test_receipts_of_a_key_revoked_before_a_kiosk_heard_them_come_again_under_a_good_one(stage, tmp_path):
    ledger = tmp_path / "ledger"
    offline = stage.driver(LOBBY, ledger, "--count", "3", "--offline")
    assert offline.wait(60) == 0
    outbox = stage.layout.kiosk_folder(LOBBY) / "outbox.db"
    stage.town.broker.start()
    stage.town.start_gateway()
    connection = sqlite3.connect(outbox)  # what the kiosk held before it was answered, as if the answer had been lost
    held = connection.execute("SELECT * FROM outbox").fetchall()
    connection.close()
    drain(stage, LOBBY, ledger)
    with sqlite3.connect(outbox) as connection:
        connection.execute("DELETE FROM settled")
        connection.executemany(f"INSERT INTO outbox VALUES({','.join('?' * len(held[0]))})", held)
    connection.close()
    keys(stage, "rotate", "receipt")
    assert keys(stage, "revoke", "demo-receipt-gateway-1")["changed"] is True
    stage.town.children.stop("gateway")
    stage.town.start_gateway()
    drain(stage, LOBBY, ledger)
    account = Account.read(ledger)
    assert len(recorded(stage)) == 3
    assert set(account.kept) == set(account.settled) == set(recorded(stage))
    assert all(len(answers) == 1 for answers in account.settled.values())  # the same answer, signed again
    assert "demo-receipt-gateway-1" not in receipt_keys(stage, LOBBY)


def test_a_kiosk_whose_key_is_revoked_is_refused_and_counted_and_the_others_go_on(stage, tmp_path):
    stolen, honest = tmp_path / "stolen", tmp_path / "honest"
    stage.town.broker.start()
    stage.town.start_gateway()
    drivers = [begin(stage, stolen), begin(stage, honest, DESK)]
    assert keys(stage, "revoke", f"{LOBBY}-sign-1")["changed"] is True
    wait_until(lambda: last_letters(stage).get("key.revoked"), say=lambda: stage.town.children.last_words("gateway"))
    refused_from = len(Account.read(stolen).settled)
    before = len(Account.read(honest).settled)
    wait_until(lambda: settled_since(honest, before + 20))
    for driver in drivers:
        driver.kill()
        driver.wait()
    drain(stage, DESK, honest)
    account = Account.read(honest)
    assert set(account.kept) <= set(account.settled)
    assert set(last_letters(stage)) == {"key.revoked"}
    assert len(Account.read(stolen).settled) <= refused_from + 20  # receipts on their way when the key was revoked, and no more
    assert len(set(Account.read(stolen).kept) - set(recorded(stage))) > 0
    assert keys(stage, "revoke", f"{LOBBY}-sign-1")["changed"] is False
    assert keys(stage, "revoke", "demo-seal-1")["problems"] == ["key.last"]
    assert keys(stage, "revoke", "nobody")["problems"] == ["key.unknown"]
