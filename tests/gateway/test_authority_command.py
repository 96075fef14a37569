"""``luutru authority`` from a bound premises to a count: the commands a person has, on the real clock, against the played KBTT."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta

import pytest
from kbtt_parts import told_to_kbtt
from typer.testing import CliRunner

from luutru.commands.authority import app
from residence.clock import VIETNAM


class Commands:
    """The command line with the options every command shares."""

    def __init__(self, told):
        self.told = told
        office = told.office
        self.shared = {"--registry": office.url, "--vault": str(office.vault_folder)}
        self.settings = {"--settings": str(told.file)}

    def run(self, *words, settings=False):
        options = {**self.shared, **(self.settings if settings else {})}
        given = [*words, *(part for pair in options.items() for part in pair)]
        return CliRunner().invoke(app, given, catch_exceptions=False)


@pytest.fixture
def commands(small_office, tmp_path):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with told_to_kbtt(small_office, tmp_path) as told:
        told.kbtt._clock = lambda: datetime.now(UTC)
        small_office.clock.instant = datetime.now(UTC)
        yield Commands(told)
    for number, handler in handlers.items():  # sending stops on them, and runs in this very process here
        signal.signal(number, handler)


def say(commands, **changes):
    now = commands.told.office.clock.now()
    times = {"arrival": now.isoformat(), "planned_departure": (now + timedelta(days=2)).isoformat()}
    return commands.told.say(**{**times, **changes})


def test_a_day_from_sending_to_the_count(commands):
    say(commands)
    assert json.loads(commands.run("send", "--json", settings=True).stdout)["steps"] >= 2
    status = commands.run("status", "--json", "--all")
    assert status.exit_code == 0
    report = json.loads(status.stdout)
    assert [(each["state"], each["count"]) for each in report["counts"]] == [("accepted", 1)]
    assert [each["state"] for each in report["lines"]] == ["open"]
    day = commands.told.office.clock.now().astimezone(VIETNAM).date().isoformat()
    assert commands.run("count-back", "hoa-binh", day, "2").exit_code == 1
    counted = commands.run("count-back", "hoa-binh", day, "1", "--json")
    assert (counted.exit_code, json.loads(counted.stdout)["confirmed"]) == (0, 1)


def test_what_waits_for_somebody_is_said_in_words_and_tried_again(commands):
    commands.told.kbtt.behaviour.faults = ["odd_refusal"]
    say(commands)
    commands.run("send", settings=True)
    status = commands.run("status")
    assert status.exit_code == 1
    assert "The authority refused this declaration." in status.stdout
    (row,) = commands.told.rows()
    assert commands.run("retry", "nothing").exit_code == 1
    assert commands.run("retry").exit_code == 2
    assert commands.run("retry", row.record_id).exit_code == 0
    commands.run("send", settings=True)
    assert commands.told.states() == ["accepted"]
    assert commands.run("answer", row.record_id, "--missing").exit_code == 0
    assert commands.run("answer", row.record_id, "--there").exit_code == 1
    assert commands.told.states() == ["due"]


def test_a_file_for_whom_the_interface_cannot_take(commands, tmp_path):
    arrival = commands.told.office.clock.now() - timedelta(days=3)
    say(commands, arrival=arrival.isoformat())
    commands.run("send", settings=True)
    exported = commands.run("export", "hoa-binh", "--to", str(tmp_path / "out"), "--json", settings=True)
    assert exported.exit_code == 0, exported.output
    assert json.loads(exported.stdout)["guests"] == 1
    assert len(list((tmp_path / "out").iterdir())) == 1
    again = commands.run("export", "hoa-binh", "--to", str(tmp_path / "out"), settings=True)
    assert again.exit_code == 1
    assert "authority.nothing_to_export" in again.output


def test_binding_and_unbinding_a_premises(commands):
    premises = commands.told.office.kiosk().premises_id
    assert "0 stays" in commands.run("bind", premises, "--facility", "hoa-binh").stdout
    assert commands.run("bind", "nowhere", "--facility", "hoa-binh").exit_code == 1
    assert commands.run("unbind", premises).exit_code == 0
    assert commands.run("unbind", premises).exit_code == 1
    say(commands)
    assert commands.told.rows() == []


def test_a_file_of_authorities_that_cannot_be_used_ends_it_at_once(commands):
    commands.told.file.write_text('[kbtt]\nbase = "http://ministry.example"')
    sent = commands.run("send", settings=True)
    assert (sent.exit_code, "authorities.not_https" in sent.output) == (1, True)
    commands.told.file.unlink()
    assert commands.run("run", settings=True).exit_code == 1
