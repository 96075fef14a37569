"""A kiosk revoked with the operator's one command while everything runs: nothing of it is accepted from the command's return on.

Real processes: Mosquitto, gateway with its reader, kiosks that declare without end. Each test counts that there was something to refuse.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from acceptance_stage import Account, Stage, wait_until
from bare_kiosk import BareKiosk

from residence.wire.topics import SHARDS, shard_filter

pytestmark = pytest.mark.acceptance
LOBBY, DESK = "kiosk-lobby-1", "kiosk-desk-1"


def revoke(stage: Stage, kiosk_id: str) -> dict[str, object]:
    """Run the operator's command as it is documented."""
    command = [sys.executable, "-m", "luutru", "gateway", "kiosks", "revoke", kiosk_id, "--json"]
    command += ["--broker-folder", str(stage.layout.broker), "--pki", str(stage.layout.pki)]
    command += ["--broker", f"127.0.0.1:{stage.layout.ports.broker}"]
    done = subprocess.run(
        command, env={**stage.town.environment(), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60
    )
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1), done.stderr
    return answer


def recorded(stage: Stage, kiosk_id: str) -> int:
    return [row[0] for row in stage.rows("SELECT kiosk_id FROM declarations")].count(kiosk_id)


def refused(stage: Stage) -> int:
    return stage.rows("SELECT coalesce(sum(seen_count), 0) FROM quarantine WHERE code = 'key.revoked'")[0][0]


def settled(ledger: Path) -> int:
    return len(Account.read(ledger).settled)


def test_a_live_kiosk_is_cut_and_refused_when_it_comes_back_and_the_others_go_on(stage, tmp_path):
    stolen, honest = tmp_path / "stolen", tmp_path / "honest"
    stage.town.broker.start()
    stage.town.start_gateway()
    for kiosk_id, ledger in ((LOBBY, stolen), (DESK, honest)):
        stage.driver(kiosk_id, ledger, "--every", "0.05", "--count", "100000")
        wait_until(lambda ledger=ledger: settled(ledger) > 5, say=lambda: stage.town.children.last_words("gateway"))
    answer = revoke(stage, LOBBY)
    accepted, kept, others = recorded(stage, LOBBY), len(Account.read(stolen).kept), settled(honest)
    assert (answer["ok"], answer["changed"], answer["in_force"], answer["session_ended"]) == (True, True, True, True)
    wait_until(lambda: len(Account.read(stolen).kept) > kept + 20)  # the thief goes on declaring, and trying to connect
    wait_until(lambda: settled(honest) > others + 20)
    assert "certificate verify failed" in stage.town.broker.log.read_text("utf-8", "replace")
    assert recorded(stage, LOBBY) == accepted
    assert settled(stolen) <= accepted


def test_what_waits_in_the_brokers_queue_when_its_kiosk_is_revoked_is_never_accepted(stage, tmp_path):
    ledger = tmp_path / "ledger"
    stage.town.broker.start()
    stage.town.start_gateway()
    stage.driver(LOBBY, ledger, "--count", "1", "--settle", "30").wait(60)
    stage.town.children.stop("gateway")  # its session stays and takes what is published
    passing = BareKiosk(stage.town.broker, "passing-by", identity=stage.town.broker.pki.gateway())
    passing.subscribe(*(shard_filter(shard) for shard in range(SHARDS)))
    thief = stage.driver(LOBBY, ledger, "--count", "30", "--first", "100", "--settle", "60")
    wait_until(lambda: len({payload for _, payload in passing.heard}) == 30)  # and so they are in the gateway's queue, too
    passing.close()
    thief.kill()
    thief.wait()
    assert recorded(stage, LOBBY) == 1
    assert revoke(stage, LOBBY)["ok"]
    stage.town.start_gateway()
    wait_until(lambda: refused(stage) > 0, say=lambda: stage.town.children.last_words("gateway"))
    honest = stage.driver(DESK, tmp_path / "honest", "--count", "5", "--settle", "30")  # behind them in the same queue
    assert honest.wait(60) == 0, (stage.town.broker.running, stage.town.broker.log.read_text("utf-8", "replace")[-2000:])
    assert recorded(stage, DESK) == 5
    assert refused(stage) >= 30
    assert recorded(stage, LOBBY) == 1
    assert settled(ledger) == 1
