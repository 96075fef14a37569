"""The measurement of a card on a serial line: cards come through, and the keys others read are there."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from luutru.commands.bench import app


def test_the_benchmark_delivers_cards_and_gives_the_keys_others_read():
    done = CliRunner().invoke(app, ["serial", "--quick", "--json"])
    report = json.loads(done.output)

    assert done.exit_code == 0
    assert report["name"] == "serial"
    assert report["figures"].keys() >= {"last_byte_to_capture_p95_ms", "without_line_end_p95_ms", "with_pauses_p95_ms"}
    assert report["figures"]["cards_missed"] < report["settings"]["cards"]
    assert report["baselines"]["readline_p95_ms"] > 0
    assert (report["settings"]["cards"], report["settings"]["baud_rate"], report["settings"]["quick"]) == (12, 115_200, True)
