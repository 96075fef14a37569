"""Processes killed, a broker that forgets everything, two kiosks that say the same: nothing lost, nothing doubled, all counted.

Each test counts the faults it really made and fails when there were fewer than planned. The checker itself is checked with a bad
history first, because a zero means nothing beside a checker that always says zero.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import brokers
import pytest
from acceptance_stage import Account, Stage, wait_until

pytestmark = pytest.mark.acceptance
KILLS = 50
NOBODY_SUBSCRIBED = 0x10
LOBBY, DESK = "kiosk-lobby-1", "kiosk-desk-1"


class Verdict:
    """What kiosks promised against what the registry holds."""

    def __init__(self, *, attempted, kept, recorded, receipts) -> None:
        self.lost = sorted(set(kept) - set(recorded))
        self.doubled = sorted({each for each in recorded if recorded.count(each) > 1})
        self.unexpected = sorted(set(recorded) - set(attempted))
        self.contradictory = sorted(each for each, answers in receipts.items() if len(answers) > 1)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.unexpected or self.contradictory)

    def __str__(self) -> str:
        return f"lost {self.lost}, doubled {self.doubled}, unexpected {self.unexpected}, contradictory {self.contradictory}"

    __repr__ = __str__


def verdict(stage: Stage, *ledgers: Path) -> Verdict:
    accounts = [Account.read(path) for path in ledgers]
    receipts: dict[str, set[tuple[str, str]]] = {}
    for account in accounts:
        for identity, answers in account.settled.items():
            receipts.setdefault(identity, set()).update(answers)
    return Verdict(
        attempted=[each for account in accounts for each in account.attempted],
        kept=[each for account in accounts for each in account.kept],
        recorded=[str(row[0]) for row in stage.rows("SELECT declaration_id FROM declarations")],
        receipts=receipts,
    )


def drain(stage: Stage, kiosk_id: str, ledger: Path) -> None:
    """Let a kiosk deliver what it kept, and nothing new."""
    process = stage.driver(kiosk_id, ledger, "--count", "0", "--settle", "60")
    assert process.wait(90) == 0, stage.town.children.last_words(f"driver-{kiosk_id}")


def test_the_checker_finds_a_loss_a_double_and_a_contradiction():
    good = Verdict(attempted=["a", "b"], kept=["a"], recorded=["a", "b"], receipts={"a": {("accepted", "1")}})
    two_answers = {"a": {("accepted", "1"), ("accepted", "2")}}
    bad = Verdict(attempted=["a", "b"], kept=["a", "b"], recorded=["a", "a", "c"], receipts=two_answers)
    assert good.clean
    assert (bad.lost, bad.doubled, bad.unexpected, bad.contradictory) == (["b"], ["a"], ["c"], ["a"])


def test_a_gateway_killed_between_commit_and_ack_fifty_times_records_each_declaration_once(stage, tmp_path):
    ledger = tmp_path / "ledger"
    stage.town.broker.start()
    driver = stage.driver(LOBBY, ledger, "--every", "0.05", "--count", "100000")
    gateways = stage.nursery("gateway", log="gateway")
    killed = 0
    while killed < KILLS:
        gateways.start("gateway", "run", "--broker", f"127.0.0.1:{stage.layout.ports.broker}")
        assert gateways.ended() == -signal.SIGKILL, stage.town.children.last_words("gateway")
        killed += 1
    driver.kill()
    driver.wait()
    stage.town.start_gateway()
    drain(stage, LOBBY, ledger)
    found = verdict(stage, ledger)
    account = Account.read(ledger)
    assert killed == KILLS
    assert len(account.kept) >= KILLS  # each kill had something to lose
    assert found.clean, found
    assert set(account.kept) <= set(account.settled)


def test_a_kiosk_killed_at_random_points_fifty_times_loses_nothing_it_said_it_kept(stage, tmp_path):
    ledger, chance = tmp_path / "ledger", Random(20261122)
    stage.town.broker.start()
    stage.town.start_gateway()
    kiosks = stage.nursery("kiosk", log=f"driver-{LOBBY}")
    killed_while_working = 0
    for _ in range(KILLS):
        before = len(Account.read(ledger).attempted)
        kiosk = kiosks.start(stage.layout.kiosk_profile(LOBBY), ledger, "--every", "0.01", "--count", "100000")
        wait_until(lambda start=before: len(Account.read(ledger).attempted) > start, seconds=30, every=0.01)
        time.sleep(chance.uniform(0, 0.3))
        os.kill(kiosk, signal.SIGKILL)
        assert kiosks.ended() == -signal.SIGKILL, stage.town.children.last_words(f"driver-{LOBBY}")
        killed_while_working += 1
    drain(stage, LOBBY, ledger)
    found = verdict(stage, ledger)
    account = Account.read(ledger)
    assert killed_while_working == KILLS
    assert len(account.attempted) >= KILLS
    assert found.clean, found
    assert set(account.kept) <= set(account.settled)
    assert not (set(account.kept) - set(found_recorded(stage)))


def found_recorded(stage: Stage) -> list[str]:
    return [str(row[0]) for row in stage.rows("SELECT declaration_id FROM declarations")]


def test_a_broker_killed_and_even_robbed_of_its_memory_loses_nothing(stage_on_each_broker, tmp_path):
    stage, ledger = stage_on_each_broker, tmp_path / "ledger"
    stage.town.broker.start()
    stage.town.start_gateway()
    driver = stage.driver(LOBBY, ledger, "--every", "0.02", "--count", "100000")
    wait_until(lambda: len(Account.read(ledger).settled) > 5)
    for robbed in (False, True, False, True):
        stage.town.broker.kill()
        before = len(Account.read(ledger).kept)
        wait_until(lambda start=before: len(Account.read(ledger).kept) > start + 10)  # check-ins go on
        if robbed:
            brokers.forget(stage.town.broker)
        stage.town.broker.start()
        wait_until(lambda start=before: len(Account.read(ledger).settled) > start)
    driver.kill()
    driver.wait()
    drain(stage, LOBBY, ledger)
    found = verdict(stage, ledger)
    assert found.clean, found
    account = Account.read(ledger)
    assert set(account.kept) <= set(account.settled)


def test_two_kiosks_that_declare_the_same_person_offline_are_both_recorded_as_one_stay_or_a_named_conflict(stage, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for kiosk_id, ledger in ((LOBBY, first), (DESK, second)):
        offline = stage.driver(kiosk_id, ledger, "--count", "1", "--person", "77", "--offline")
        assert offline.wait(60) == 0, stage.town.children.last_words(f"driver-{kiosk_id}")
    stage.town.broker.start()
    stage.town.start_gateway()
    drain(stage, LOBBY, first)
    drain(stage, DESK, second)
    found = verdict(stage, first, second)
    assert found.clean, found
    assert len(found_recorded(stage)) == 2
    codes = {row[0] for row in stage.rows("SELECT code FROM findings")}
    assert any("elsewhere" in code for code in codes), codes
    assert stage.rows("SELECT count(DISTINCT person_id) FROM stays") == [(1,)]


def test_the_same_kiosk_declaring_one_person_twice_makes_one_stay(stage, tmp_path):
    ledger = tmp_path / "ledger"
    stage.town.broker.start()
    stage.town.start_gateway()
    twice = stage.driver(LOBBY, ledger, "--count", "2", "--person", "78", "--settle", "60")
    assert twice.wait(90) == 0, stage.town.children.last_words(f"driver-{LOBBY}")
    assert len(found_recorded(stage)) == 2
    assert stage.rows("SELECT count(*) FROM stays WHERE status = 'open'") == [(1,)]
    assert {state for answers in Account.read(ledger).settled.values() for state, _ in answers} == {"accepted"}


def quarantined(stage: Stage) -> dict[str, int]:
    command = [*luutru(), "gateway", "dead-letters", "list", "--all", "--jsonl"]
    env = {**stage.town.environment(), "PATH": "/usr/bin:/bin"}
    listed = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
    counts: dict[str, int] = {}
    for line in listed.stdout.splitlines():
        letter = json.loads(line)
        counts[letter["code"]] = counts.get(letter["code"], 0) + letter["seen_count"]
    return counts


def luutru() -> list[str]:
    return [sys.executable, "-m", "luutru"]


def test_replayed_truncated_forged_and_foreign_envelopes_are_set_aside_one_by_one_and_counted(stage, tmp_path):
    ledger = tmp_path / "ledger"
    offline = stage.driver(LOBBY, ledger, "--count", "3", "--offline")
    assert offline.wait(60) == 0
    good = [bytes(row[0]) for row in outbox_rows(stage, LOBBY)]
    stage.town.broker.start()
    stage.town.start_gateway()
    truncated, forged = good[0][:-7], good[1][:-1] + bytes([good[1][-1] ^ 1])
    foreign = b"\xd2\x84\x40\xa0\x40\x40"
    rubbish = b"{}"
    publish(stage, LOBBY, [good[0], good[0], truncated, forged, foreign, rubbish, good[1], good[0], good[2]])
    wait_until(lambda: len(found_recorded(stage)) == 3, say=lambda: stage.town.children.last_words("gateway"))
    wait_until(lambda: sum(quarantined(stage).values()) == 4, say=lambda: str(quarantined(stage)))
    assert sorted(found_recorded(stage)) == sorted(Account.read(ledger).kept)
    assert stage.town.children.running("gateway")
    publish(stage, LOBBY, [good[2]])  # it still works, and a replay still changes nothing
    drain(stage, LOBBY, ledger)
    assert verdict(stage, ledger).clean


def test_an_envelope_under_another_kiosks_name_is_refused(stage, tmp_path):
    ledger = tmp_path / "ledger"
    offline = stage.driver(LOBBY, ledger, "--count", "1", "--offline")
    assert offline.wait(60) == 0
    stolen = [bytes(row[0]) for row in outbox_rows(stage, LOBBY)]
    stage.town.broker.start()
    stage.town.start_gateway()
    publish(stage, DESK, stolen)  # the desk's certificate, the desk's topic, the lobby's envelope
    wait_until(lambda: sum(quarantined(stage).values()) == 1, say=lambda: stage.town.children.last_words("gateway"))
    assert found_recorded(stage) == []


def outbox_rows(stage: Stage, kiosk_id: str) -> list[tuple]:
    import sqlite3

    connection = sqlite3.connect(stage.layout.kiosk_folder(kiosk_id) / "outbox.db")
    rows = connection.execute("SELECT envelope FROM outbox ORDER BY sequence").fetchall()
    connection.close()
    return rows


def publish(stage: Stage, kiosk_id: str, payloads: list[bytes]) -> None:
    """Send raw bytes as a kiosk would, with its own certificate, on its own topic."""
    import ssl

    from paho.mqtt import client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion

    from firmware_config.profiles import load_profile
    from residence.wire.topics import kiosk_topics

    profile = load_profile(stage.layout.kiosk_profile(kiosk_id))
    folder = stage.layout.kiosk_folder(kiosk_id)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{kiosk_id}-attacker", protocol=mqtt.MQTTv5)
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(str(folder / "kiosk.pem"), str(folder / "kiosk.key"))
    client.tls_set_context(context)
    answers: queue.SimpleQueue[int] = queue.SimpleQueue()
    client.on_publish = lambda _client, _data, _mid, code, _properties: answers.put(code.value)
    client.connect("127.0.0.1", stage.layout.ports.broker)
    client.loop_start()
    topic = kiosk_topics(profile.kiosk.site, kiosk_id).declarations

    def taken(payload: bytes) -> bool:
        client.publish(topic, payload, qos=1)
        return answers.get(timeout=10) != NOBODY_SUBSCRIBED

    for payload in payloads:
        wait_until(lambda payload=payload: taken(payload))
    client.disconnect()
    client.loop_stop()
