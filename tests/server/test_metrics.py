"""What Prometheus is told: well made by promtool's word, true of the registry, without a person; and alarms that are tested as rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from factories import EVENING
from server_operators import SECRET, fill, put_aside
from server_parts import COMMUNE
from traces import traces
from typer.testing import CliRunner

from luutru.commands.metrics import CONTENT, app, make_server
from luutru.metrics import HELP, exposition, read_metrics
from registry.gateway_reports import EndsSoon, GatewayReport
from registry.kiosks import keep_state
from residence.clock import rfc3339
from residence.wire.state import KioskState
from server.operators.fleet import Patience

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "metrics"
PROMTOOL = ROOT / ".tools" / "kiosk-room" / "usr" / "bin" / "promtool"


@pytest.fixture
def told(world):
    fill(world)
    put_aside(world)
    with world.registry.writing() as connection:  # heard of an hour ago, for the last time
        once = world.clock.now() - timedelta(hours=1)
        keep_state(connection, KioskState(kiosk_id="kiosk-desk-1", session=1, online=True, at=rfc3339(once)), now=once)
    return read_metrics(world.registry, now=world.clock.now(), patience=Patience())


def figures(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_promtool_finds_it_well_made(told):
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=told, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_figures_are_those_of_the_registry(told):
    found = figures(told)
    lively, silent = '{worker="luutru-gateway-aaaa"}', '{worker="luutru-gateway-bbbb"}'
    assert found[f"luutru_gateway_committed_per_second{lively}"] == 600
    assert found[f"luutru_gateway_batch_p99_seconds{lively}"] == 0.08
    assert found[f"luutru_gateway_report_age_seconds{lively}"] == 0
    assert found[f"luutru_gateway_report_age_seconds{silent}"] == 20 * 60
    assert f"luutru_gateway_committed_per_second{silent}" not in found, "no longer true"
    assert found[f'luutru_dead_letters{{commune="{COMMUNE}"}}'] == 1
    assert found[f'luutru_site_dark{{commune="{COMMUNE}",site="htl-sao-mai"}}'] == 1


def test_no_person_and_no_single_kiosk_is_in_it(told):
    assert traces(told.encode(), [SECRET.decode(), "Tran Van An", "kiosk-lobby-1", "kiosk-desk-1"]) == set()


def test_names_that_would_end_a_label_do_not():
    ending = EndsSoon(name='a"b\\c\n', kind="certificate", ends=EVENING, step=7)
    report = GatewayReport(worker="w", at=EVENING, seconds=1.0, connection="connected", shards="0-63", endings=(ending,))
    text = exposition([report], {}, {}, now=EVENING)
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'name="a\\"b\\\\c\\n"' in text


def test_it_is_asked_over_http_and_an_absent_registry_is_no_figure():
    answers = ["luutru_dead_letters 1\n"]
    server = make_server(answers.pop, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
            assert (answer.read(), answer.headers["content-type"]) == (b"luutru_dead_letters 1\n", CONTENT)
        for path, status in (("/metrics", 503), ("/", 404)):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{address}{path}", timeout=10)
            assert caught.value.code == status
            caught.value.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_the_command_prints_it_once(tmp_path):
    from registry.database import upgrade

    address = f"sqlite:///{tmp_path / 'registry.db'}"
    upgrade(address)
    said = CliRunner().invoke(app, ["--once", "--registry", address, "--vault", str(tmp_path / "vault")])
    assert (said.exit_code, figures(said.stdout)) == (0, {})


def test_every_alarm_is_tested_as_a_rule_and_explained(tmp_path):
    shutil.copytree(DEPLOY, tmp_path / "metrics")
    done = subprocess.run(
        [PROMTOOL, "test", "rules", "alerts_test.yml"], cwd=tmp_path / "metrics", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rules = [rule for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
    tested = {
        each["alertname"]
        for test in yaml.safe_load((DEPLOY / "alerts_test.yml").read_text())["tests"]
        for each in test["alert_rule_test"]
        if each["exp_alerts"]
    }
    assert {rule["alert"] for rule in rules} == tested
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert not [rule["alert"] for rule in rules if f"`{rule['alert']}`" not in page]
    assert not [name for name in HELP if f"`{name}`" not in page]
    known = "".join(HELP)
    assert all(any(name in rule["expr"] for name in HELP) for rule in rules), known


def test_an_alarm_that_asked_for_the_wrong_thing_would_be_found(tmp_path):
    shutil.copytree(DEPLOY, tmp_path / "metrics")
    rules = tmp_path / "metrics" / "alerts.yml"
    rules.write_text(rules.read_text().replace("luutru_site_dark > 0", "luutru_site_dark > 40"))
    done = subprocess.run(
        [PROMTOOL, "test", "rules", "alerts_test.yml"], cwd=rules.parent, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1


def test_dashboards_ask_for_every_figure_and_for_no_other(tmp_path):
    asked = {}
    for file in sorted((DEPLOY / "grafana").glob("*.json")):
        board = json.loads(file.read_text("utf-8"))
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)), "Grafana drops the second panel of an id"
        for panel in board["panels"]:
            asked |= {f"{file.stem}:{panel['id']}:{each['refId']}": each["expr"] for each in panel["targets"]}
    named = {name for expression in asked.values() for name in re.findall(r"luutru_\w+", expression)}
    assert named == set(HELP)
    rules = [{"record": f"panel:{number}", "expr": re.sub(r"\$\w+", ".*", each)} for number, each in enumerate(asked.values())]
    written = tmp_path / "panels.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([PROMTOOL, "check", "rules", written], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_prometheus_takes_its_settings():
    done = subprocess.run([PROMTOOL, "check", "config", DEPLOY / "prometheus.yml"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
