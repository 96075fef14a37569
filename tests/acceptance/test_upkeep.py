"""The running gateway looks after the register by itself, beside the intake."""

from __future__ import annotations

import sys
from pathlib import Path

from acceptance_stage import wait_until


def test_a_running_gateway_cleans_and_counts_by_itself_and_ends_when_asked(stage):
    luutru = str(Path(sys.executable).with_name("luutru"))
    command = [luutru, "gateway", "run", "--broker", f"127.0.0.1:{stage.layout.ports.broker}", "--night-hour", "0"]
    stage.town.children.start("gateway", command, environment=stage.town.environment())  # no broker: the night waits for nobody
    done = dict.fromkeys(("deletions", "keys", "cleaning_whole", "scoreboard", "looks", "second_views", "public_figures"), "done")
    wait_until(
        lambda: dict(stage.rows("SELECT task, state FROM nightly_runs")) == done,
        seconds=150,
        say=lambda: stage.town.children.last_words("gateway"),
    )
    stage.town.children.stop_all()
    assert "left behind" not in stage.town.children.last_words("gateway")
