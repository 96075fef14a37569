"""The gateway carries the retention policy out every night, before it looks after the register, and a person reads what went."""

import json
import threading
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.giving_way import Progress
from luutru.commands.gateway import app as gateway_app
from luutru.commands.registry import app
from luutru.processes.gateway import GatewaySettings
from luutru.processes.gateway_beside import build_beside
from residence.clock import VIETNAM

RUNNER = CliRunner()
NIGHT = datetime(2026, 7, 11, 2, 0, tzinfo=VIETNAM)


@pytest.fixture
def watched(small_office):
    """Somebody was seen and is not declared; it is night."""
    kiosk = small_office.kiosk()
    small_office.intake.take([small_office.deliver(kiosk, small_office.presence(kiosk))])
    small_office.clock.instant = NIGHT
    return small_office


def let_a_gateway_run(office):
    settings = GatewaySettings(registry=office.url, vault=office.vault_folder, keys=office.keys, tls=Path("pki"))
    build_beside(
        settings, registry=office.registry, clock=office.clock, stopping=threading.Event(), intake=lambda: Progress(0, False)
    ).turn()


def reports_of(office):
    done = RUNNER.invoke(app, ["retention", "report", "--registry", office.url, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["reports"]


def went(report):
    return {each["name"]: each["rows"] for each in report["deleted"] if each["rows"]}


def test_what_is_due_goes_at_night_and_is_reported_for_each_night(watched):
    let_a_gateway_run(watched)
    assert watched.count("presences") == 1
    watched.clock.pass_time(days=14)
    let_a_gateway_run(watched)
    let_a_gateway_run(watched)
    assert watched.count("presences") == 0
    newest, first = reports_of(watched)
    assert (first["night"], went(first)) == ("2026-07-11", {})
    assert (newest["night"], went(newest), newest["by"]) == ("2026-07-25", {"presence": 1}, "night's work")


def test_a_person_reads_what_went_and_since_when_it_was_due(watched):
    watched.clock.pass_time(days=14)
    let_a_gateway_run(watched)
    read = RUNNER.invoke(app, ["retention", "report", "--registry", watched.url], env={"COLUMNS": "200"}).stdout
    (line,) = (each for each in read.splitlines() if " presence " in each)
    assert [each.strip() for each in line.strip("│").split("│")] == [
        "2026-07-25",
        "night's work",
        "2026-07-25 02:00",
        "presence",
        "delete",
        "1",
        "2026-07-11 02:00",
        "nothing",
    ]


@pytest.mark.parametrize("command", ["run", "nightly"])
def test_a_wrong_policy_stops_the_gateway_before_it_starts(tmp_path, command):
    own = tmp_path / "retention.toml"
    own.write_text("[[class]]\n", "utf-8")
    done = RUNNER.invoke(gateway_app, [command], env={"LUUTRU_RETENTION": str(own)})
    assert done.exit_code == 2
    assert "--retention" in done.output
