"""The gateway and its sweep by a file of choices: the receipt names the rule set with its choice, and patience is the commune's."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from luutru.commands.gateway import app
from luutru.processes.gateway import GatewaySettings, build
from residence.choices import parse_choices
from residence.clock import VIETNAM

RUNNER = CliRunner()
SEEN = datetime(2026, 7, 10, 21, 0, tzinfo=VIETNAM)


class NoLine:
    """A transport that is never started."""


def intake_by(office, choices):
    settings = GatewaySettings(
        registry=office.url, vault=office.vault_folder, keys=office.keys, tls=Path("pki"), choices=parse_choices(choices)
    )
    return build(settings, registry=office.registry, clock=office.clock, transport=NoLine())._intake


@pytest.mark.parametrize(
    ("choices", "rule_set"), [(b"", "stay-2026-07-01"), (b"[rules]\ncutoff_inclusive = false", "stay-2026-07-01+not-cutoff-inclusive")]
)  # fmt: skip
def test_a_receipt_names_the_rules_with_what_was_chosen(small_office, choices, rule_set):
    outcome = intake_by(small_office, choices).take([small_office.deliver(small_office.kiosk())])
    (receipt,) = small_office.receipts(outcome)
    assert (receipt.state, receipt.rule_set) == ("accepted", rule_set)


def test_silence_makes_a_case_where_the_commune_says_after_how_long(small_office, tmp_path):
    small_office.clock.instant = SEEN
    kiosk = small_office.kiosk()
    small_office.intake.take([small_office.deliver(kiosk, small_office.presence(kiosk, seen_at=SEEN.isoformat()))])
    file = tmp_path / "choices.toml"
    file.write_text("[undeclared]\nunanswered_after_hours = 24", "utf-8")

    def swept(after, *more):
        options = ["--registry", small_office.url, "--vault", str(small_office.vault_folder), "--json", *more]
        done = RUNNER.invoke(app, ["sweep", "--at", (SEEN + after).isoformat(), *options])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["rules"]

    assert swept(timedelta(hours=3)) == {"notice:seen_past_deadline": 1}
    assert swept(timedelta(hours=30)) == {}
    assert swept(timedelta(hours=26), "--choices", str(file)) == {}
    assert swept(timedelta(hours=30), "--choices", str(file)) == {"case:notice_unanswered": 1}


def test_a_wrong_file_stops_the_gateway_before_it_starts(tmp_path):
    file = tmp_path / "choices.toml"
    file.write_text("[undeclared]\nunanswered_after = 24", "utf-8")
    done = RUNNER.invoke(app, ["run"], env={"LUUTRU_CHOICES": str(file)})
    assert done.exit_code == 2
    assert "/undeclared/unanswered_after" in done.output
