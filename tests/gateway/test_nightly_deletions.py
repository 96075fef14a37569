"""The gateway carries the retention policy out every night, as a part of its turns, and a person reads what went."""

import json
import threading
from datetime import timedelta
from pathlib import Path

import structlog
from typer.testing import CliRunner

from gateway.port import ConnectionState
from luutru.commands.gateway import app as gateway_app
from luutru.commands.registry import app
from luutru.processes.gateway import GatewaySettings, build
from registry import tables

RUNNER = CliRunner()


class Quiet:
    """A connection on which nothing arrives."""

    state = ConnectionState.CONNECTED

    def collect(self, _limit, *, wait_seconds, fill_seconds):
        return []

    def publish(self, topic, payload, *, retain=False):
        return True

    def flush(self):
        pass


def gateway_of(office, **settings):
    told = GatewaySettings(registry=office.url, vault=office.vault_folder, keys=office.keys, tls=Path("pki"), **settings)
    worker = build(told, registry=office.registry, clock=office.clock, transport=Quiet())
    structlog.reset_defaults()
    return worker


def presences_left(office):
    with office.registry.reading() as connection:
        return len(connection.execute(tables.presences.select()).all())


def reports_of(office):
    done = RUNNER.invoke(app, ["retention", "report", "--registry", office.url, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["reports"]


def test_what_is_due_goes_in_a_turn_of_the_gateway_and_is_reported_for_each_night(small_office):
    office = small_office
    kiosk = office.kiosk()
    office.intake.take([office.deliver(kiosk, office.presence(kiosk))])
    worker = gateway_of(office)
    worker.turn(threading.Event())
    assert presences_left(office) == 1
    office.clock.pass_time(days=15)
    worker.turn(threading.Event())
    assert presences_left(office) == 0
    newest, first = reports_of(office)
    assert newest["night"] > first["night"]
    assert newest["by"] == "luutru-gateway"
    assert {each["name"]: each["rows"] for each in newest["deleted"] if each["rows"]} == {"presence": 1}
    assert {each["rows"] for each in first["deleted"]} == {0}
    read = RUNNER.invoke(app, ["retention", "report", "--registry", office.url], env={"COLUMNS": "200"}).stdout
    assert newest["night"] in read
    assert "more is due" not in read


def test_a_gateway_that_leaves_the_sweep_to_another_deletes_nothing(small_office):
    small_office.clock.pass_time(days=15)
    gateway_of(small_office, sweep_every=None).turn(threading.Event())
    gateway_of(small_office, sweep_every=timedelta(hours=1)).turn(threading.Event())
    assert [each["by"] for each in reports_of(small_office)] == ["luutru-gateway"]


def test_a_wrong_policy_stops_the_gateway_before_it_starts(tmp_path):
    own = tmp_path / "retention.toml"
    own.write_text("[[class]]\n", "utf-8")
    done = RUNNER.invoke(gateway_app, ["run"], env={"LUUTRU_RETENTION": str(own)})
    assert done.exit_code == 2
    assert "--retention" in done.output
