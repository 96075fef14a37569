"""The fleet's benchmark: every kiosk is a connection of its own, nothing is lost, a dark site is one alarm, and a machine too small says so."""

from __future__ import annotations

import json
import resource

import pytest
from typer.testing import CliRunner

from luutru.benchmarks.fleet_storm import raise_file_limit
from luutru.commands.bench import app


def test_a_small_fleet_comes_back_declares_and_goes_dark():
    done = CliRunner().invoke(app, ["fleet", "--quick", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    figures = report["figures"]
    assert report["name"] == "fleet"
    assert figures["kiosks"] == 16
    assert figures["all_connected_seconds"] > 0
    assert figures["broker_rss_mib"] > 0
    assert figures["resumed"] == 16, "each kiosk took its TLS session up again"
    assert (figures["lost"], figures["receipted"]) == (0, figures["declarations"])
    assert (figures["kiosks_cut"], figures["site_alarms"], figures["single_kiosk_alarms"]) == (4, 1, 0)
    assert [each["kiosks"] for each in figures["points"]] == report["settings"]["kiosks"] == [16]


def test_more_kiosks_than_the_machine_lets_us_open_are_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1024, 4096))  # the limit of some other machine
    with pytest.raises(RuntimeError, match="ulimit -Hn 4097"):
        raise_file_limit(4097)
